// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// stick: looks at what a stranger plugged in (T-18). One process for one piece of work: a device's label, the three files of a manifest,
// a copy of one file, or the report. No network, no path but beneath the one directory that it was given: the cell with the device's node,
// or the mount.

#include <linux/capability.h>

#include "appliance/profiles/common.h"
#include "helper/kind.h"
#include "helper/profile.h"

namespace ocu::profiles {

// It has no event loop: it does one thing, answers and ends.
inline constexpr std::array kOneShotSystemCalls{
    __NR_read,
    __NR_write,
    __NR_recvmsg,
    __NR_sendmsg,
    __NR_poll,
    __NR_close,
    __NR_mmap,
    __NR_munmap,
    __NR_mremap,
    __NR_brk,
    __NR_futex,
    __NR_clock_gettime,
    __NR_exit,
    __NR_exit_group,
    __NR_restart_syscall,
    // abort(), so that a bug shows as one
    __NR_rt_sigprocmask,
    __NR_rt_sigaction,
    __NR_getpid,
    __NR_gettid,
    __NR_tgkill,
};

inline constexpr auto kStickSystemCalls = joined(kOneShotSystemCalls,
    std::array{
        __NR_openat2,     // beneath the directory that it was given
        __NR_fstat,       // is it a regular file
        __NR_newfstatat,  // the same, as some C libraries say it
        __NR_pread64,     // the device's first bytes
    });

consteval helper::Profile stick_that_writes(std::uint64_t bytes)
{
    return {
        .name = "stick",
        .user_offset = static_cast<std::uint32_t>(helper::Kind::stick),
        .capabilities = {},
        .system_calls = kStickSystemCalls,
        .address_space_bytes_max = 128ull << 20,
        .open_files_max = 16,
        .file_bytes_max = bytes,
    };
}

inline constexpr auto kStick = stick_that_writes(0);

// A file that a signed manifest names, into the one that the first process has opened for it: that is all there is to write into.
inline constexpr auto kStickCopy = stick_that_writes(1ull << 30);

// The report is written when the manifest's signature has been verified. On ext4 the root directory belongs to whoever made the stick:
// to write there this one keeps one capability, which reaches nothing but the mount, because nothing else can be opened.
inline constexpr std::array kStickReportCapabilities{CAP_DAC_OVERRIDE};

inline constexpr auto kStickReportSystemCalls = joined(kStickSystemCalls,
    std::array{
        __NR_umask,     // what is written is there to be read
        __NR_mkdirat,   // ocu-report/
        __NR_renameat,  // each file whole
        __NR_unlinkat,  // what an interrupted report left
        __NR_fsync,
        __NR_syncfs,
    });

inline constexpr helper::Profile kStickReport{
    .name = "stick",
    .user_offset = static_cast<std::uint32_t>(helper::Kind::stick),
    .capabilities = kStickReportCapabilities,
    .system_calls = kStickReportSystemCalls,
    .address_space_bytes_max = 128ull << 20,
    .open_files_max = 16,
    .file_bytes_max = 256u << 10,
};

}  // namespace ocu::profiles
