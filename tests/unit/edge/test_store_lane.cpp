// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: store_lane. The asker's end of a channel and the store's end of a connection are the test's; the loop is turned by hand.

#include <catch2/catch_test_macros.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include <deque>

#include "edge/store_lane.h"
#include "helper/frame.h"
#include "support/loop_turns.h"

namespace test_store_lane {

using namespace ocu;
using proto::LaneDeed;
using proto::LaneFailure;

constexpr proto::LaneId kLane{7};

enum class Dial { answers, refuses, is_silent };

struct Asker {
    void ask(std::uint64_t request)
    {
        auto const body = wire::encode(proto::LaneConnect{RequestId{request}});
        REQUIRE(helper::write_frame(channel.get(), static_cast<std::uint16_t>(proto::Type::lane_connect), body, {}));
    }
    UniqueFd channel;
};

struct LaneTest {
    explicit LaneTest(bool own_addresses = false)
        : lane(loop, clock,
              {{edge::parse_address("10.0.0.1").value(), edge::parse_address("10.0.0.2").value(), edge::parse_address("10.0.0.3").value()},
                  9000, own_addresses},
              {[this](proto::LaneConnection const& report) { reports.push_back(report); },
                  [this](proto::LaneId gone) { ended.push_back(gone); },
                  [this](edge::Address const& address, std::uint16_t port) { return begin(address, port); },
                  [this](edge::Address const& address) { return own == edge::text_of(address); }},
              {{edge::parse_address("10.9.0.1").value()}, 9000, false})
    {
        open();
    }

    UniqueFd begin(edge::Address const& address, std::uint16_t port)
    {
        CHECK(port == 9000);
        dialled.push_back(edge::text_of(address));
        auto const next = script.empty() ? Dial::answers : script.front();
        if (!script.empty()) script.pop_front();
        if (next == Dial::refuses) return {};
        auto pair = make_socket_pair().value();
        if (next == Dial::is_silent) {
            std::string const piece(4096, 'x');  // full: it never becomes writable
            while (::send(pair.ours.get(), piece.data(), piece.size(), MSG_DONTWAIT) > 0) {
            }
        }
        far.push_back(std::move(pair.theirs));
        return std::move(pair.ours);
    }
    void open(proto::LaneId id = kLane, bool cold = false)
    {
        auto pair = make_socket_pair().value();
        asker.channel = std::move(pair.ours);
        REQUIRE(lane.open(id, std::move(pair.theirs), cold));
    }
    // What was on its way has been handled.
    void settle() { test::turn_loop(loop); }
    Result<helper::RawFrame> answer() { return helper::read_frame(asker.channel.get(), 64, std::chrono::milliseconds(0)); }
    UniqueFd connect(std::uint64_t request = 1)
    {
        asker.ask(request);
        settle();
        auto frame = answer();
        REQUIRE(frame);
        REQUIRE(frame->type == static_cast<std::uint16_t>(proto::Type::lane_opened));
        REQUIRE(frame->descriptors.size() == 1);
        CHECK(wire::decode<proto::LaneOpened>(frame->body)->request == RequestId{request});
        return std::move(frame->descriptors[0]);
    }
    LaneFailure refused(std::uint64_t request)
    {
        auto const frame = answer();
        REQUIRE(frame);
        REQUIRE(frame->type == static_cast<std::uint16_t>(proto::Type::lane_failed));
        auto const told = wire::decode<proto::LaneFailed>(frame->body).value();
        CHECK(told.request == RequestId{request});
        return told.failure;
    }
    static bool is_shut(UniqueFd const& fd)
    {
        char byte = 0;
        auto const got = ::recv(fd.get(), &byte, 1, MSG_DONTWAIT);
        return got == 0 || (got < 0 && errno != EAGAIN);
    }

