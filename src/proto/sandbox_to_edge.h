// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A session's lane (F8): listening sockets in a network namespace that has no uplink, the other end of the guest's only interface.

#include "base/id.h"
#include "base/unique_fd.h"
#include "wire/mailbox.h"

namespace ocu::proto {

struct LaneAttach {
    SessionId session;
    Slot slot;              // of the helper that will serve it
    UniqueFd tcp_listener;  // every TCP connection of the guest arrives here; getsockname() is where it wanted to go
    UniqueFd dns_socket;    // every UDP datagram to port 53; IP_PKTINFO says where it wanted to go
};

// Closes the session's listeners and connections.
struct LaneDetach {
    SessionId session;
};

using SandboxToEdge = wire::Mailbox<LaneAttach, LaneDetach>;

}  // namespace ocu::proto
