// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A session's only way out (F8): two network namespaces of its own with one cable between them.
//
//   guest namespace                      lane namespace (no uplink, no forwarding)
//     lo   127.0.0.1                       lo
//     eth0 100.64.0.2/30 --- veth ---      lane0 100.64.0.1/30
//     default via 100.64.0.1               every address is local; the guest's /32 goes back on lane0
//
// Whatever address the guest dials, the connection ends in `tcp_listener`; whatever server it asks, port 53 ends in `dns_socket`. Both
// sockets live in the lane namespace, which has nothing else (invariant 2, T-05). A lane is used once and never again.

#include "base/unique_fd.h"

namespace ocu::sandbox {

inline constexpr char kLaneAddress[] = "100.64.0.1";   // the guest's gateway and resolver
inline constexpr char kGuestAddress[] = "100.64.0.2";

struct Lane {
    UniqueFd guest_namespace;
    UniqueFd tcp_listener;   // getsockname() of what it accepts is where the guest wanted to go
    UniqueFd dns_socket;     // IP_PKTINFO is set
    UniqueFd program;        // keeps the catching alive
};

// For a single-threaded process: it visits the new namespaces and comes back. Errors: os.
Result<Lane> make_lane();

}  // namespace ocu::sandbox
