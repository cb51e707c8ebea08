// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Frames of the channel as the agent receives them. The same framing as wire/link.h, without its event loop.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"

namespace ocu::guest {

class Inbox {
public:
    struct Frame {
        std::uint16_t type;
        std::span<std::byte const> body;  // valid until the next call
    };

    void append(std::span<std::byte const> bytes);
    // The next whole frame, or none yet. Errors: malformed (unlisted type, too large, or with descriptors); the channel is then useless.
    Result<std::optional<Frame>> next();

private:
    std::vector<std::byte> bytes_;
    std::size_t start_ = 0;
};

}  // namespace ocu::guest
