// SPDX-License-Identifier: GPL-3.0-or-later
// How a helper begins, before it is confined: what it lets go of, what it takes as its configuration, which limits it puts on.

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "helper/frame.h"
#include "helper/helper.h"

namespace test_begin {

using namespace ocu;

// The line of the first thing that is not so; 0 when all are.
#define OCU_FACT(condition)                \
    do {                                   \
        if (!(condition)) return __LINE__; \
    } while (false)

struct Nothing {
    static void fields(auto&, auto&) {}
};

// Runs `facts` in a child whose link is in place.
int in_child(int link, std::function<int()> const& facts)
{
    pid_t const pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        if (::dup2(link, helper::kLinkFd) < 0) ::_exit(255);
        ::_exit(facts());
    }
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1'000 + WTERMSIG(status);
}

// The limit, if soft and hard are the same.
rlim_t hard(__rlimit_resource_t what)
{
    rlimit limit{};
    return ::getrlimit(what, &limit) == 0 && limit.rlim_cur == limit.rlim_max ? limit.rlim_max : ~rlim_t{1};
}

}  // namespace test_begin

using namespace test_begin;

TEST_CASE("helper: given descriptors and signals of whoever started it, when it begins, then only its link is left and nothing is blocked",
    "[helper][T-12][T-14]")
{
    auto pair = make_socket_pair().value();
    CHECK(in_child(pair.theirs.get(), [] {
        constexpr int kInherited = 77;
        OCU_FACT(::dup2(STDERR_FILENO, kInherited) == kInherited);
        sigset_t all;
        ::sigfillset(&all);
        ::sigprocmask(SIG_SETMASK, &all, nullptr);
        ::signal(SIGPIPE, SIG_DFL);
        auto const self = helper::Helper::begin("parser");
        OCU_FACT(self);
        OCU_FACT(::fcntl(kInherited, F_GETFD) == -1);
        OCU_FACT(::fcntl(helper::kLinkFd, F_GETFD) == FD_CLOEXEC);
        OCU_FACT(::signal(SIGPIPE, SIG_DFL) == SIG_IGN);
        sigset_t blocked;
        OCU_FACT(::sigprocmask(SIG_SETMASK, nullptr, &blocked) == 0);
        for (int number = 1; number < 32; ++number) OCU_FACT(::sigismember(&blocked, number) == 0);
        return 0;
    }) == 0);
}

TEST_CASE("helper: given no link, when it begins, then it does not", "[helper][T-14]")
{
    pid_t const pid = ::fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        ::close(helper::kLinkFd);
        ::_exit(helper::Helper::begin("parser") ? 1 : 0);
    }
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
}

TEST_CASE(
    "helper: given a first frame that is no configuration, or one without its slot, when it is received, then the helper goes no further",
    "[helper][T-14]")
{
    auto const refused = [](char const* name, std::uint16_t type, std::span<std::byte const> body) {
        auto pair = make_socket_pair().value();
        REQUIRE(helper::write_frame(pair.ours.get(), type, body, {}));
        return in_child(pair.theirs.get(), [name] {
            auto self = helper::Helper::begin(name);
            OCU_FACT(self);
            return self->receive_config<Nothing>() ? 0 : 200;
        });
    };
    std::array<std::byte, 4> const slot{};
    CHECK(refused("parser", helper::kConfigureType, {}) == 0);
    CHECK(refused("parser", helper::kReadyType, {}) == 200);
    CHECK(refused("parser", helper::kConfigureType, slot) == 200);  // four bytes too many
    CHECK(refused("broker", helper::kConfigureType, slot) == 0);
    CHECK(refused("broker", helper::kConfigureType, std::span(slot).first(3)) == 200);
    CHECK(refused("exec", helper::kConfigureType, {}) == 200);
}

TEST_CASE("helper: given a profile's limits, when they are put on, then no core, and no more files, memory and file bytes than it says",
    "[helper][T-06][T-12][AP-8]")
{
    auto pair = make_socket_pair().value();
    CHECK(in_child(pair.theirs.get(), [] {
        helper::Profile profile{.name = "parser", .user_offset = 1, .capabilities = {}, .system_calls = {}};
        profile.address_space_bytes_max = 1ull << 40;
        profile.open_files_max = 17;
        profile.file_bytes_max = 4'096;
        profile.memory = helper::Memory::locked;
        auto self = helper::Helper::begin("parser");
        OCU_FACT(self);
        OCU_FACT(self->keep_out_of_swap_and_cores(profile));
        OCU_FACT(hard(RLIMIT_CORE) == 0);
        OCU_FACT(hard(RLIMIT_NOFILE) == 17);
        OCU_FACT(hard(RLIMIT_AS) == 1ull << 40);
        OCU_FACT(hard(RLIMIT_FSIZE) == 4'096);
        OCU_FACT(hard(RLIMIT_MEMLOCK) == 8u << 20);
        OCU_FACT(::prctl(PR_GET_DUMPABLE) == 0);
        return 0;
    }) == 0);
}
