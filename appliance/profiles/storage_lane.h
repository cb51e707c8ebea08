// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// storage-lane: connects to the store of the manifest and passes bytes on (T-31). As `uplink` it keeps the network that the machine has, and for
// that has nothing else: no path, no capability, no listening, no raw or local socket but the pairs that it makes itself, no key. What it reads
// are words of brokers, of one kind and eight bytes; what goes through it, it does not look at.

#include "appliance/profiles/common.h"
#include "helper/kind.h"
#include "helper/profile.h"

namespace ocu::profiles {

// socket(2) is allowed by `connections`, with its arguments.
inline constexpr auto kStorageLaneSystemCalls =
    joined(kLoopSystemCalls, std::array{
                                 __NR_connect,
                                 __NR_getsockname,  // is the address one of this machine's own?
                                 __NR_getsockopt,  // how a connection ended up
                                 __NR_setsockopt,  // no delay; a reset in place of an end
                                 __NR_sendto,  // what goes through
                                 __NR_recvfrom,
                                 __NR_socketpair,  // what an asker is given in the socket's place
                             });

// Without a store elsewhere: its link, and nothing else.
inline constexpr helper::Profile kIdleStorageLane{
    .name = "storage-lane",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::storage_lane),
    .capabilities = {},
    .system_calls = kLoopSystemCalls,
    .open_files_max = 32,
};

inline constexpr helper::Profile kStorageLane{
    .name = "storage-lane",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::storage_lane),
    .capabilities = {},
    .system_calls = kStorageLaneSystemCalls,
    .network = helper::Network::as_started,
    .connections = helper::Connections::outgoing,
    .requests = helper::Requests::event_loop,
    .address_space_bytes_max = 512ull << 20,
    .open_files_max = 4096,  // edge/limits.h says how many at once
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
