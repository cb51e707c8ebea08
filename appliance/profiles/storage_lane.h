// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// storage-lane: no destination is declared yet, so it needs its link and nothing else.

#include "appliance/profiles/common.h"
#include "helper/kind.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr helper::Profile kStorageLane{
    .name = "storage-lane",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::storage_lane),
    .capabilities = {},
    .system_calls = kLoopSystemCalls,
    .open_files_max = 32,
};

}  // namespace ocu::profiles
