// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/sandbox/rest. A guest in which nothing runs is stopped, and goes on before anything is said to it.

#include <catch2/catch_test_macros.hpp>
#include <vector>

#include "sandbox/rest.h"

namespace {

using namespace ocu;
using namespace std::chrono_literals;
using enum sandbox::Rest::Order;

constexpr auto kAfter = 400ms;
constexpr auto kLonger = 500ms;

struct RestTest {
    void wait(std::chrono::milliseconds time)
    {
        bool over = false;
        auto const watch = loop.after(time, [&over] { over = true; });
        while (!over) loop.run_one();
    }

    wire::Loop loop;
    std::vector<sandbox::Rest::Order> orders;
    sandbox::Rest rest{loop, kAfter, [this](sandbox::Rest::Order order) { orders.push_back(order); }};
};

}  // namespace

TEST_CASE_METHOD(RestTest, "rest: given a guest that is up and idle, when nobody wants it for a while, then it is stopped, and goes on when it is wanted",
    "[sandbox][SX-6]")
{
    SECTION("idle first") { rest.is_idle(), rest.is_up(); }
    SECTION("up first") { rest.is_up(), rest.is_idle(); }
    wait(50ms);
    CHECK(orders.empty());
    wait(kLonger);
    CHECK(orders == std::vector{stop});
    rest.is_idle();
    rest.say_again();
    CHECK(orders == std::vector{stop, stop});
    rest.is_wanted();
    CHECK(orders == std::vector{stop, stop, go_on});
    rest.say_again();
    CHECK(orders == std::vector{stop, stop, go_on, go_on});
    wait(kLonger);
    CHECK(orders.size() == 4);  // it has not said again that it is idle
}

TEST_CASE_METHOD(RestTest, "rest: given a guest that is wanted in time, or is not up, when it is idle, then it is not stopped", "[sandbox][SX-6]")
{
    SECTION("wanted in time")
    {
        rest.is_up();
        rest.is_idle();
        rest.is_wanted();
    }
    SECTION("not up") { rest.is_idle(), rest.say_again(); }
    wait(kLonger);
    CHECK(orders.empty());
}
