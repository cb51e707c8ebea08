// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// audit-cold: puts one sealed segment of the log into the cold tier, and ends (T-43). The segment comes to it as a descriptor that reads; connections are
// handed to it by the storage lane. It makes no socket, opens no path and writes no file.

#include "appliance/profiles/common.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr auto kAuditColdSystemCalls = joined(kLoopSystemCalls, kHandedStreamCalls);

inline constexpr helper::Profile kAuditCold{
    .name = "audit-cold",
    .user_offset = 70'000,  // one at a time
    .capabilities = {},
    .system_calls = kAuditColdSystemCalls,
    .network = helper::Network::shared_empty_namespace,
    .address_space_bytes_max = 512ull << 20,
    .open_files_max = 48,
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
