// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The system calls that any helper with an event loop needs, and how a profile adds its own to them.

#include <sys/syscall.h>

#include <array>
#include <cstddef>
#include <tuple>

namespace ocu::profiles {

template <class First, class... Rest>
consteval auto joined(First const& first, Rest const&... rest)
{
    std::array<int, (std::tuple_size_v<First> + ... + std::tuple_size_v<Rest>)> out{};
    std::size_t at = 0;
    auto const append = [&](auto const& part) {
        for (int const number : part) out[at++] = number;
    };
    append(first);
    (append(rest), ...);
    return out;
}

// What the C++ library and the end of a process need, with or without a loop.
inline constexpr std::array kProgramSystemCalls{
    // memory and locks
    __NR_mmap,
    __NR_munmap,
    __NR_mremap,
    __NR_mprotect,
    __NR_brk,
    __NR_madvise,
    __NR_futex,
    // time, randomness, the end
    __NR_clock_gettime,
    __NR_gettimeofday,  // these two where the kernel does not trust the processor's own clock: otherwise no system call is made for them
    __NR_time,
    __NR_getrandom,
    __NR_exit,
    __NR_exit_group,
    __NR_rt_sigprocmask,
    __NR_rt_sigreturn,
    __NR_restart_syscall,
    __NR_getpid,
    __NR_gettid,
    __NR_tgkill,
    __NR_rt_sigaction,
};

inline constexpr auto kLoopSystemCalls = joined(kProgramSystemCalls, std::array{
    // descriptors that it was given
                                                                         __NR_read,
                                                                         __NR_write,
                                                                         __NR_readv,
                                                                         __NR_writev,
                                                                         __NR_recvmsg,
                                                                         __NR_sendmsg,
                                                                         __NR_close,
                                                                         __NR_fcntl,
                                                                         __NR_shutdown,
    // the event loop
                                                                         __NR_epoll_create1,
                                                                         __NR_epoll_ctl,
                                                                         __NR_epoll_wait,
                                                                         __NR_epoll_pwait,
                                                                         __NR_timerfd_create,
                                                                         __NR_timerfd_settime,
                                                                         __NR_eventfd2,
                                                                         __NR_poll,
                                                                         __NR_ppoll,
                                                                         __NR_clock_nanosleep,
                                                                     });

// Of a process that speaks on streams which others connected, as libcurl does (T-31): it makes no socket and connects none.
inline constexpr std::array kHandedStreamCalls{
    __NR_recvfrom,  // bytes of a connection
    __NR_sendto,
    __NR_getsockname,  // libcurl asks whose ends they are, and sets what it always sets
    __NR_getpeername,
    __NR_getsockopt,
    __NR_setsockopt,
};

}  // namespace ocu::profiles
