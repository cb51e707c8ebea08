// SPDX-License-Identifier: GPL-3.0-or-later
// Init's side with the real helper, re-executed from this very program (see main()): one measurement from start to end.

#include <catch2/catch_session.hpp>
#include <catch2/catch_test_macros.hpp>

#include <string_view>

#include "appliance/init/time_asker.h"
#include "clock/helpers.h"
#include "time_bench.h"

namespace {

using namespace ocu;
using namespace std::chrono_literals;

struct TimeAskerTest {
    TimeAskerTest() { server.ca_pem = bench.pem("authority"); }
    init::TimeAsker::Answer ask()
    {
        std::optional<init::TimeAsker::Answer> heard;
        auto const watch = asker.ask(server, [&](init::TimeAsker::Answer answer) {
            heard = answer;
            loop.stop();
        });
        auto const limit = loop.after(20s, [this] { loop.stop(); });
        loop.run();
        REQUIRE(heard.has_value());
        return *heard;
    }

    test::Bench& bench = test::Bench::get();
    wire::Loop loop;
    init::HelperTimeAsker asker{loop};
    manifest::TimeServer server{"ntp.test", test::kLoopback, test::kKePort, ""};
};

}  // namespace

TEST_CASE_METHOD(TimeAskerTest, "time_asker: given a real server, when it is asked, then its time comes back", "[boot][T-21][AP-4]")
{
    auto const running = bench.serve("good");
    auto const answer = ask();
    REQUIRE(answer.has_value());
    auto const here = std::chrono::system_clock::now().time_since_epoch() - std::chrono::steady_clock::now().time_since_epoch();
    CHECK(std::chrono::abs(answer->unix_minus_monotonic - here) < 100ms);
    CHECK(answer->exchanges == 4);
}

TEST_CASE_METHOD(TimeAskerTest, "time_asker: given a server that is not there, when it is asked, then that is the answer", "[boot]")
{
    SECTION("nobody listens") { server.port = 9; }
    SECTION("a name, and no name is resolved") { server.address = "ntp.test"; }
    auto const answer = ask();
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error() == proto::TimeFailure::unreachable);
}

TEST_CASE_METHOD(TimeAskerTest, "time_asker: given a question given up, when its helper is at work, then it is ended", "[boot]")
{
    auto const listener = test::bound(SOCK_STREAM);
    REQUIRE(::listen(listener.get(), 4) == 0);
    server.port = test::port_of(listener.get());
    bool heard = false;
    auto watch = asker.ask(server, [&](init::TimeAsker::Answer const&) { heard = true; });
    UniqueFd const accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    char hello = 0;
    REQUIRE(::read(accepted.get(), &hello, 1) == 1);  // its ClientHello: it is at work
    watch.reset();
    while (::read(accepted.get(), &hello, 1) == 1) {}  // up to its end: the helper alone held the other side
    auto const limit = loop.after(50ms, [this] { loop.stop(); });
    loop.run();
    CHECK_FALSE(heard);
}

int main(int argc, char** argv)
{
    ::signal(SIGPIPE, SIG_IGN);
    if (argc == 3 && std::string_view(argv[1]) == "helper") {
        auto self = helper::Helper::begin(argv[2]);
        return self && clock::time_main(*self) ? 0 : 1;
    }
    return Catch::Session().run(argc, argv);
}
