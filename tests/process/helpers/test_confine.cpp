// SPDX-License-Identifier: GPL-3.0-or-later
// Each helper's real profile, put on by a real process, which then tries every class of thing that it must not do (AP-8).

#include <catch2/catch_test_macros.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <string>

#include "appliance/profiles/all.h"
#include "helper/frame.h"
#include "helper/helper.h"

namespace {

using namespace ocu;

constexpr int kHeld = 0;        // the forbidden thing did not happen
constexpr int kBroken = 42;     // it did
constexpr int kNotConfined = 43;

struct Attempt {
    char const* name;
    bool (*happened)();
};

bool open_a_file() { return ::open("/etc/hostname", O_RDONLY | O_CLOEXEC) >= 0 || ::open("/proc/self/status", O_RDONLY) >= 0; }
bool make_an_internet_socket() { return ::socket(AF_INET, SOCK_STREAM, 0) >= 0; }
bool make_a_unix_socket() { return ::socket(AF_UNIX, SOCK_STREAM, 0) >= 0; }
bool make_a_raw_socket() { return ::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0; }
bool execute_a_program()
{
    char program[] = "/bin/true";
    char* arguments[] = {program, nullptr};
    return ::execv(program, arguments) == 0;
}
bool become_root() { return ::setresuid(0, 0, 0) == 0; }
bool mount_something() { return ::mount("none", "/tmp", "tmpfs", 0, nullptr) == 0; }
bool make_a_user_namespace() { return ::unshare(CLONE_NEWUSER) == 0; }
bool signal_the_parent() { return ::kill(::getppid(), SIGCONT) == 0; }
bool trace_the_parent() { return ::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr) == 0; }
bool load_a_program_into_the_kernel()
{
    std::array<std::byte, 128> attributes{};
    return ::syscall(SYS_bpf, 0, attributes.data(), attributes.size()) >= 0;
}
// A helper that is handed a connection could ask it for the machine's addresses.
bool ask_a_socket_for_the_network()
{
    ifconf cards{};
    return ::ioctl(helper::kLinkFd, SIOCGIFCONF, &cards) == 0;
}
bool start_a_process() { return ::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr) >= 0; }

constexpr std::array kAttempts{
    Attempt{"open a file", open_a_file},
    Attempt{"make an internet socket", make_an_internet_socket},
    Attempt{"make a unix socket", make_a_unix_socket},
    Attempt{"make a raw socket", make_a_raw_socket},
    Attempt{"execute a program", execute_a_program},
    Attempt{"become root", become_root},
    Attempt{"mount something", mount_something},
    Attempt{"make a user namespace", make_a_user_namespace},
    Attempt{"signal the parent", signal_the_parent},
    Attempt{"trace the parent", trace_the_parent},
    Attempt{"load a program into the kernel", load_a_program_into_the_kernel},
    Attempt{"start a process", start_a_process},
    Attempt{"ask a socket for the network", ask_a_socket_for_the_network},
};

UniqueFd empty_namespace()
{
    UniqueFd const own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    REQUIRE(::unshare(CLONE_NEWNET) == 0);
    UniqueFd empty(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    REQUIRE(::setns(own.get(), CLONE_NEWNET) == 0);
    return empty;
}

struct Nothing {
    static void fields(auto&, auto&) {}
};

// What the child does: the helper's own beginning, then the attempt. Never returns.
[[noreturn]] void confined_child(helper::Profile const& profile, int link, bool (*happened)())
{
    if (::dup2(link, helper::kLinkFd) < 0) ::_exit(kNotConfined);
    auto self = helper::Helper::begin(profile.name);
    if (!self) ::_exit(kNotConfined);
    if (!self->receive_config<Nothing>()) ::_exit(kNotConfined);
    if (!self->keep_out_of_swap_and_cores(profile)) ::_exit(kNotConfined);
    if (!self->confine(profile)) ::_exit(kNotConfined);
    ::syscall(SYS_exit_group, happened != nullptr && happened() ? kBroken : kHeld);
    __builtin_unreachable();
}

// The child's wait status.
int run_confined(helper::Profile const& profile, bool (*happened)())
{
    auto pair = make_socket_pair().value();
    auto const empty = empty_namespace();
    pid_t const child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) confined_child(profile, pair.theirs.get(), happened);
    bool const per_session = profile.network == helper::Network::shared_empty_namespace;
    std::array<std::byte, 4> const slot{};
    std::array const descriptors{empty.get()};
    REQUIRE(helper::write_frame(pair.ours.get(), helper::kConfigureType,
        per_session ? std::span<std::byte const>(slot) : std::span<std::byte const>(),
        per_session ? std::span<int const>(descriptors) : std::span<int const>()));
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return status;
}

}  // namespace

TEST_CASE(
    "confine: given each helper's profile, when nothing forbidden is tried, then it confines itself and lives", "[helper][T-14][AP-8]")
{
    for (auto const* profile : profiles::kConfinedProfiles) {
        INFO(profile->name);
        int const status = run_confined(*profile, nullptr);
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == kHeld);
    }
}

TEST_CASE("confine: given each helper's profile, when it tries what it must not do, then it is killed or refused",
    "[helper][T-03][T-12][T-14][AP-8]")
{
    for (auto const* profile : profiles::kConfinedProfiles) {
        for (auto const& attempt : kAttempts) {
            bool const dials = profile->connections == helper::Connections::outgoing;
            if (dials && attempt.happened == make_an_internet_socket) continue;
            INFO(profile->name << " tries to " << attempt.name);
            int const status = run_confined(*profile, attempt.happened);
            bool const killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
            bool const refused = WIFEXITED(status) && WEXITSTATUS(status) == kHeld;
            CHECK((killed || refused));
        }
    }
}
