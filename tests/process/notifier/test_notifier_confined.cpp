// SPDX-License-Identifier: GPL-3.0-or-later
// What the notifier's profile leaves it, tried by a process that put it on: bytes on what it is handed, and no way to anything else.

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "appliance/profiles/notifier.h"
#include "helper/frame.h"
#include "helper/helper.h"

namespace test_notifier_confined {

using namespace ocu;

struct Attempt {
    char const* name;
    bool (*happened)();
};

constexpr Attempt kForbidden[] = {
    {"open a file", [] { return ::open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC) >= 0; }},
    {"a socket", [] { return ::socket(AF_INET, SOCK_STREAM, 0) >= 0; }},
    {"a local socket", [] { return ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }},
    {"connect",
        [] {
            sockaddr_in there{};
            there.sin_family = AF_INET;
            return ::connect(0, reinterpret_cast<sockaddr*>(&there), sizeof there) == 0;
        }},
    {"accept", [] { return ::accept4(0, nullptr, nullptr, 0) >= 0; }},
    {"another network", [] { return ::unshare(CLONE_NEWNET) == 0; }},
    {"a process", [] { return ::syscall(SYS_fork) > 0; }},
    {"look into another", [] { return ::ptrace(PTRACE_ATTACH, 1, nullptr, nullptr) == 0; }},
};

struct Nothing {
    static void fields(auto&, auto&) {}
};

constexpr int kHappened = 42;

int status_of(bool (*attempt)())
{
    auto pair = make_socket_pair().value();
    pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        if (::dup2(pair.theirs.get(), helper::kLinkFd) < 0) ::_exit(1);
        auto self = helper::Helper::begin("notifier");
        if (!self || !self->receive_config<Nothing>() || !self->keep_out_of_swap_and_cores(profiles::kNotifier) ||
            !self->confine(profiles::kNotifier))
            ::_exit(1);
        ::syscall(SYS_exit_group, attempt() ? kHappened : 0);
    }
    REQUIRE(helper::write_frame(pair.ours.get(), helper::kConfigureType, {}, {}));
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

TEST_CASE("notifier: given its profile, when it tries what it has no use for, then it is killed or refused", "[helper][T-14][AP-8]")
{
    CHECK(status_of([] { return true; }) >> 8 == kHappened);  // it runs at all
    for (auto const& attempt : kForbidden) {
        INFO(attempt.name);
        int const status = status_of(attempt.happened);
        bool const killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
        bool const refused = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        CHECK((killed || refused));
    }
}

}  // namespace test_notifier_confined
