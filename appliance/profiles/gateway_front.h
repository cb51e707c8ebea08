// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// gateway-front: reads what callers send (T-01, T-02). No file, no network of its own, no way to make a socket; the listening socket that
// it was given goes on accepting, and nothing else reaches it.

#include "appliance/profiles/common.h"
#include "helper/kind.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr auto kGatewayFrontSystemCalls =
    joined(kLoopSystemCalls, std::array{
                                 __NR_accept4,                                                 // callers
    // Asio on accepted sockets: no delay, the family, single reads and writes
                                 __NR_setsockopt,
                                 __NR_getsockopt,
                                 __NR_recvfrom,
                                 __NR_sendto,
                             });

inline constexpr helper::Profile kGatewayFront{
    .name = "gateway-front",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::gateway_front),
    .capabilities = {},
    .system_calls = kGatewayFrontSystemCalls,
    .requests = helper::Requests::event_loop,
    .open_files_max = 8192,  // connections_max, those being told 503, and a few of its own
};

}  // namespace ocu::profiles
