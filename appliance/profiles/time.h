// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// time: speaks to one time server and parses what it sends (T-21). It makes no socket, opens no path and sets no clock: it reads and
// writes the three descriptors that it is given, and waits. Shorter than the loop's list, since it has no loop.

#include "appliance/profiles/common.h"
#include "helper/kind.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr auto kTimeSystemCalls = joined(kProgramSystemCalls, std::array{
    // its link, its connection, its datagrams
                                                                         __NR_read,
                                                                         __NR_write,
                                                                         __NR_recvmsg,
                                                                         __NR_sendmsg,
                                                                         __NR_close,
                                                                         __NR_poll,
                                                                     });

inline constexpr helper::Profile kTime{
    .name = "time",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::time),
    .capabilities = {},
    .system_calls = kTimeSystemCalls,
    .memory = helper::Memory::locked,
    .address_space_bytes_max = 256u << 20,
    .open_files_max = 16,
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
