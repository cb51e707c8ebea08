// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Frames on their way to the channel. The agent stops reading what its children write while this is full, so that a flood waits in
// the children's pipes and never in memory, and so that it can still hear a kill.

#include <cstring>
#include <vector>

#include "wire/codec.h"

namespace ocu::guest {

class Outbox {
public:
    bool has_room() const { return bytes_.size() < kFullBytes; }
    bool empty() const { return bytes_.empty(); }

    template <class Message>
    void put(Message const& message)
    {
        std::size_t const head = bytes_.size();
        wire::Encoder encode(bytes_);
        encode(std::uint32_t{0}, static_cast<std::uint16_t>(Message::kType), std::uint16_t{0});
        Message::fields(encode, message);
        auto const size = static_cast<std::uint32_t>(bytes_.size() - head - 8);
        std::memcpy(bytes_.data() + head, &size, sizeof size);
    }
    // Writes what the channel takes now. Errors: os (the peer is gone).
    Result<void> flush(int channel);

private:
    static constexpr std::size_t kFullBytes = 64u << 10;
    wire::Bytes bytes_;
};

}  // namespace ocu::guest
