// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Catches a lane: a BPF sk_lookup program in the lane's network namespace gives every TCP connection, whatever its family, address and port, to
// one listener, and every UDP datagram to port 53 to one socket. Everything else finds no socket and is refused at once (T-05).
// No compiler and no library: the program is 23 instructions, written out below. Needs CAP_BPF and CAP_NET_ADMIN (or CAP_SYS_ADMIN).

#include "base/unique_fd.h"

namespace ocu::sandbox {

// The returned descriptor is the attachment: closing the last copy of it ends the catching. Errors: os.
Result<UniqueFd> attach_lane_program(int lane_namespace, int tcp_listener, int dns_socket);

}  // namespace ocu::sandbox
