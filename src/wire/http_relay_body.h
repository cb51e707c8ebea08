// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Bodies on their way through, a piece at a time: read in the framing that the head said, written in the framing that was decided. Chunk
// sizes are ours, not the sender's; chunk extensions and trailers are read, bounded, judged, and left behind. Not Beast's body parser, which
// wants a whole chunk header at once, keeps trailers among the headers and takes extensions of any length. Pure; threading: any.

#include <cstdint>
#include <string>
#include <string_view>

#include "wire/http_relay_head.h"

namespace ocu::wire {

class BodyReader {
public:
    static constexpr std::size_t kExtensionBytesMax = 256;
    static constexpr std::size_t kTrailerBytesMax = 8u << 10;
    enum class Extensions { refused, dropped };

    BodyReader() = default;
    BodyReader(BodyFraming framing, Extensions extensions);

    // Takes from the front of `in`, appends at most `bytes_max` of body to `out`. Returns how much of `in` it used; less than all of it when
    // the body is over, broken, or `bytes_max` is reached.
    std::size_t feed(std::string_view in, std::size_t bytes_max, std::string& out);
    bool done() const { return state_ == State::done; }
    bool broken() const { return state_ == State::broken; }
    // The peer has ended: whole if the framing is until_close and it ended cleanly.
    void ended(bool cleanly);

private:
    enum class State : std::uint8_t { data, until_close, size, extension, size_end, chunk, chunk_end, chunk_end_2, trailer, done, broken };

    bool take(char c);
    bool take_size(char c);
    bool take_trailer(char c);
    std::string trailer_line_;
    std::uint64_t left_ = 0;
    std::size_t digits_ = 0;
    std::size_t extra_bytes_ = 0;
    State state_ = State::done;
    Extensions extensions_ = Extensions::refused;
};

// `piece` in its framing; nothing for an empty piece, which would end a chunked body.
void put_body(std::string& out, Framing framing, std::string_view piece);
void put_body_end(std::string& out, Framing framing);
// By how much put_body may lengthen a piece.
inline constexpr std::size_t kChunkOverheadBytesMax = 20;

}  // namespace ocu::wire
