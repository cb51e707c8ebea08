// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a process that dials may do and may not, tried by one that put its profile on: sockets that connect, and nothing that they are usually
// next to. And a pair of sockets, which one of these processes needs and the other does not.

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <span>

#include "helper/frame.h"
#include "helper/helper.h"

namespace ocu::test_dial {

inline bool make(int family, int type, int protocol) { return ::socket(family, type | SOCK_CLOEXEC, protocol) >= 0; }

struct Attempt {
    char const* name;
    bool (*happened)();
};

inline constexpr Attempt kForbidden[] = {
    {"open a file", [] { return ::open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC) >= 0; }},
    {"local socket", [] { return make(AF_UNIX, SOCK_STREAM, 0); }},
    {"netlink socket", [] { return make(AF_NETLINK, SOCK_RAW, 0); }},
    {"packet socket", [] { return make(AF_PACKET, SOCK_RAW, 0); }},
    {"raw socket", [] { return make(AF_INET, SOCK_RAW, IPPROTO_ICMP); }},
    {"ping socket", [] { return make(AF_INET, SOCK_DGRAM, IPPROTO_ICMP); }},
    {"other stream", [] { return make(AF_INET, SOCK_STREAM, IPPROTO_SCTP); }},
    {"sequenced", [] { return make(AF_INET6, SOCK_SEQPACKET, 0); }},
    {"bind",
        [] {
            sockaddr_in any{};
            any.sin_family = AF_INET;
            return ::bind(::socket(AF_INET, SOCK_STREAM, 0), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0;
        }},
    {"listen", [] { return ::listen(::socket(AF_INET, SOCK_STREAM, 0), 1) == 0; }},
    {"accept", [] { return ::accept4(::socket(AF_INET, SOCK_STREAM, 0), nullptr, nullptr, 0) >= 0; }},
    {"another network", [] { return ::unshare(CLONE_NEWNET) == 0; }},
};
inline constexpr Attempt kAllowed[] = {
    {"IPv4 stream", [] { return make(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0); }},
    {"IPv4 datagram", [] { return make(AF_INET, SOCK_DGRAM, 0); }},
    {"IPv6 stream", [] { return make(AF_INET6, SOCK_STREAM, 0); }},
    {"IPv6 datagram", [] { return make(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0); }},
    {"connect",
        [] {
            // Nobody listens there. What matters is who says no: the network, and not Landlock (EACCES).
            sockaddr_in there{};
            there.sin_family = AF_INET;
            there.sin_port = htons(9);
            there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            int const result = ::connect(::socket(AF_INET, SOCK_STREAM, 0), reinterpret_cast<sockaddr*>(&there), sizeof there);
            return result == 0 || errno == ENETUNREACH || errno == ECONNREFUSED;
        }},
};

inline constexpr Attempt kPair[] = {
    {"pair",
        [] {
            int both[2];
            return ::socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0;
        }},
};

struct Nothing {
    static void fields(auto&, auto&) {}
};

inline constexpr int kHappened = 42;

// How a process ends that puts `profile` on, as helper `name` in a network of its own, and then tries it.
inline int status_of(bool (*attempt)(), char const* name, helper::Profile const& profile)
{
    auto pair = make_socket_pair().value();
    pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        if (::unshare(CLONE_NEWNET) != 0 || ::dup2(pair.theirs.get(), helper::kLinkFd) < 0) ::_exit(1);
        auto self = helper::Helper::begin(name);
        if (!self || !self->receive_config<Nothing>() || !self->keep_out_of_swap_and_cores(profile) || !self->confine(profile)) ::_exit(1);
        ::syscall(SYS_exit_group, attempt() ? kHappened : 0);
    }
    REQUIRE(helper::write_frame(pair.ours.get(), helper::kConfigureType, {}, {}));
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

inline void check_forbidden(std::span<Attempt const> attempts, char const* name, helper::Profile const& profile)
{
    for (auto const& attempt : attempts) {
        INFO(attempt.name);
        int const status = status_of(attempt.happened, name, profile);
        bool const killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
        bool const refused = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        CHECK((killed || refused));
    }
}

inline void check_allowed(std::span<Attempt const> attempts, char const* name, helper::Profile const& profile)
{
    for (auto const& attempt : attempts) {
        INFO(attempt.name);
        int const status = status_of(attempt.happened, name, profile);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == kHappened);
    }
}

}  // namespace ocu::test_dial
