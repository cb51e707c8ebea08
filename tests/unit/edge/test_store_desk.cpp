// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: store_desk, within the edge's thread: whose a channel is, and what is on record.

#include "support/edge_stand.h"

namespace test_store_desk {

using namespace test_edge_thread;
using proto::LaneDeed;
using proto::LaneFailure;
using proto::LaneId;
using proto::LaneUse;
using proto::StoreHealth;

struct DeskTest : EdgeTest {
    explicit DeskTest(std::function<void(edge::Config&)> with) : EdgeTest(std::move(with)) {}
    DeskTest() : DeskTest([](edge::Config& with) { with.store = {{"10.0.0.1", "10.0.0.2"}, 9000, false}; }) {}
    void lane_up(std::uint32_t destinations = 2)
    {
        core_in.send(proto::HelperUp{helper::Kind::storage_lane, peer.connect(), wire::encode(proto::StorageLaneReport{destinations})});
        loop.settle();
    }
    void lane_down()
    {
        core_in.send(proto::HelperDown{helper::Kind::storage_lane});
        loop.settle();
    }
    // The asker's end of a channel that is asked for.
    UniqueFd want(std::uint64_t lane, LaneUse use = LaneUse::serve, SessionId session = kSession)
    {
        auto pair = make_socket_pair().value();
        storage_in.send(proto::StoreLaneWanted{LaneId{lane}, session, use, std::move(pair.theirs)});
        loop.settle();
        return std::move(pair.ours);
    }
    void given(std::uint64_t lane)
    {
        std::vector<UniqueFd> descriptors;
        CHECK(peer.take<proto::LaneOpen>(&descriptors).lane == LaneId{lane});
        CHECK(descriptors.size() == 1);
        held.push_back(std::move(descriptors[0]));
    }
    void report(proto::LaneConnection const& each)
    {
        peer.send(each);
        loop.settle();
    }
    static bool is_closed(UniqueFd const& fd)
    {
        char byte = 0;
        return ::recv(fd.get(), &byte, 1, MSG_DONTWAIT) == 0;
    }
    bool violated() const { return spawner.violations == std::vector{helper::Kind::storage_lane}; }

