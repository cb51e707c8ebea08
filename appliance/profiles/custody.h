// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// custody: holds the signing keys. No network, no path, no descriptor but its link and a socket for each session that has an edge process;
// memory with secrets is locked (T-12, T-14).

#include "appliance/profiles/common.h"
#include "helper/kind.h"
#include "helper/profile.h"

namespace ocu::profiles {

// Secrets are wiped and unmapped when it ends; the loop's list already has munmap. What the manifest seals is opened after confinement, into
// memory that is locked like all of its secrets.
inline constexpr auto kCustodySystemCalls = joined(kLoopSystemCalls, std::array{__NR_mlock});

inline constexpr helper::Profile kCustody{
    .name = "custody",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::custody),
    .capabilities = {},
    .system_calls = kCustodySystemCalls,
    .memory = helper::Memory::locked,
    .open_files_max = 4096,  // 1024 channels, each watched through duplicates
};

}  // namespace ocu::profiles
