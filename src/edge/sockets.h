// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The few things that are done to a connected socket. The descriptors are lent.

#include <string>

#include "base/result.h"
#include "edge/address.h"

namespace ocu::edge {

struct Destination {
    Address address{};
    std::uint16_t port = 0;
};

// Where an accepted connection wanted to go. A guest's lane makes every address local, so it is the socket's own name. Errors: os.
Result<Destination> destination_of(int fd);
// Where a connected socket leads. Errors: os.
Result<Destination> peer_of(int fd);
// Ends a connection with a reset: closing `fd` (and every duplicate) will send it.
void reset_on_close(int fd);
// The other way round again.
void close_politely(int fd);
Result<void> make_non_blocking(int fd);

}  // namespace ocu::edge
