// SPDX-License-Identifier: GPL-3.0-or-later
// What the storage lane's profiles leave it, tried by a process that put one on: sockets that connect and pairs, or nothing at all.

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "appliance/profiles/storage_lane.h"
#include "helper/frame.h"
#include "helper/helper.h"

namespace test_storage_lane_confined {

using namespace ocu;

bool make(int family, int type, int protocol) { return ::socket(family, type | SOCK_CLOEXEC, protocol) >= 0; }

struct Attempt {
    char const* name;
    bool (*happened)();
};

constexpr Attempt kForbidden[] = {
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
constexpr Attempt kAllowed[] = {
    {"IPv4 stream", [] { return make(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0); }},
    {"IPv4 datagram", [] { return make(AF_INET, SOCK_DGRAM, 0); }},
    {"IPv6 stream", [] { return make(AF_INET6, SOCK_STREAM, 0); }},
    {"IPv6 datagram", [] { return make(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0); }},
    {"pair",
        [] {
            int both[2];
            return ::socketpair(AF_UNIX, SOCK_STREAM, 0, both) == 0;
        }},
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

struct Nothing {
    static void fields(auto&, auto&) {}
};

constexpr int kHappened = 42;

int status_of(bool (*attempt)(), helper::Profile const& profile = profiles::kStorageLane)
{
    auto pair = make_socket_pair().value();
    pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        if (::unshare(CLONE_NEWNET) != 0 || ::dup2(pair.theirs.get(), helper::kLinkFd) < 0) ::_exit(1);
        auto self = helper::Helper::begin("storage-lane");
        if (!self || !self->receive_config<Nothing>() || !self->keep_out_of_swap_and_cores(profile) || !self->confine(profile)) ::_exit(1);
        ::syscall(SYS_exit_group, attempt() ? kHappened : 0);
    }
    REQUIRE(helper::write_frame(pair.ours.get(), helper::kConfigureType, {}, {}));
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

}  // namespace test_storage_lane_confined

using namespace test_storage_lane_confined;

TEST_CASE("storage_lane: given its profile, when it tries what passing on does not need, then it is killed or refused",
    "[helper][T-31][T-14][AP-8]")
{
    for (auto const& attempt : kForbidden) {
        INFO(attempt.name);
        int const status = status_of(attempt.happened);
        bool const killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
        bool const refused = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        CHECK((killed || refused));
    }
}

TEST_CASE("storage_lane: given its profile, when it makes the sockets that it needs, then it can", "[helper][T-31][AP-8]")
{
    for (auto const& attempt : kAllowed) {
        INFO(attempt.name);
        int const status = status_of(attempt.happened);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == kHappened);
    }
}

TEST_CASE("storage_lane: given files that stay here, when it makes any socket at all, then it is killed", "[helper][T-31][T-14]")
{
    for (auto const& attempt : kAllowed) {
        INFO(attempt.name);
        int const status = status_of(attempt.happened, profiles::kIdleStorageLane);
        CHECK(WIFSIGNALED(status));
        CHECK(WTERMSIG(status) == SIGSYS);
    }
}
