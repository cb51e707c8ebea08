// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// dhcp: reads what anybody on the wire may send (T-20). It has one socket, which was made for it: bound to port 68 and to one card. It can
// make no other, and what it learns it can only say. Its own namespace is empty.

#include "appliance/profiles/common.h"
#include "helper/kind.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr auto kDhcpSystemCalls = joined(kLoopSystemCalls);

inline constexpr helper::Profile kDhcp{
    .name = "dhcp",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::dhcp),
    .capabilities = {},
    .system_calls = kDhcpSystemCalls,
    .address_space_bytes_max = 256ull << 20,
    .open_files_max = 32,
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
