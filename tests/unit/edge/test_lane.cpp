// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/edge/lane. How many connections one lane may hold, and how many all lanes together.

#include "edge/lane.h"

#include <catch2/catch_test_macros.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>
#include <vector>

#include "base/unique_fd.h"

namespace test_lane {

using namespace ocu;
using edge::ConnectionBudget;
using edge::Lane;

UniqueFd bound(int type, sockaddr_in& address)
{
    UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return fd;
}

struct LaneTest {
    // A lane whose budget has `open` connections of others on it.
    explicit LaneTest(std::size_t open = 0)
    {
        budget.open = open;
        auto tcp = bound(SOCK_STREAM, address);
        REQUIRE(::listen(tcp.get(), 512) == 0);
        sockaddr_in unused;
        lane = Lane::open(loop, clock, SessionId{3}, std::move(tcp), bound(SOCK_DGRAM, unused), budget, [this](proto::EgressDenied event) {
            if (event.reason == proto::Reason::rate_exceeded) ++beyond;
        }).value();
    }
    void dial()
    {
        UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0);
        held.push_back(std::move(fd));
        auto const accepted = [this] { return budget.open + beyond; };
        auto const before = accepted();
        bool late = false;
        auto const guard = loop.after(std::chrono::seconds(5), [&late] { late = true; });
        while (accepted() == before && !late) loop.run_one();
        REQUIRE_FALSE(late);
    }

    wire::Loop loop;
    ManualClock clock;
    ConnectionBudget budget;
    sockaddr_in address{};
    std::size_t beyond = 0;
    std::unique_ptr<Lane> lane;
    std::vector<UniqueFd> held;
};

TEST_CASE("lane: given all lanes together at their limit, when a guest connects, then it is refused, and the last free place is given",
    "[edge][T-06]")
{
    LaneTest test(ConnectionBudget::kMax - 1);
    test.dial();
    CHECK(test.beyond == 0);
    CHECK(test.budget.open == ConnectionBudget::kMax);
    test.dial();
    CHECK(test.beyond == 1);
    CHECK(test.budget.open == ConnectionBudget::kMax);
}

TEST_CASE("lane: given one lane at its own limit, when its guest connects, then it is refused, and what it held is given back at its end",
    "[edge][T-06][T-13]")
{
    LaneTest test;
    for (std::size_t i = 0; i < Lane::kConnectionsMax; ++i) test.dial();
    CHECK(test.beyond == 0);
    test.dial();
    CHECK(test.beyond == 1);
    CHECK(test.budget.open == Lane::kConnectionsMax);
    test.lane.reset();
    CHECK(test.budget.open == 0);
}

}  // namespace test_lane
