// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A session's only way out (F8): two network namespaces of its own with one cable between them.
//
//   guest namespace                      lane namespace (no uplink, no forwarding)
//     lo   127.0.0.1                       lo
//     eth0 100.64.0.2/30 --- veth ---      lane0 100.64.0.1/30
//          fd6f:6375:1::2/126                    fd6f:6375:1::1/126
//     default via lane0's, both families   every address is local; the guest's own goes back on lane0
//
// Whatever address the guest dials, the connection ends in `tcp_listener`; whatever server it asks, port 53 ends in `dns_socket`. Both
// sockets live in the lane namespace, which has nothing else (invariant 2, T-05). A lane is used once and never again.

#include "base/unique_fd.h"
#include "proto/sandbox_to_edge.h"

namespace ocu::sandbox {

inline constexpr char kGuestAddress4[] = "100.64.0.2";
inline constexpr char kGuestAddress6[] = "fd6f:6375:1::2";

struct Lane {
    UniqueFd guest_namespace;
    // Both of IPv6 that take IPv4 as well (::ffff:a.b.c.d); of IPv4 alone on a kernel without IPv6, whose guests have none either.
    UniqueFd tcp_listener;   // getsockname() of what it accepts is where the guest wanted to go
    UniqueFd dns_socket;
    UniqueFd program;        // keeps the catching alive
};

// For a single-threaded process: it visits the new namespaces and comes back. Errors: os.
Result<Lane> make_lane();

}  // namespace ocu::sandbox
