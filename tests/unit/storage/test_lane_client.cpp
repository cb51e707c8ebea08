// SPDX-License-Identifier: GPL-3.0-or-later
// Units: lane_client with a lane that the test plays on a thread, lane_supplies.

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <thread>

#include "helper/frame.h"
#include "storage/lane_client.h"
#include "storage/lane_supplies.h"
#include "support/role_peer.h"

namespace test_lane_client {

using namespace ocu;
using namespace ocu::storage;
using std::chrono::milliseconds;

constexpr milliseconds kPatience{5'000};

struct ClientTest {
    ClientTest() : pair(make_socket_pair().value()), client(std::move(pair.theirs), kPatience) {}

    // The lane's end of a channel that is on its way.
    UniqueFd supply()
    {
        auto channel = make_socket_pair().value();
        int const theirs = channel.theirs.get();
        REQUIRE(helper::write_frame(pair.ours.get(), static_cast<std::uint16_t>(proto::Type::lane_channel), {}, {&theirs, 1}));
        return std::move(channel.ours);
    }
    // Answers one question.
    static void answer(int channel, bool with_stream, std::uint64_t shift = 0)
    {
        auto const asked = helper::read_frame(channel, 64, kPatience);
        if (!asked) return;
        auto const request = wire::decode<proto::LaneConnect>(asked->body)->request;
        if (!with_stream) {
            auto const body = wire::encode(proto::LaneFailed{request, proto::LaneFailure::unreachable});
            (void)helper::write_frame(channel, static_cast<std::uint16_t>(proto::Type::lane_failed), body, {});
            return;
        }
        auto const stream = make_socket_pair().value();
        int const theirs = stream.theirs.get();
        auto const body = wire::encode(proto::LaneOpened{RequestId{request.value + shift}});
        (void)::send(stream.ours.get(), "x", 1, 0);
        (void)helper::write_frame(channel, static_cast<std::uint16_t>(proto::Type::lane_opened), body, {&theirs, 1});
    }

    SocketPair pair;
    LaneClient client;
};

TEST_CASE_METHOD(ClientTest, "lane_client: given a lane that connects, when a connection is asked for, then a stream that blocks",
    "[storage][T-31][SB-4]")
{
    auto const channel = supply();
    std::thread lane([&] {
        answer(channel.get(), true);
        answer(channel.get(), true);
    });
    for (int i = 0; i < 2; ++i) {
        auto const stream = client.connect();
        REQUIRE(stream);
        CHECK((::fcntl(stream->get(), F_GETFL) & O_NONBLOCK) == 0);
        char byte = 0;
        CHECK(::recv(stream->get(), &byte, 1, 0) == 1);
    }
    lane.join();
}

TEST_CASE_METHOD(ClientTest,
    "lane_client: given a lane that says no, when asked, then EIO at once, and the channel is good for another question",
    "[storage][T-31][SB-9]")
{
    auto const channel = supply();
    std::thread lane([&] {
        answer(channel.get(), false);
        answer(channel.get(), true);
    });
    CHECK(client.connect().error() == EIO);
    CHECK(client.connect().has_value());
    lane.join();
}

TEST_CASE_METHOD(
    ClientTest, "lane_client: given a lane that ended and one that began, when asked, then the newest is asked", "[storage][T-31][SB-9]")
{
    (void)supply();
    (void)supply();
    auto const channel = supply();
    std::thread lane([&] { answer(channel.get(), true); });
    CHECK(client.connect().has_value());
    lane.join();
}

TEST_CASE_METHOD(ClientTest, "lane_client: given a lane that ends with the question, when another begins, then it is asked again",
    "[storage][T-31][SB-9]")
{
    auto first = supply();
    std::thread lane([&] {
        auto const asked = helper::read_frame(first.get(), 64, kPatience);
        first.reset();
        auto const channel = supply();
        answer(channel.get(), true);
    });
    CHECK(client.connect().has_value());
    lane.join();
}

TEST_CASE_METHOD(ClientTest, "lane_client: given no lane, when its patience is over or the core is gone, then EIO", "[storage][T-31][SB-9]")
{
    SECTION("nothing comes")
    {
        auto other = make_socket_pair().value();
        LaneClient impatient(std::move(other.theirs), milliseconds(1));
        CHECK(impatient.connect().error() == EIO);
    }
    SECTION("nothing comes, and it was waited for already")
    {
        auto other = make_socket_pair().value();
        LaneClient once(std::move(other.theirs), milliseconds(100));
        CHECK(once.connect().error() == EIO);
        SystemClock const clock;
        auto const before = clock.now();
        for (int i = 0; i < 50; ++i) CHECK(once.connect().error() == EIO);
        CHECK(clock.now() - before < milliseconds(50 * 100));
    }
    SECTION("the supply is gone")
    {
        pair.ours.reset();
        CHECK(client.connect().error() == EIO);
    }
}

TEST_CASE_METHOD(ClientTest, "lane_client: given an answer to another question, when it comes, then that channel is not used again",
    "[storage][T-31][T-14]")
{
    auto const channel = supply();
    std::thread lane([&] { answer(channel.get(), true, 5); });
    lane.join();
    std::thread confused([&] { answer(channel.get(), true, 5); });
    auto const next = make_socket_pair().value();
    std::thread ending([&] {
        confused.join();
        pair.ours.reset();
    });
    CHECK(client.connect().error() == EIO);
    ending.join();
    char byte = 0;
    CHECK(::recv(channel.get(), &byte, 1, MSG_DONTWAIT) == 0);
}

struct SuppliesTest {
    SuppliesTest()
    {
        edge.on_message([this](proto::StorageToEdge::Message message) {
            if (auto* const wanted = std::get_if<proto::StoreLaneWanted>(&message))
                wants.push_back(std::move(*wanted));
            else
                overs.push_back(std::get<proto::StoreLaneOver>(message).lane);
        });
    }
    ~SuppliesTest() { loop.finish(); }

    UniqueFd begin(SessionId session, proto::LaneUse use = proto::LaneUse::serve)
    {
        std::promise<UniqueFd> end;
        static_cast<wire::Loop&>(loop).post([&] { end.set_value(supplies->begin(session, use, [this] { ++violations; }).value()); });
        auto out = end.get_future().get();
        loop.settle();
        return out;
    }
    void run(std::function<void()> act)
    {
        static_cast<wire::Loop&>(loop).post(std::move(act));
        loop.settle();
    }

    test::LoopThread loop;
    proto::StorageToEdge edge{loop};
    std::vector<proto::StoreLaneWanted> wants;
    std::vector<proto::LaneId> overs;
    int violations = 0;
    std::unique_ptr<LaneSupplies> supplies = std::make_unique<LaneSupplies>(loop, edge);
};

TEST_CASE_METHOD(SuppliesTest,
    "lane_supplies: given a session and its sweep, when the lane begins anew, then each gets a channel of its own, and gives up the old",
    "[storage][T-31]")
{
    auto const serve = begin(SessionId{5});
    auto const sweep = begin(SessionId{5}, proto::LaneUse::sweep);
    REQUIRE(wants.size() == 2);
    CHECK(wants[0].session == SessionId{5});
    CHECK(wants[0].use == proto::LaneUse::serve);
    CHECK(wants[1].use == proto::LaneUse::sweep);
    CHECK(wants[0].lane != wants[1].lane);
    run([this] { supplies->lane_up(); });
    REQUIRE(wants.size() == 4);
    CHECK(overs == std::vector{wants[0].lane, wants[1].lane});
    // What was made is one channel: one end here, the other over there.
    for (int i = 0; i < 2; ++i) {
        auto const frame = helper::read_frame(serve.get(), 0, milliseconds(0));
        REQUIRE(frame);
        REQUIRE(frame->descriptors.size() == 1);
        CHECK(::send(frame->descriptors[0].get(), "x", 1, 0) == 1);
        char byte = 0;
        CHECK(::recv(wants[i == 0 ? 0 : 2].end.get(), &byte, 1, MSG_DONTWAIT) == 1);
    }
    run([this] { supplies->end(SessionId{5}, proto::LaneUse::serve); });
    CHECK(overs.back() == wants[2].lane);
    run([this] { supplies->lane_up(); });
    CHECK(wants.size() == 5);
    CHECK(violations == 0);
}

TEST_CASE_METHOD(
    SuppliesTest, "lane_supplies: given a broker that says something on its supply, when heard, then a violation", "[storage][T-31][T-14]")
{
    auto const end = begin(SessionId{5});
    REQUIRE(helper::write_frame(end.get(), static_cast<std::uint16_t>(proto::Type::lane_channel), {}, {}));
    loop.settle();
    CHECK(violations == 1);
}

}  // namespace test_lane_client