    test::HelperPeer peer;
    std::vector<UniqueFd> held;
};

proto::LaneConnection opened(std::uint64_t lane, std::uint64_t connection, std::uint8_t place = 0)
{
    return {.lane = LaneId{lane}, .connection = ConnectionId{connection}, .deed = LaneDeed::opened, .place = place};
}

struct ColdDeskTest : DeskTest {
    ColdDeskTest() : DeskTest([](edge::Config& with) { with.cold = {{"10.9.0.1"}, 443, false}; }) {}
    UniqueFd want_cold()
    {
        auto pair = make_socket_pair().value();
        audit_in.send(proto::ColdLaneWanted{std::move(pair.theirs)});
        loop.settle();
        return std::move(pair.ours);
    }
};

TEST_CASE_METHOD(ColdDeskTest, "store_desk: given a cold tier and no other store, when audit wants a channel, then it leads there, is on record, and says nothing of a store",
    "[edge][T-43]")
{
    lane_up(1);
    auto const before = store.health;
    auto const end = want_cold();
    std::vector<UniqueFd> descriptors;
    auto const open = peer.take<proto::LaneOpen>(&descriptors);
    CHECK(open.cold);
    report(opened(open.lane.value, 1));
    CHECK(store.health == before);
    REQUIRE(!recorder.events.empty());
    CHECK(recorder.events.back().resource.view() == "10.9.0.1:443");
    CHECK(recorder.events.back().detail.view() == "use=cold");
    CHECK(recorder.events.back().number == 443);
    // Storage has no store here, and its word for a channel does not lead there.
    CHECK(is_closed(want(1)));
    CHECK(is_closed(want(2, LaneUse::cold)));
    CHECK_FALSE(violated());
}

TEST_CASE_METHOD(DeskTest, "store_desk: given no cold tier, when audit wants a channel, then it is closed", "[edge][T-43]")
{
    lane_up();
    auto pair = make_socket_pair().value();
    audit_in.send(proto::ColdLaneWanted{std::move(pair.theirs)});
    loop.settle();
    CHECK(is_closed(pair.ours));
}

TEST_CASE_METHOD(DeskTest, "store_desk: given a lane, when a session's broker has connections, then each is on record under its session",
    "[edge][T-31][SB-8]")
{
    loop.settle();
    CHECK(store.health == StoreHealth::down);
    lane_up();
    CHECK(store.health == StoreHealth::untried);
    CHECK(times_lane_up == 1);
    auto const end = want(1);
    given(1);
    CHECK_FALSE(is_closed(end));
    report(opened(1, 1, 1));
    CHECK(store.health == StoreHealth::reached);
    CHECK(store.connections == 1);
    report({.lane = LaneId{1},
        .connection = ConnectionId{1},
        .deed = LaneDeed::closed,
        .place = 1,
        .bytes_up = 10,
        .bytes_down = 5,
        .lasted = std::chrono::milliseconds(70)});
    CHECK(store.connections == 0);
    auto const begun = recorder.of(What::backend_opened);
    auto const done = recorder.of(What::backend_closed);
    REQUIRE(begun.size() == 1);
    REQUIRE(done.size() == 1);
    CHECK(begun[0].session == kSession);
    CHECK(begun[0].resource.view() == "10.0.0.2:9000");
    CHECK(begun[0].number == 9000);
    CHECK(done[0].bytes == 15);
    CHECK(done[0].duration_ms == 70);
    CHECK(done[0].detail.view() == "use=serve up=10 down=5");
    CHECK(spawner.violations.empty());
}

TEST_CASE_METHOD(DeskTest,
    "store_desk: given failures, when reported, then on record with their reason, and the store is said to fail until it answers",
    "[edge][T-31][SB-9]")
{
    lane_up();
    auto const end = want(1);
    given(1);
    report({.lane = LaneId{1}, .connection = {}, .deed = LaneDeed::failed, .failure = LaneFailure::over_limit, .count = 4});
    CHECK(store.health == StoreHealth::untried);
    report({.lane = LaneId{1}, .connection = {}, .deed = LaneDeed::failed, .failure = LaneFailure::own_address});
    CHECK(store.health == StoreHealth::failing);
    auto const failed = recorder.of(What::backend_failed);
    REQUIRE(failed.size() == 2);
    CHECK(failed[0].reason == Reason::rate_exceeded);
    CHECK(failed[0].detail.view() == "use=serve count=4 why=over_limit");
    CHECK(failed[1].reason == Reason::address_denied);
    CHECK(failed[1].outcome == proto::Outcome::failure);
    report(opened(1, 1));
    CHECK(store.health == StoreHealth::reached);
}

TEST_CASE_METHOD(DeskTest, "store_desk: given a lane that says what cannot be, when heard, then a violation", "[edge][T-31][T-14][T-09]")
{
    lane_up();
    auto const end = want(1);
    given(1);
    report(opened(1, 5));
    SECTION("of a channel that is not there") { report(opened(2, 6)); }
    SECTION("a place that is not declared") { report(opened(1, 6, 2)); }
    SECTION("a number again") { report(opened(1, 5)); }
    SECTION("a number below") { report(opened(1, 4)); }
    SECTION("an end of none") { report({.lane = LaneId{1}, .connection = ConnectionId{6}, .deed = LaneDeed::closed}); }
    SECTION("an end elsewhere") { report({.lane = LaneId{1}, .connection = ConnectionId{5}, .deed = LaneDeed::closed, .place = 1}); }
    SECTION("a failure of no kind") { report({.lane = LaneId{1}, .connection = {}, .deed = LaneDeed::failed}); }
    SECTION("a failure of a connection")
    {
        report({.lane = LaneId{1}, .connection = ConnectionId{5}, .deed = LaneDeed::failed, .failure = LaneFailure::unreachable});
    }
    SECTION("a failure of no count")
    {
        report({.lane = LaneId{1}, .connection = {}, .deed = LaneDeed::failed, .failure = LaneFailure::unreachable, .count = 0});
    }
    SECTION("gone with a connection open") { peer.send(proto::LaneGone{LaneId{1}}); }
    SECTION("gone that was not there") { peer.send(proto::LaneGone{LaneId{3}}); }
    SECTION("another word") { peer.send_raw(static_cast<std::uint16_t>(proto::Type::lane_connect), {}); }
    loop.settle();
    CHECK(violated());
    CHECK(store.health == StoreHealth::down);
}

TEST_CASE_METHOD(DeskTest,
    "store_desk: given another number of destinations than the manifest's, when the lane reports it, then a violation",
    "[edge][T-31][T-14]")
{
    lane_up(1);
    CHECK(violated());
    CHECK(times_lane_up == 0);
}

TEST_CASE_METHOD(DeskTest,
    "store_desk: given a severed session, when a way is wanted, then what serves it gets none, and what sweeps after it does",
    "[edge][T-31][T-17]")
{
    lane_up();
    auto const before = want(1);
    given(1);
    control_in.send(proto::SessionSever{kSession});
    loop.settle();
    CHECK(peer.take<proto::LaneClose>().lane == LaneId{1});
    CHECK(is_closed(want(2)));
    CHECK(peer.has_nothing());
    auto const sweep = want(3, LaneUse::sweep);
    given(3);
    CHECK_FALSE(is_closed(sweep));
    auto const other = want(4, LaneUse::serve, SessionId{99});
    given(4);
}

TEST_CASE_METHOD(DeskTest, "store_desk: given a lane that is over, when it has said so, then its number is forgotten", "[edge][T-31][T-13]")
{
    lane_up();
    auto const end = want(1);
    given(1);
    storage_in.send(proto::StoreLaneOver{LaneId{1}});
    loop.settle();
    CHECK(peer.take<proto::LaneClose>().lane == LaneId{1});
    peer.send(proto::LaneGone{LaneId{1}});
    loop.settle();
    storage_in.send(proto::StoreLaneOver{LaneId{1}});
    loop.settle();
    CHECK(peer.has_nothing());
    CHECK(spawner.violations.empty());
}

TEST_CASE_METHOD(DeskTest,
    "store_desk: given a lane that ends, when it is there again, then what was open is on record and storage is told",
    "[edge][T-31][EG-12]")
{
    lane_up();
    auto const end = want(1);
    given(1);
    report(opened(1, 5));
    lane_down();
    auto const done = recorder.of(What::backend_closed);
    REQUIRE(done.size() == 1);
    CHECK(done[0].outcome == proto::Outcome::failure);
    CHECK(store.health == StoreHealth::down);
    CHECK(is_closed(want(2)));
    lane_up();
    CHECK(times_lane_up == 2);
    auto const again = want(3);
    given(3);
    report(opened(3, 1));
    CHECK(spawner.violations.empty());
}

TEST_CASE_METHOD(EdgeTest, "store_desk: given files that stay here, when a way is wanted all the same, then there is none", "[edge][T-31]")
{
    test::HelperPeer peer;
    core_in.send(proto::HelperUp{helper::Kind::storage_lane, peer.connect(), wire::encode(proto::StorageLaneReport{})});
    auto pair = make_socket_pair().value();
    storage_in.send(proto::StoreLaneWanted{LaneId{1}, kSession, LaneUse::serve, std::move(pair.theirs)});
    loop.settle();
    CHECK(DeskTest::is_closed(pair.ours));
    CHECK(peer.has_nothing());
    CHECK(store.health == StoreHealth::none);
    CHECK(times_lane_up == 0);
}

}  // namespace test_store_desk
