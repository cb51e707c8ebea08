// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// System calls of a guest under runc. Everything that is not listed fails with EPERM (T-04). Under gVisor the guest's calls never reach
// this kernel, so the list is not used there.
//
// Left out on purpose, each a way into the kernel that ordinary programs do without: io_uring_*, userfaultfd, bpf, perf_event_open,
// keyctl/add_key/request_key, modules, kexec, mount and the new mount calls, pivot_root, unshare, setns, namespaces by clone, ptrace,
// process_vm_*, kcmp, open_by_handle_at, fanotify_init, quotactl, swap, reboot, clocks, vhangup, personality beyond the harmless ones.

#include <array>
#include <cstdint>
#include <string_view>

namespace ocu::policy {

inline constexpr int kNotPermitted = 1;   // EPERM
inline constexpr int kNoSuchCall = 38;    // ENOSYS

inline constexpr auto kGuestSystemCalls = std::to_array<std::string_view>({
    // files by path
    "open", "openat", "openat2", "creat", "access", "faccessat", "faccessat2", "stat", "lstat", "newfstatat", "statx", "readlink",
    "readlinkat", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat", "symlink",
    "symlinkat", "chmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchownat", "truncate", "utime", "utimes", "utimensat", "futimesat",
    "statfs", "chdir", "getcwd", "mknod", "mknodat", "umask", "chroot",
    "getxattr", "lgetxattr", "listxattr", "llistxattr", "setxattr", "lsetxattr", "removexattr", "lremovexattr",
    // open files
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2", "pwritev2", "lseek", "close", "close_range",
    "fstat", "fstatfs", "fchdir", "fchmod", "fchown", "ftruncate", "fallocate", "fsync", "fdatasync", "sync", "syncfs", "sync_file_range",
    "flock", "fcntl", "dup", "dup2", "dup3", "pipe", "pipe2", "ioctl", "getdents", "getdents64", "sendfile", "splice", "tee", "vmsplice",
    "copy_file_range", "readahead", "fadvise64", "fgetxattr", "flistxattr", "fsetxattr", "fremovexattr", "inotify_init", "inotify_init1",
    "inotify_add_watch", "inotify_rm_watch", "memfd_create", "name_to_handle_at", "cachestat",
    // waiting
    "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
    "eventfd", "eventfd2", "signalfd", "signalfd4", "timerfd_create", "timerfd_settime", "timerfd_gettime",
    // sockets; where they may lead is the lane's business
    "socketpair", "bind", "listen", "accept", "accept4", "connect", "getsockname", "getpeername", "getsockopt", "setsockopt",
    "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "shutdown",
    // memory
    "brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "msync", "mincore", "mlock", "mlock2", "munlock", "mlockall", "munlockall",
    "membarrier", "pkey_alloc", "pkey_free", "pkey_mprotect", "remap_file_pages", "process_mrelease", "map_shadow_stack",
    // processes and threads
    "fork", "vfork", "execve", "execveat", "exit", "exit_group", "wait4", "waitid", "kill", "tkill", "tgkill", "getpid", "getppid", "gettid",
    "set_tid_address", "set_robust_list", "get_robust_list", "futex", "futex_waitv", "futex_wake", "futex_wait", "futex_requeue", "rseq",
    "arch_prctl", "prctl", "prlimit64", "getrlimit", "setrlimit", "getrusage", "getpriority", "setpriority", "ioprio_get", "ioprio_set",
    "sched_yield", "sched_getaffinity", "sched_setaffinity", "sched_getparam", "sched_setparam", "sched_getscheduler",
    "sched_setscheduler", "sched_get_priority_max", "sched_get_priority_min", "sched_rr_get_interval", "sched_getattr", "sched_setattr",
    "getcpu", "pidfd_open", "pidfd_send_signal", "get_thread_area", "set_thread_area", "modify_ldt", "times", "getsid", "setsid",
    "getpgid", "setpgid", "getpgrp", "restart_syscall", "pause", "mbind", "get_mempolicy", "set_mempolicy",
    // identity: the agent becomes the commands' user with these, and nobody can gain anything by them afterwards
    "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups", "setuid", "setgid", "setreuid", "setregid",
    "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "capget", "capset",
    // signals and timers
    "rt_sigaction", "rt_sigprocmask", "rt_sigpending", "rt_sigtimedwait", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "rt_sigsuspend",
    "rt_sigreturn", "sigaltstack", "alarm", "getitimer", "setitimer", "timer_create", "timer_delete", "timer_settime", "timer_gettime",
    "timer_getoverrun", "nanosleep", "clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday", "time",
    // System V and POSIX IPC, inside its own namespace
    "shmget", "shmat", "shmdt", "shmctl", "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv", "msgctl", "mq_open",
    "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr",
    // the rest
    "uname", "sysinfo", "getrandom", "seccomp", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self",
});

// Allowed only when one argument compares so, and, where `equal_index` is not negative, that other one is `equal_value`.
struct ArgumentRule {
    std::string_view name;
    std::uint32_t index;
    std::uint64_t value;
    std::uint64_t value_two;
    std::string_view compare;
    std::int32_t equal_index = -1;
    std::uint64_t equal_value = 0;
};

inline constexpr std::uint64_t kNamespaceFlags = 0x7e02'0000;  // CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID, NET

inline constexpr auto kGuestArgumentRules = std::to_array<ArgumentRule>({
    {"clone", 0, kNamespaceFlags, 0, "SCMP_CMP_MASKED_EQ"},  // no namespace: (flags & mask) == 0
    {"personality", 0, 0x0, 0, "SCMP_CMP_EQ"},               // PER_LINUX
    {"personality", 0, 0x8, 0, "SCMP_CMP_EQ"},               // PER_LINUX32, uname only
    {"personality", 0, 0x2'0000, 0, "SCMP_CMP_EQ"},          // UNAME26
    {"personality", 0, 0x2'0008, 0, "SCMP_CMP_EQ"},
    {"personality", 0, 0xffff'ffff, 0, "SCMP_CMP_EQ"},       // ask
    // Families that the lane or the guest's own namespaces contain. AF_VSOCK would lead to the machine's hypervisor past every namespace
    // (T-05); AF_ALG, AF_PACKET and the rest are only more kernel.
    {"socket", 0, 1, 0, "SCMP_CMP_EQ"},                      // AF_UNIX
    {"socket", 0, 2, 0, "SCMP_CMP_EQ"},                      // AF_INET
    {"socket", 0, 10, 0, "SCMP_CMP_EQ"},                     // AF_INET6
    // AF_NETLINK, NETLINK_ROUTE only: what `ip` and getifaddrs ask. The device events of the whole machine are broadcast to every network
    // namespace that the host made, and would tell a guest when another session comes or goes (T-05); the rest is only more kernel.
    {"socket", 0, 16, 0, "SCMP_CMP_EQ", 2, 0},
});

// clone3 hides its flags from a filter, so it does not exist; the C library then uses clone. io_uring users fall back likewise, and so do
// those of the older asynchronous calls: their places are counted for the whole machine, where one guest could take them all (T-06).
inline constexpr auto kGuestAbsentCalls = std::to_array<std::string_view>({"clone3", "io_uring_setup", "io_uring_enter", "io_uring_register",
    "io_setup", "io_destroy", "io_submit", "io_cancel", "io_getevents", "io_pgetevents"});

}  // namespace ocu::policy
