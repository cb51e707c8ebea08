// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// mounter: mounts one volume and hands the mount over (T-18). The kernel wants CAP_SYS_ADMIN for that, so this process keeps it, and
// nothing to use it with: it can make a mount of the one device in its cell, and cannot attach it anywhere, enter a namespace, trace,
// open a path or make a socket. It reads no byte of the volume itself.

#include <linux/capability.h>

#include "appliance/profiles/stick.h"

namespace ocu::profiles {

inline constexpr std::array kMounterCapabilities{CAP_SYS_ADMIN};

inline constexpr auto kMounterSystemCalls = joined(kOneShotSystemCalls,
    std::array{
        __NR_fchdir,  // into the cell
        __NR_fsopen,
        __NR_fsconfig,
        __NR_fsmount,
    });

inline constexpr helper::Profile kMounter{
    .name = "mounter",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::mounter),
    .capabilities = kMounterCapabilities,
    .system_calls = kMounterSystemCalls,
    .address_space_bytes_max = 128ull << 20,
    .open_files_max = 16,
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
