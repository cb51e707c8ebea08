// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// uplink: the one process that dials (T-05). It keeps the network that the machine has, and for that has nothing else: no path, no
// capability, no listening, no raw or local socket, no descriptor of a guest's. What it reads from outside is answers of resolvers.

#include "appliance/profiles/common.h"
#include "helper/kind.h"
#include "helper/profile.h"

namespace ocu::profiles {

// socket(2) is allowed by `connections`, with its arguments.
inline constexpr auto kUplinkSystemCalls = joined(kLoopSystemCalls, std::array{
                                                                        __NR_connect,
                                                                        __NR_getsockname,  // is the address one of this machine's own?
                                                                        __NR_getsockopt,   // how a connection ended up
                                                                        __NR_setsockopt,   // no delay
                                                                        __NR_sendto,       // questions to resolvers, and their answers
                                                                        __NR_recvfrom,
                                                                    });

inline constexpr helper::Profile kUplink{
    .name = "uplink",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::uplink),
    .capabilities = {},
    .system_calls = kUplinkSystemCalls,
    .network = helper::Network::as_started,
    .connections = helper::Connections::outgoing,
    .requests = helper::Requests::event_loop,
    .address_space_bytes_max = 512ull << 20,
    .open_files_max = 4096,  // edge/dialler.h says how many at once
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
