// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// parser: opens archives and images that strangers made (T-16). Bytes in, verdict out: no network, no path, memory limited. The time of
// each request is limited by storage, which ends this process when it takes too long.

#include "appliance/profiles/common.h"
#include "helper/kind.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr auto kParserSystemCalls = joined(kLoopSystemCalls);

inline constexpr helper::Profile kParser{
    .name = "parser",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::parser),
    .capabilities = {},
    .system_calls = kParserSystemCalls,
    .address_space_bytes_max = 1ull << 30,  // 50 million pixels decoded, twice over, and room to work
    .open_files_max = 32,
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
