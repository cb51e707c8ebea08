// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A session's chunks and the journal of its tree, sealed, in segments that are only appended to: docs/formats/sealed-log.md has the bytes.
// What is alive is known in memory; on disk nothing is ever overwritten. A chunk opens only as the one of its inode and index that was
// sealed under its number (SB-3, T-28).
//
//   threading   the loop's thread of `broker`; calls may block on the disk
//   memory      16 bytes for each record, a buffer of about a mebibyte, one for reading
//   errors      EIO, ENOSPC. After a write could not be taken back, or a sync failed, everything that writes is EIO: the log only reads.
//   limits      limits.h; a test may have smaller ones

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "storage/chunk_store.h"
#include "storage/limits.h"
#include "storage/sealed_record.h"
#include "storage/segments.h"

namespace ocu::storage {

class SealedLog final : public ChunkStore {
public:
    struct Rules {
        std::uint32_t segment_bytes_max = kSegmentBytesMax;
        std::uint64_t dead_bytes_slack = kDeadBytesSlack;
        std::uint64_t journal_bytes_least = kJournalBytesLeast;
    };
    // What was there and is not any more: written after the last sync, and torn by a power cut.
    struct Cut {
        std::uint64_t bytes = 0;
        std::uint32_t segments = 0;  // that went whole, among them those that were made and never filled
    };
    struct Opened {
        std::unique_ptr<SealedLog> log;
        Cut cut;
    };
    // Why a log does not open, and where. Nothing has been changed.
    struct Damage {
        int fault = EIO;
        Literal what{""};
        SegmentNumber segment = 0;
        std::uint64_t offset = 0;
    };
    // The tree takes a batch of changes, in the order in which they were appended.
    using Apply = std::function<Answer<void>(std::span<std::byte const> changes)>;

    // A new log where there are no segments; else what was appended to them, as far as it was promised. `data_key`: 32 bytes.
    static std::expected<Opened, Damage> open(std::unique_ptr<Segments> segments, Secret data_key, Apply const& apply, Rules rules);
    static std::expected<Opened, Damage> open(std::unique_ptr<Segments> segments, Secret data_key, Apply const& apply)
    {
        return open(std::move(segments), std::move(data_key), apply, Rules{});
    }

    Answer<std::vector<ChunkPlace>> append(Inode inode, std::uint64_t first, std::span<std::byte const> plain) override;
    Answer<void> read(Inode inode, std::uint64_t first, std::span<ChunkPlace const> places, std::span<std::byte> into) override;
    void drop(ChunkPlace const& place) override;
    Answer<void> append_changes(std::span<std::byte const> changes) override;
    Answer<void> settle() override;
    Answer<void> sync() override;
    void keep_house(Housekeeping house) override;
    Answer<bool> housekeeping_step() override;

    struct Size {
        std::uint64_t bytes = 0;    // of all segments
        std::uint64_t alive = 0;    // of records that are needed, or will be until the next changes are appended
        std::uint64_t journal = 0;  // of those alive, what is not chunks
        std::size_t segments = 0;
    };
    Size size() const;

private:
    friend class SealedLogReplay;

    // Leaving: nothing refers to it once the next changes are appended. Stuck: it does not open, and is never moved again.
    enum class State : std::uint32_t { dead, alive, leaving, stuck };
    struct Mark {
        std::uint32_t offset = 0;
        std::uint32_t bytes : 24 = 0;
        State state : 7 = State::alive;
        bool journal : 1 = false;
    };
    static_assert(sizeof(Mark) == 8);
    static Mark mark_of(RecordHead const& head, std::uint32_t offset);
    struct Segment {
        SegmentHead head;
        crypto::Aes256Gcm key;
        std::uint32_t bytes = 0;
        std::uint64_t last_number = 0;
        std::uint64_t alive = 0;
        std::size_t chunks_alive = 0;
        std::vector<Mark> marks;  // by offset
    };
    // A record on its way out, in `out_`.
    struct Queued {
        RecordHead head;
        std::uint32_t offset;
    };
    struct Spot {
        SegmentNumber segment;
        std::uint32_t offset;
    };
    struct Text {
        std::uint64_t a;
        std::uint64_t b;
        std::span<std::byte const> body;
    };
    // A chunk that was found when the log was opened: the tree is asked about it when there is one.
    struct Unasked {
        Inode inode;
        std::uint64_t index;
        ChunkPlace place;
    };

    SealedLog(std::unique_ptr<Segments> segments, Secret data_key, Rules rules);

    // Writing: sealed_log.cpp. queue() seals a record into `out_`, after it wrote out what does not fit beside it; write_out() writes the rest.
    // A failure loses what was queued and not yet written; its numbers are spent.
    Answer<ChunkPlace> queue(RecordKind kind, Text text);
    Answer<void> make_room(std::size_t bytes);
    Answer<void> write_out();
    Answer<void> end_segment();
    Answer<void> begin_segment();
    Answer<ChunkPlace> append_record(RecordKind kind, Text text);
    Answer<void> append_out(SegmentNumber segment, std::uint64_t offset, std::span<std::byte const> bytes);
    void take_up(Segment& segment, RecordHead const& head, std::uint32_t offset);

    // Reading: sealed_log_read.cpp.
    Answer<void> read_run(Inode inode, std::uint64_t first, std::span<ChunkPlace const> places, std::span<std::byte> into);

    // What is alive: sealed_log_house.cpp.
    void ask_tree();
    Mark* mark_at(Spot spot);
    void kill(Spot spot);
    void leave(Spot spot);
    void take_back(std::span<ChunkPlace const> places);
    void drops_take_effect();
    std::vector<SegmentNumber> empty_segments() const;
    Answer<void> remove_segments(std::vector<SegmentNumber> const& which);
    Answer<void> write_snapshot();
    Answer<bool> move_from_emptiest();
    Answer<void> move_chunks(SegmentNumber from);
    std::optional<RecordText> movable(SegmentNumber from, Mark& mark, ChunkPlace& was);

    std::unique_ptr<Segments> store_;
    Secret data_key_;
    Rules rules_;
    Housekeeping house_;
    std::map<SegmentNumber, Segment> segments_;
    SegmentNumber current_ = 0;  // that is written to; 0: the next record begins one
    SegmentNumber next_segment_ = 1;
    Epoch last_epoch_{};
    std::uint64_t next_number_ = 1;
    std::uint64_t written_ = 0;  // the number of the last record that is in a segment
    std::uint64_t synced_ = 0;
    std::vector<std::byte> out_;
    std::size_t out_bytes_ = 0;
    std::vector<Queued> queued_;
    bool spare_helps_ = false;  // what is being written tells what may go
    std::vector<std::byte> in_;

    std::uint64_t bytes_ = 0;
    std::uint64_t alive_ = 0;
    std::vector<Spot> leaving_;
    std::deque<Spot> journal_;  // alive, in order
    std::uint64_t journal_bytes_ = 0;  // since the last snapshot
    std::uint64_t snapshot_bytes_ = 0;
    bool in_snapshot_ = false;
    std::vector<Unasked> unasked_;
};

}  // namespace ocu::storage
