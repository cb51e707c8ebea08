// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A session's lane (F8): listening sockets in a network namespace that has no uplink, the other end of the guest's only interface.

#include "base/id.h"
#include "base/unique_fd.h"
#include "wire/mailbox.h"

namespace ocu::proto {

// The lane's own: the guest's gateway, its resolver (port 53) and its proxy (edge_helper_to_edge.h: kProxyPort).
inline constexpr char kLaneAddress4[] = "100.64.0.1";
inline constexpr char kLaneAddress6[] = "fd6f:6375:1::1";

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
