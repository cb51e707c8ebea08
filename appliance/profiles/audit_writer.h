// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// audit-writer: the only writer of the log. No network; one directory that it may use, and there only plain files and folders. It can
// replace derived files, so it can also harm the log: that shows, because it cannot sign (T-09, T-14).

#include "appliance/profiles/common.h"
#include "helper/kind.h"
#include "helper/profile.h"

namespace ocu::profiles {

inline constexpr std::array kAuditWriterFileCalls{
    // the journal: append and sync
    __NR_openat,
    __NR_pwrite64,
    __NR_fdatasync,
    // derived files: written aside, renamed into place, superseded partial tiles removed
    __NR_renameat,
    __NR_mkdirat,
    __NR_unlinkat,
    __NR_fsync,
    // recovery reads what is there; lseek and the two stat calls are the C library's, around a folder's listing
    __NR_pread64,
    __NR_getdents64,
    __NR_newfstatat,
    __NR_fstat,
    __NR_lseek,
};

inline constexpr auto kAuditWriterSystemCalls = joined(kLoopSystemCalls, kAuditWriterFileCalls);

inline constexpr helper::Profile kAuditWriter{
    .name = "audit-writer",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::audit_writer),
    .capabilities = {},
    .system_calls = kAuditWriterSystemCalls,
    .open_files_max = 32,
};

}  // namespace ocu::profiles
