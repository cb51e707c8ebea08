// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// screen: draws one terminal and reads its keyboard (T-19). It has that terminal's descriptor and its link, and may do nothing to either
// but read and write: no call that controls a device, so it can neither push keys into another terminal nor change the keyboard's map.

#include "appliance/profiles/common.h"
#include "helper/kind.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr auto kScreenSystemCalls = joined(kLoopSystemCalls);

inline constexpr helper::Profile kScreen{
    .name = "screen",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::screen),
    .capabilities = {},
    .system_calls = kScreenSystemCalls,
    .address_space_bytes_max = 256ull << 20,  // pictures of the largest terminal, and room to work
    .open_files_max = 32,
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
