// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// broker: serves one session's files over FUSE. No capability, no network, no path but beneath the session's own directory; its uid is
// the session's slot's, so that another session's files are closed to it even without Landlock (T-08, T-14).

#include "appliance/profiles/common.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr std::array kBrokerFileCalls{
    __NR_openat2,                                                                            // beneath the session's directory only
    __NR_fstat, __NR_newfstatat, __NR_readlinkat, __NR_getdents64, __NR_lseek,               // describing
    __NR_mkdirat, __NR_symlinkat, __NR_unlinkat, __NR_renameat, __NR_renameat2,                        // names
    __NR_pread64, __NR_pwrite64, __NR_ftruncate, __NR_fallocate, __NR_fsync, __NR_fdatasync, // bytes
    __NR_fchmod, __NR_fchmodat, __NR_utimensat,                                              // modes and times
    __NR_umask,                                                                              // once, before serving
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

}  // namespace ocu::profiles
