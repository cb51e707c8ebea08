// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// exec: reads what the agent of one session's guest sends and, under gVisor, what its kernel tells of it. Two sockets and a listener of one path
// that no guest sees, no capability, no network, no path, no process: what a hostile frame could win here is this session's own output (T-07, T-14).

#include "appliance/profiles/common.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr auto kExecSystemCalls = joined(kLoopSystemCalls, std::array{
    __NR_accept4,  // gVisor's runtime monitor connects while its guest starts
});

inline constexpr helper::Profile kExec{
    .name = "exec",
    .user_offset = 20'000,  // plus the slot
    .capabilities = {},
    .system_calls = kExecSystemCalls,
    .network = helper::Network::shared_empty_namespace,
    .address_space_bytes_max = 1ull << 30,
    .open_files_max = 64,
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
