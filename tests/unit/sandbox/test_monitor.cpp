// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/sandbox/monitor. One connection of gVisor's, on a real socket.

#include "sandbox/monitor.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include "sandbox/exec_limits.h"
#include "support/loop_turns.h"
#include "base/clock.h"
#include "support/monitor_packets.h"
#include "support/temporary_folder.h"

namespace test_monitor {

using namespace ocu;
using namespace ocu::sandbox;

struct MonitorTest : test::TemporaryFolder {
    MonitorTest()
    {
        address.sun_family = AF_UNIX;
        (folder + "/m").copy(address.sun_path, sizeof address.sun_path - 1);
        UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener.get(), 4) == 0);
        monitor.emplace(loop, clock, std::move(listener), [this](proto::ExecProgramsRun const& what) { told.push_back(what); });
    }

    UniqueFd connect()
    {
        UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        connected = ::connect(socket.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0;
        test::turn_loop(loop);
        return socket;
    }
    bool say(UniqueFd const& socket, std::string const& bytes)
    {
        bool const said = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
        test::turn_loop(loop);
        return said;
    }
    std::string heard(UniqueFd const& socket)
    {
        char bytes[64];
        auto const got = ::recv(socket.get(), bytes, sizeof bytes, 0);
        return got < 0 ? "nothing" : std::string(bytes, static_cast<std::size_t>(got));
    }
    UniqueFd greeted()
    {
        auto socket = connect();
        REQUIRE(say(socket, "\x08\x01"));
        REQUIRE(heard(socket) == "\x08\x01");
        return socket;
    }

    sockaddr_un address{};
    bool connected = false;
    wire::Loop loop;
    ManualClock clock;
    std::vector<proto::ExecProgramsRun> told;
    std::optional<Monitor> monitor;
};

TEST_CASE_METHOD(MonitorTest, "monitor: given a gVisor that greets, when programs run, then they are told when a call asks, and not again too soon", "[sandbox][SX-9]")
{
    clock.advance(std::chrono::hours(1));
    auto const sentry = greeted();
    REQUIRE(say(sentry, test::exec_packet("/bin/ls", {"ls", "/"})));
    monitor->catch_up();
    REQUIRE(told.size() == 1);
    CHECK(told[0].shown.view() == "/bin/ls /");
    REQUIRE(say(sentry, test::exec_packet("/bin/id", {"id"})));
    monitor->catch_up();
    CHECK(told.size() == 1);
    clock.advance(kProgramsTold);
    monitor->catch_up();
    REQUIRE(told.size() == 2);
    CHECK(told[1].shown.view() == "/bin/id");
}

TEST_CASE_METHOD(MonitorTest, "monitor: given programs of which nobody asks, when their time has come, then they are told", "[sandbox][SX-9]")
{
    auto const sentry = greeted();
    REQUIRE(say(sentry, test::exec_packet("/bin/ls", {"ls"})));
    while (told.empty()) loop.run_one();
    CHECK(told[0].count == 1);
}

TEST_CASE_METHOD(MonitorTest, "monitor: given one that was told because a call asked, when more runs, then it waits its time, whatever was waited for before",
    "[sandbox][SX-9][T-42]")
{
    auto const sentry = greeted();
    REQUIRE(say(sentry, test::exec_packet("/bin/ls", {"ls"})));  // from here on it would be told unasked
    clock.advance(kProgramsTold);
    auto const asked = std::chrono::steady_clock::now();
    monitor->catch_up();
    REQUIRE(told.size() == 1);
    REQUIRE(say(sentry, test::exec_packet("/bin/id", {"id"})));
    while (told.size() < 2) loop.run_one();
    CHECK(std::chrono::steady_clock::now() - asked >= kProgramsTold - std::chrono::milliseconds(10));
    CHECK(told[1].shown.view() == "/bin/id");
}

TEST_CASE_METHOD(MonitorTest, "monitor: given a second connection, when the first is there, then nobody answers it", "[sandbox][T-14]")
{
    auto const sentry = greeted();
    auto const second = connect();
    CHECK_FALSE(connected);
}

TEST_CASE_METHOD(MonitorTest, "monitor: given one that does not greet, when it speaks, then the connection ends", "[sandbox][T-14]")
{
    auto const sentry = connect();
    REQUIRE(say(sentry, test::exec_packet("/bin/ls", {"ls"})));
    CHECK(heard(sentry).empty());
    monitor->tell_all();
    CHECK(told.empty());
}

TEST_CASE_METHOD(MonitorTest, "monitor: given bytes that cannot be read, and packets given up, when it is told, then they are counted", "[sandbox][SX-9][T-07]")
{
    auto const sentry = greeted();
    REQUIRE(say(sentry, "nonsense"));
    REQUIRE(say(sentry, test::exec_packet("/bin/ls", {"ls"}, 3)));
    monitor->tell_all();
    REQUIRE(told.size() == 1);
    CHECK(told[0].count == 1);
    CHECK(told[0].untold == 4);
}

TEST_CASE_METHOD(MonitorTest, "monitor: given a guest that has ended, when its last words are read, then they are told", "[sandbox][SX-9]")
{
    auto sentry = greeted();
    std::string const last = test::exec_packet("/bin/last", {"last"});
    REQUIRE(::send(sentry.get(), last.data(), last.size(), 0) > 0);
    sentry.reset();
    monitor->tell_all();
    REQUIRE(told.size() == 1);
    CHECK(told[0].shown.view() == "/bin/last");
}

}  // namespace test_monitor
