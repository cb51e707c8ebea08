// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// operator-front: no file, no network of its own, no way to make a socket; only descriptors that control handed to it.

#include "appliance/profiles/common.h"
#include "helper/kind.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr auto kOperatorFrontSystemCalls = joined(kLoopSystemCalls,
    std::array{
    // Asio and Beast on adopted sockets: options, and the peer's address for nothing but its family
        __NR_setsockopt,
        __NR_getsockopt,
        __NR_getsockname,
        __NR_getpeername,
        __NR_recvfrom,
        __NR_sendto,
    });

inline constexpr helper::Profile kOperatorFront{
    .name = "operator-front",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::operator_front),
    .capabilities = {},
    .system_calls = kOperatorFrontSystemCalls,
    .requests = helper::Requests::event_loop,
    .open_files_max = 256,
};

}  // namespace ocu::profiles
