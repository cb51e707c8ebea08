// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// audit-sink: copies the record to one place (T-36). The log comes to it as descriptors that read one segment each; a connection as one that leads where
// the manifest says. It makes no socket; of paths it has one folder, its own, for its position and for the files of a sink that is one.

#include "appliance/profiles/common.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr std::array kAuditSinkOwnCalls{
    // a segment, and its own files: written aside, synced, renamed into place, the oldest removed
    __NR_pread64,
    __NR_openat,
    __NR_pwrite64,
    __NR_ftruncate,
    __NR_fdatasync,
    __NR_fsync,
    __NR_renameat,
    __NR_unlinkat,
    // lseek and the two stat calls are also the C library's, around a folder's listing
    __NR_getdents64,
    __NR_newfstatat,
    __NR_fstat,
    __NR_lseek,
    // a connection: its bytes, what of them the other machine has, a reset instead of a close
    __NR_recvfrom,
    __NR_sendto,
    __NR_getsockopt,
    __NR_setsockopt,
    // the key that TLS is given where custody signs in its place is locked, as all are
    __NR_mlock,
};

inline constexpr auto kAuditSinkSystemCalls = joined(kLoopSystemCalls, kAuditSinkOwnCalls);

inline constexpr helper::Profile kAuditSink{
    .name = "audit-sink",
    .user_offset = 60'000,  // plus its number among the sinks
    .capabilities = {},
    .system_calls = kAuditSinkSystemCalls,
    .memory = helper::Memory::locked,
    .network = helper::Network::shared_empty_namespace,
    .requests = helper::Requests::event_loop,
    .address_space_bytes_max = 256ull << 20,
    .open_files_max = 32,
};

}  // namespace ocu::profiles