    wire::Loop loop;
    ManualClock clock;
    std::deque<Dial> script;
    std::vector<std::string> dialled;
    std::vector<UniqueFd> far;
    std::string own;
    std::vector<proto::LaneConnection> reports;
    std::vector<proto::LaneId> ended;
    Asker asker;
    edge::StoreLane lane;
};

struct OwnLaneTest : LaneTest {
    OwnLaneTest() : LaneTest(true) {}
};

TEST_CASE_METHOD(LaneTest, "store_lane: given a channel of the cold tier, when a connection is asked for, then it leads there and nowhere else, and the others' do not",
    "[edge][T-31][T-43]")
{
    (void)connect();
    open(proto::LaneId{8}, true);
    (void)connect(1);
    CHECK(dialled == std::vector<std::string>{"10.0.0.1", "10.9.0.1"});
    script = {Dial::refuses};
    asker.ask(2);
    settle();
    CHECK(refused(2) == LaneFailure::unreachable);
    CHECK(dialled.back() == "10.9.0.1");
    CHECK(dialled.size() == 3);
}

TEST_CASE_METHOD(LaneTest,
    "store_lane: given a channel, when a connection is asked for, then bytes go both ways, and its ends are reported", "[edge][T-31][SB-4]")
{
    auto stream = connect();
    CHECK(dialled == std::vector<std::string>{"10.0.0.1"});
    REQUIRE(::send(stream.get(), "question", 8, 0) == 8);
    settle();
    char bytes[16]{};
    REQUIRE(::recv(far[0].get(), bytes, sizeof bytes, MSG_DONTWAIT) == 8);
    REQUIRE(::send(far[0].get(), "answer", 6, 0) == 6);
    settle();
    REQUIRE(::recv(stream.get(), bytes, sizeof bytes, MSG_DONTWAIT) == 6);
    REQUIRE(reports.size() == 1);
    CHECK(reports[0].deed == LaneDeed::opened);
    CHECK(reports[0].lane == kLane);
    stream.reset();
    settle();
    far[0].reset();
    settle();
    REQUIRE(reports.size() == 2);
    CHECK(reports[1].deed == LaneDeed::closed);
    CHECK(reports[1].connection == reports[0].connection);
    CHECK(reports[1].bytes_up == 8);
    CHECK(reports[1].bytes_down == 6);
    CHECK(ended.empty());
}

TEST_CASE_METHOD(LaneTest, "store_lane: given addresses that refuse, when one answers, then it is that one, and the first one next time",
    "[edge][T-31][SB-9]")
{
    script = {Dial::refuses, Dial::answers, Dial::answers};
    auto const one = connect(1);
    auto const two = connect(2);
    CHECK(dialled == std::vector<std::string>{"10.0.0.1", "10.0.0.2", "10.0.0.2"});
    CHECK(reports[0].place == 1);
    CHECK(reports[1].place == 1);
    script = {Dial::refuses, Dial::refuses, Dial::refuses};
    asker.ask(3);
    settle();
    CHECK(refused(3) == LaneFailure::unreachable);
    CHECK(reports.back().deed == LaneDeed::failed);
    CHECK(dialled.size() == 6);
}

TEST_CASE_METHOD(LaneTest, "store_lane: given a store that does not answer, when the time for an address is over, then the next, then none",
    "[edge][T-31][SB-9]")
{
    script = {Dial::is_silent, Dial::is_silent, Dial::is_silent};
    asker.ask(1);
    settle();
    lane.tick();
    CHECK(dialled.size() == 1);
    clock.advance(edge::kLaneAddressWait);
    lane.tick();
    CHECK(dialled.size() == 2);
    clock.advance(edge::kLaneAddressWait);
    lane.tick();
    CHECK(dialled.size() == 3);
    clock.advance(edge::kLaneAddressWait);
    lane.tick();
    settle();
    CHECK(refused(1) == LaneFailure::timed_out);
    CHECK(reports.back().failure == LaneFailure::timed_out);
}

TEST_CASE_METHOD(LaneTest, "store_lane: given as many connections as one may have, when more are asked for, then refused and counted once",
    "[edge][T-31][T-06]")
{
    std::vector<UniqueFd> held;
    for (std::uint64_t i = 1; i <= edge::kLaneConnectionsPerLaneMax; ++i) held.push_back(connect(i));
    auto const before = reports.size();
    for (std::uint64_t i = 100; i < 103; ++i) asker.ask(i);
    settle();
    for (std::uint64_t i = 100; i < 103; ++i) CHECK(refused(i) == LaneFailure::over_limit);
    CHECK(dialled.size() == edge::kLaneConnectionsPerLaneMax);
    CHECK(reports.size() == before);
    lane.tick();
    REQUIRE(reports.size() == before + 1);
    CHECK(reports.back().failure == LaneFailure::over_limit);
    CHECK(reports.back().count == 3);
}

TEST_CASE_METHOD(
    LaneTest, "store_lane: given one that asks without end, when the burst is spent, then it waits for the clock", "[edge][T-31][T-06]")
{
    script.assign(3 * 3 * edge::kLaneConnectsBurst, Dial::refuses);  // each tries three addresses
    auto const ask = [this](std::uint64_t request) {
        asker.ask(request);
        settle();
        return refused(request);
    };
    for (std::uint64_t i = 1; i <= edge::kLaneConnectsBurst; ++i) CHECK(ask(i) == LaneFailure::unreachable);
    CHECK(ask(1000) == LaneFailure::over_limit);
    clock.advance(std::chrono::seconds(1));
    for (std::uint64_t i = 1; i <= edge::kLaneConnectsPerSecond; ++i) CHECK(ask(2000 + i) == LaneFailure::unreachable);
    CHECK(ask(3000) == LaneFailure::over_limit);
    clock.advance(std::chrono::hours(1));  // what was not asked for is not saved up
    for (std::uint64_t i = 1; i <= edge::kLaneConnectsBurst; ++i) CHECK(ask(4000 + i) == LaneFailure::unreachable);
    CHECK(ask(5000) == LaneFailure::over_limit);
}

TEST_CASE_METHOD(LaneTest, "store_lane: given an address that refuses late, when the time for all is over, then no other is dialled",
    "[edge][T-31][SB-9]")
{
    script = {Dial::is_silent, Dial::answers};
    asker.ask(1);
    settle();
    clock.advance(edge::kLaneConnectWait);
    far[0].reset();
    settle();
    CHECK(refused(1) == LaneFailure::unreachable);
    CHECK(dialled.size() == 1);
}

TEST_CASE_METHOD(LaneTest, "store_lane: given an address of this machine's own, when a connection is asked for, then it is not dialled",
    "[edge][T-31][EG-3]")
{
    own = "10.0.0.1";
    script = {Dial::refuses, Dial::refuses};
    asker.ask(1);
    settle();
    CHECK(dialled == std::vector<std::string>{"10.0.0.2", "10.0.0.3"});
    CHECK(refused(1) == LaneFailure::unreachable);
}

TEST_CASE_METHOD(
    OwnLaneTest, "store_lane: given a trial on one machine, when its own address is declared, then it is dialled", "[edge][T-31]")
{
    own = "10.0.0.1";
    auto const stream = connect();
    CHECK(dialled == std::vector<std::string>{"10.0.0.1"});
}

TEST_CASE_METHOD(
    LaneTest, "store_lane: given a connection that is silent, when its time is over, then it is cut and reported", "[edge][T-31][SB-9]")
{
    auto const stream = connect();
    clock.advance(edge::kLaneIdleTime - std::chrono::milliseconds(1));
    lane.tick();
    CHECK(reports.size() == 1);
    clock.advance(std::chrono::milliseconds(1));
    lane.tick();
    settle();
    REQUIRE(reports.size() == 2);
    CHECK(reports[1].failure == LaneFailure::timed_out);
    CHECK(is_shut(stream));
    CHECK(is_shut(far[0]));
}

TEST_CASE_METHOD(LaneTest,
    "store_lane: given a session that is over, when its channel is closed, then all of its connections end and no other's",
    "[edge][T-31][T-13][T-17]")
{
    auto const stream = connect();
    auto first = std::move(asker.channel);
    open(proto::LaneId{8});
    auto const other = connect();
    lane.close(kLane);
    settle();
    CHECK(is_shut(stream));
    CHECK_FALSE(is_shut(other));
    CHECK(ended == std::vector{kLane});
    REQUIRE(reports.size() == 3);
    CHECK(reports[2].failure == LaneFailure::cut);
    lane.close(kLane);
    CHECK(ended.size() == 1);
}

TEST_CASE_METHOD(LaneTest,
    "store_lane: given a broker that was taken over, when it says anything but its one word, then its way out is gone",
    "[edge][T-31][T-14]")
{
    auto const stream = connect();
    auto const type = static_cast<std::uint16_t>(proto::Type::lane_connect);
    auto const body = wire::encode(proto::LaneConnect{RequestId{2}});
    SECTION("a descriptor with it")
    {
        int const mine = stream.get();
        REQUIRE(helper::write_frame(asker.channel.get(), type, body, {&mine, 1}));
    }
    SECTION("a place with it")
    {
        auto longer = body;
        for (char const c : std::string_view("10.9.9.9:22")) longer.push_back(static_cast<std::byte>(c));
        REQUIRE(helper::write_frame(asker.channel.get(), type, longer, {}));
    }
    SECTION("the edge's word")
    {
        REQUIRE(helper::write_frame(asker.channel.get(), static_cast<std::uint16_t>(proto::Type::lane_open), body, {}));
    }
    SECTION("the dialler's word")
    {
        REQUIRE(helper::write_frame(asker.channel.get(), static_cast<std::uint16_t>(proto::Type::dial), body, {}));
    }
    SECTION("a question that is under way")
    {
        script = {Dial::is_silent};
        asker.ask(5);
        asker.ask(5);
    }
    SECTION("it is gone itself") { asker.channel.reset(); }
    settle();
    CHECK(is_shut(stream));
    CHECK(is_shut(far[0]));
    CHECK(ended == std::vector{kLane});
}

TEST_CASE_METHOD(
    LaneTest, "store_lane: given more channels than there may be, or a number twice, when opened, then refused", "[edge][T-31][T-06]")
{
    CHECK(lane.open(kLane, std::move(make_socket_pair().value().ours)).error().fault == Fault::conflict);
    std::vector<UniqueFd> held;
    for (std::size_t i = 1; i < edge::kLanesMax; ++i) {
        auto pair = make_socket_pair().value();
        held.push_back(std::move(pair.ours));
        REQUIRE(lane.open(proto::LaneId{100 + i}, std::move(pair.theirs)));
    }
    CHECK(lane.open(proto::LaneId{99}, std::move(make_socket_pair().value().ours)).error().fault == Fault::over_limit);
}

}  // namespace test_store_lane
