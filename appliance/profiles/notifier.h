// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// notifier: speaks TLS and HTTP with the webhook's receiver on a connection that it is handed (T-14, T-27). It makes no socket, opens no path, has no
// key and no network, and knows of nobody else.

#include "appliance/profiles/common.h"
#include "helper/kind.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr auto kNotifierSystemCalls = joined(kLoopSystemCalls, std::array{
                                                                          __NR_recvfrom,  // bytes of the connection
                                                                          __NR_sendto, __NR_getsockopt,
                                                                          __NR_setsockopt,  // reset instead of close
                                                                      });

inline constexpr helper::Profile kNotifier{
    .name = "notifier",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::notifier),
    .capabilities = {},
    .system_calls = kNotifierSystemCalls,
    .requests = helper::Requests::event_loop,
    .address_space_bytes_max = 256ull << 20,
    .open_files_max = 32,
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
