// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Sockets as `uplink` makes them: non-blocking, and asked beforehand whether they would lead to this machine itself.

#include "base/unique_fd.h"
#include "edge/address.h"

namespace ocu::edge {

// A stream whose connection to there is on its way, or nothing.
UniqueFd begin_connection(Address const& address, std::uint16_t port);

// Whether packets to it would stay here: what a connected datagram socket takes as its own address says so, and nothing is sent.
bool is_own(Address const& address);

}  // namespace ocu::edge
