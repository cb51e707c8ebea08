// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The engine that keeps a session's segments as objects of an S3 store (SB-4). A segment is a row of pieces, each an object written once:
//
//      PREFIX 00000007/0000000000      the segment's first bytes; without it there is no such segment
//      PREFIX 00000007/0005242976      what was appended from that offset on
//
// append() only gathers. A piece is made by settle(), or when more was given than a part: then it is a multipart upload, whose parts go out
// while the next ones come in. What did not reach the store stays in memory and is tried again at the next settle(); when there is no more
// room for it, append() refuses. Nothing that is here is a secret but the credential: what is written is sealed (SB-3), and what a store
// gives back that is not what it was given does not open.
//
//   threading   one thread; each call blocks within its time
//   memory      kS3BufferBytesMax, kS3WindowBytesMax, 8 bytes for each piece
//   errors      segments.h. The store keeps answering EIO once a piece was lost that it had taken.
//   full        there is no spare: a store that is full takes no word of what may go either

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "storage/limits.h"
#include "storage/s3_requests.h"
#include "storage/segments.h"

namespace ocu::storage {

// "PREFIX00000007/0005242976".
std::string s3_piece_key(std::string_view prefix, SegmentNumber segment, std::uint64_t offset);
struct S3PieceName {
    SegmentNumber segment;
    std::uint32_t offset;
};
std::optional<S3PieceName> s3_piece_name(std::string_view prefix, std::string_view key);

class S3Segments final : public Segments {
public:
    struct Rules {
        std::size_t part_bytes = kS3PartBytes;
        std::size_t buffer_bytes_max = kS3BufferBytesMax;
        std::size_t pieces_max = kS3PiecesMax;
        std::chrono::milliseconds append_time = kS3AppendTime;
        std::chrono::milliseconds operation_time = kS3OperationTime;
        std::chrono::milliseconds down_time = kS3DownTime;
        S3Requests::Times times{};
    };

    // `credential`: "ACCESS_KEY_ID:SECRET_ACCESS_KEY". `clock` outlives this.
    S3Segments(S3Place place, Secret credential, S3Connect connect, Clock const& clock, Rules rules);
    S3Segments(S3Place place, Secret credential, S3Connect connect, Clock const& clock);

    Answer<std::vector<Found>> list() override;
    Answer<void> make(SegmentNumber segment) override;
    Answer<void> append(SegmentNumber segment, std::uint64_t offset, std::span<std::byte const> bytes) override;
    Answer<void> settle() override;
    Answer<std::size_t> read(SegmentNumber segment, std::uint64_t offset, std::span<std::byte> into) override;
    Answer<void> cut(SegmentNumber segment, std::uint64_t bytes) override;
    Answer<void> sync() override;
    Answer<void> remove(SegmentNumber segment) override;
    bool give_up_spare() override { return false; }
    void keep_spare() override {}

private:
    using Call = S3Requests::Call;
    struct Piece {
        std::uint32_t offset;
        std::uint32_t bytes;
    };
    using Pieces = std::vector<Piece>;  // by offset
    struct Part {
        std::vector<std::byte> bytes{};  // given up for room once the store has them
        std::size_t size = 0;
        std::optional<Call> call{};
        bool done = false;
        std::string etag{};
    };
    // A piece on its way.
    struct Upload {
        SegmentNumber segment;
        std::uint64_t offset;
        std::uint64_t size = 0;
        std::deque<Part> parts{};
        bool sealed = false;  // nothing is added
        bool unconditional = false;  // it may be there already
        std::string id{};  // of the multipart upload, once begun
        std::string words{};  // that complete it
        std::optional<Call> call{};
        int fault = 0;  // it is not tried any more, until it is asked for again
        unsigned rounds = 0;
        bool multipart() const { return parts.size() > 1 || !id.empty(); }
        std::uint64_t end() const { return offset + size; }
    };
    struct Window {
        SegmentNumber segment;
        std::uint64_t begin;
        std::size_t length;
        std::optional<Call> call{};
        std::vector<std::byte> bytes{};
        int fault = 0;
        std::uint64_t end() const { return begin + length; }
    };
    // Keys of a removed segment, its first piece first: while that is there, all of it must be.
    struct Doomed {
        SegmentNumber segment;
        std::deque<std::string> keys;
        bool headless = false;
    };

    // s3_segments.cpp
    std::string key_of(SegmentNumber segment, std::uint64_t offset) const;
    std::uint64_t end_of(SegmentNumber segment) const;
    Answer<void> read_page(std::string& token, std::vector<S3PieceName>& names, std::vector<std::uint64_t>& sizes);
    Answer<void> take_index(std::vector<S3PieceName> const& names, std::vector<std::uint64_t> const& sizes);
    Answer<void> delete_beyond(SegmentNumber segment, std::uint64_t bytes);
    Answer<void> shorten(SegmentNumber segment, Piece piece, std::uint64_t bytes);
    void clear_doomed(std::chrono::milliseconds time);
    void doom(SegmentNumber segment);

    // s3_segments_write.cpp
    Upload& upload_at(SegmentNumber segment, std::uint64_t offset);
    Answer<void> make_room(std::size_t bytes);
    void feed(Upload& upload, std::span<std::byte const> bytes);
    void seal_all();
    bool give_up_bytes();
    void advance();
    void advance(Upload& upload);
    void advance_multipart(Upload& upload);
    void collect();
    bool collect(Upload& upload);
    void hear_begun(Upload& upload, S3Answer const& answer);
    bool hear_whole(Upload& upload, S3Answer const& answer);
    void hear_part(Upload& upload, Part& part, S3Answer const& answer);
    void begin_again(Upload& upload);
    void keep(Upload& upload);
    Answer<void> drive(Monotonic until);
    Monotonic deadline() const;
    void pump(std::chrono::milliseconds patience);

    // s3_segments_read.cpp
    struct Copied {
        std::size_t bytes = 0;
        bool found = false;
    };
    Answer<Copied> read_unsettled(SegmentNumber segment, std::uint64_t offset, std::span<std::byte> into);
    Answer<std::size_t> read_piece(SegmentNumber segment, Piece piece, std::uint64_t offset, std::span<std::byte> into);
    Answer<Window*> window_at(SegmentNumber segment, Piece piece, std::uint64_t offset);
    Window& fetch(SegmentNumber segment, Piece piece, std::uint64_t begin, std::size_t length);
    void read_ahead(Window const& from);
    void make_window_room(std::size_t bytes);
    void hear_window(Window& window, S3Answer answer);
    void forget_windows(SegmentNumber segment);

    Clock const& clock_;
    Rules rules_;
    std::string prefix_;
    S3Requests requests_;
    std::map<SegmentNumber, Pieces> index_;
    std::size_t pieces_ = 0;
    bool listed_ = false;
    std::list<Upload> uploads_;  // in the order in which they were given
    std::size_t buffered_ = 0;  // bytes in their parts
    std::size_t writing_ = 0;  // calls of theirs
    bool conditional_ = true;  // the store knows If-None-Match
    bool failed_ = false;
    bool down_ = false;  // it did not answer the last time
    std::list<Window> windows_;  // the most recently used first
    std::size_t window_bytes_ = 0;
    SegmentNumber read_segment_ = 0;
    std::uint64_t read_end_ = 0;
    std::deque<Doomed> doomed_;
};

}  // namespace ocu::storage
