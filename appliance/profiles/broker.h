// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// broker: serves one session's files over FUSE. Their names, links, modes and times lie in its memory; on the disk there are numbered files
// of sealed bytes, so it has no call that makes a directory or a link, renames, or changes an owner, a mode or a time. No capability, no
// network, no path but beneath the session's own directory; its uid is the session's slot's, so that another session's files are closed
// to it even without Landlock (T-08, T-14).

#include "appliance/profiles/common.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr std::array kBrokerFileCalls{
    __NR_openat2,  // beneath the session's directory only
    __NR_getdents64, __NR_fstat, __NR_newfstatat,  // once, before serving: that it is empty
    __NR_unlinkat,  // segments that are no longer needed
    __NR_pread64, __NR_pwrite64, __NR_ftruncate, __NR_fallocate, __NR_fsync, __NR_fdatasync,  // their bytes
};
inline constexpr auto kBrokerSystemCalls = joined(kLoopSystemCalls, kBrokerFileCalls);

inline constexpr helper::Profile kBroker{
    .name = "broker",
    .user_offset = 10'000,  // plus the slot
    .capabilities = {},
    .system_calls = kBrokerSystemCalls,
    .network = helper::Network::shared_empty_namespace,
    .address_space_bytes_max = 1ull << 30,
    .open_files_max = 4'096,
};

// Where the session's files lie in a store elsewhere it opens nothing at all, and has no call that does: what it reads and writes are connections
// that the storage lane hands to it (T-31).
inline constexpr auto kRemoteBrokerSystemCalls = joined(kLoopSystemCalls, kHandedStreamCalls);

inline constexpr helper::Profile kRemoteBroker{
    .name = "broker",
    .user_offset = kBroker.user_offset,
    .capabilities = {},
    .system_calls = kRemoteBrokerSystemCalls,
    .network = helper::Network::shared_empty_namespace,
    .address_space_bytes_max = 1ull << 30,
    .open_files_max = 4'096,
    .file_bytes_max = 0,
};

}  // namespace ocu::profiles
