// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// edge: reads what guests send (T-05, T-14). It makes no socket: it accepts on the listeners that it is given, and its own namespace
// leads nowhere.

#include "appliance/profiles/common.h"
#include "helper/kind.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr auto kEdgeSystemCalls = joined(kLoopSystemCalls,
    std::array{
        __NR_accept4,      // guests' connections
        __NR_getsockname,  // where a connection wanted to go
        __NR_setsockopt,   // reset instead of close; ask for the destination of datagrams
    });

inline constexpr helper::Profile kEdge{
    .name = "edge",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::edge),
    .capabilities = {},
    .system_calls = kEdgeSystemCalls,
    .open_files_max = 4096,  // 1024 connections and 256 lanes of two sockets, each watched through a duplicate
};

}  // namespace ocu::profiles
