// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The two frames that are exchanged before a loop runs: configuration down, ready up. Same bytes as wire/link.h, read exactly, so that
// what follows on the link is left for whoever serves it.

#include <chrono>
#include <span>

#include "base/unique_fd.h"
#include "wire/codec.h"

namespace ocu::helper {

struct RawFrame {
    std::uint16_t type = 0;
    wire::Bytes body;
    std::vector<UniqueFd> descriptors;
};

// Errors: malformed (too large, descriptors cut off), unavailable (closed, or not whole within `wait`).
Result<RawFrame> read_frame(int fd, std::size_t body_bytes_max, std::chrono::milliseconds wait);
// Waits for room. `descriptors` are lent.
Result<void> write_frame(int fd, std::uint16_t type, std::span<std::byte const> body, std::span<int const> descriptors);

}  // namespace ocu::helper
