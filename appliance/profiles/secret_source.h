// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// secret-source: puts one question to a source of credentials, and ends (T-26). It makes no socket and opens no path: it speaks on the
// connection that it is handed, and its own namespace leads nowhere. Each has a user of its own.

#include "appliance/profiles/common.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr auto kSecretSourceSystemCalls = joined(kLoopSystemCalls, std::array{
                                                                              __NR_recvfrom,  // bytes of the connection
                                                                              __NR_sendto,
                                                                              __NR_setsockopt,  // a reset at its end, if it is TCP
                                                                              __NR_getsockopt,
                                                                              __NR_mlock,
                                                                          });

inline constexpr helper::Profile kSecretSource{
    .name = "secret-source",
    .user_offset = 40'000,  // plus its number among those that run
    .capabilities = {},
    .system_calls = kSecretSourceSystemCalls,
    .memory = helper::Memory::locked,
    .network = helper::Network::shared_empty_namespace,
    .requests = helper::Requests::event_loop,
    .address_space_bytes_max = 256u << 20,
    .open_files_max = 32,
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
