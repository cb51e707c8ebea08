// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The launcher: the only process with mount, namespace and cgroup rights. It hears numbers and enums only.
//
// Its own system-call list is wide, on purpose and unavoidably: a filter is inherited, so this one also holds for runc, runsc and every
// process of every guest. A call that is missing here kills a guest's program instead of failing in it, so the list is everything that the
// kernel has, less what nobody in a sandbox and no runtime ever does: load code into the kernel, replace or stop it, reach ports of
// the machine, swap, accounting, disk quotas. The guest's own, narrow list is appliance/policy/seccomp_guest.h, applied on top by runc;
// under gVisor the sentry applies its own. bpf stays: the lane's sk_lookup program and runc's device rules need it. ptrace stays:
// gVisor's systrap begins its stubs with it.

#include <linux/capability.h>

#include "appliance/profiles/common.h"
#include "helper/profile.h"

namespace ocu::profiles {

// Found by taking away one at a time, with guests of both tiers: without each of these, what is named fails.
inline constexpr std::array kLauncherCapabilities{
    CAP_SYS_ADMIN,     // mounts, namespaces, the lane program
    CAP_NET_ADMIN,     // links, addresses and routes of lanes, attaching the lane program
    CAP_SETUID,        // id maps of user namespaces
    CAP_SETGID,
    CAP_SYS_PTRACE,    // the maps again: a child of a process that is not dumpable may be looked at only so
    CAP_DAC_OVERRIDE,  // making cgroups and files in directories that are not ours
    CAP_CHOWN,         // runc gives the guest's root its start pipe
    CAP_SYS_CHROOT,    // runc enters the guest's mount namespace
};

inline constexpr int kSystemCallsEnd = 600;  // beyond the last one that this kernel has, for those to come

inline constexpr std::array kLauncherDenied{
    // code in the kernel, another kernel, no kernel
    __NR_init_module,
    __NR_finit_module,
    __NR_delete_module,
    __NR_create_module,
    __NR_kexec_load,
    __NR_kexec_file_load,
    __NR_reboot,
    // ports of the machine
    __NR_iopl,
    __NR_ioperm,
    // the host's memory, accounts and disks
    __NR_swapon,
    __NR_swapoff,
    __NR_acct,
    __NR_quotactl,
    __NR_quotactl_fd,
    // gone, or never there
    __NR_nfsservctl,
    __NR_uselib,
    __NR__sysctl,
    __NR_lookup_dcookie,
};

consteval auto launcher_system_calls()
{
    // 335..423 are numbers of no call.
    constexpr int kHoleFirst = 335;
    constexpr int kHoleEnd = 424;
    std::array<int, kSystemCallsEnd - (kHoleEnd - kHoleFirst) - static_cast<int>(kLauncherDenied.size())> out{};
    std::size_t at = 0;
    for (int number = 0; number < kSystemCallsEnd; ++number) {
        if (number >= kHoleFirst && number < kHoleEnd) continue;
        bool denied = false;
        for (int const each : kLauncherDenied) denied = denied || each == number;
        if (!denied) out[at++] = number;
    }
    return out;
}

inline constexpr auto kLauncherSystemCalls = launcher_system_calls();

inline constexpr helper::Profile kLauncher{
    .name = "launcher",
    .user_offset = 0,
    .capabilities = kLauncherCapabilities,
    .system_calls = kLauncherSystemCalls,
    .network = helper::Network::own_empty_namespace,
    .parent_death = helper::ParentDeath::notice,
    .landlock = false,
    .stay_root = true,
    .open_files_max = 16'384,  // inherited too: no guest may open more
};

}  // namespace ocu::profiles
