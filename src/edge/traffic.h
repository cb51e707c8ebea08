// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How many bytes have gone over a TCP connection, by the kernel's own count: a helper that a guest has taken over cannot say less (T-14).

#include <cstdint>

namespace ocu::edge {

struct Traffic {
    std::uint64_t up = 0;    // sent
    std::uint64_t down = 0;  // received

    std::uint64_t sum() const { return up + down; }
};

// Of a socket that we hold; nothing if the kernel does not say (not TCP).
Traffic traffic_of(int fd);

}  // namespace ocu::edge
