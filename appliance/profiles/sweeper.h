// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// sweeper: removes the objects of a session or run that has ended, in a store elsewhere, and ends (T-31). It makes no socket and opens no path: it
// speaks on connections that the storage lane hands to it, and its own namespace leads nowhere.

#include "appliance/profiles/common.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr auto kSweeperSystemCalls = joined(kLoopSystemCalls, kHandedStreamCalls);

inline constexpr helper::Profile kSweeper{
    .name = "sweeper",
    .user_offset = 50'000,  // one at a time
    .capabilities = {},
    .system_calls = kSweeperSystemCalls,
    .network = helper::Network::shared_empty_namespace,
    .address_space_bytes_max = 256ull << 20,
    .open_files_max = 64,
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
