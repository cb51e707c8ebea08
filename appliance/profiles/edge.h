// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// edge: reads what the guest of one session sends (T-05, T-14). It makes no socket: it accepts on the listener that it is given, speaks on
// connections that it is handed, and its own namespace leads nowhere.

#include "appliance/profiles/common.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr auto kEdgeSystemCalls = joined(kLoopSystemCalls,
    std::array{
        __NR_accept4,      // the guest's connections
        __NR_getsockname,  // where a connection wanted to go
        __NR_setsockopt,   // reset instead of close; ask for the destination of datagrams
        __NR_recvfrom,     // bytes of connections
        __NR_sendto,
        __NR_getsockopt,
        __NR_mlock,        // the key of its leaves, a credential for as long as one request
    });

inline constexpr helper::Profile kEdge{
    .name = "edge",
    .user_offset = 30'000,  // plus the slot
    .capabilities = {},
    .system_calls = kEdgeSystemCalls,
    .memory = helper::Memory::locked,
    .network = helper::Network::shared_empty_namespace,
    .requests = helper::Requests::event_loop,
    .address_space_bytes_max = 1ull << 30,
    .open_files_max = 4096,  // 256 connections of two sockets, each watched through duplicates
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
