// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// files-front: parses HTTP from browsers and clients (T-02). Its listening socket was made for it; it can make no other.

#include "appliance/profiles/common.h"
#include "helper/kind.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr std::array kFilesFrontSocketCalls{
    __NR_accept4,
    __NR_accept,                                                   // callers
    __NR_getsockopt,
    __NR_setsockopt,
    __NR_getsockname,
    __NR_getpeername,        // no delay, errors, addresses
    __NR_recvfrom,
    __NR_sendto,
};
inline constexpr auto kFilesFrontSystemCalls = joined(kLoopSystemCalls, kFilesFrontSocketCalls);

inline constexpr helper::Profile kFilesFront{
    .name = "files-front",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::files_front),
    .capabilities = {},
    .system_calls = kFilesFrontSystemCalls,
    .requests = helper::Requests::event_loop,
    .address_space_bytes_max = 512ull << 20,
    .open_files_max = 1'024,
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
