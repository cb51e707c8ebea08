// SPDX-License-Identifier: GPL-3.0-or-later
// The thread and its routes: what is decided, dialled, counted, cut.

#include "support/edge_stand.h"

namespace test_edge_thread {

TEST_CASE_METHOD(EdgeTest, "edge: given a lane, when nothing comes by it, then no process; at its first packet, one with all that it needs",
    "[edge][F8][T-13]")
{
    attach();
    CHECK(spawner.kinds.empty());
    first_packet();
    CHECK(spawner.kinds == std::vector{helper::Kind::edge});
    CHECK(spawner.slots == std::vector{Slot{9}});
    CHECK(spawner.given.size() == 4);
    CHECK(heard.channels == std::vector{kSession});
}

TEST_CASE_METHOD(EdgeTest, "edge: given what no rule names, when asked for, then refused with its reason, on record, and nothing is dialled",
    "[edge][EG-1][EG-6][T-05]")
{
    served();
    say(asked(1, "other.example"));
    CHECK(refused() == Reason::not_allowed);
    CHECK(uplink.has_nothing());
    auto const denied = recorder.of(What::egress_denied);
    REQUIRE(denied.size() == 1);
    CHECK(denied[0].reason == Reason::not_allowed);
    CHECK(denied[0].session == kSession);
    CHECK(denied[0].resource.view() == "other.example:" + std::to_string(wire.port));
}

TEST_CASE_METHOD(EdgeTest, "edge: given a rule, when a route is asked for, then it is on record before it is dialled", "[edge][EG-1][AU-1]")
{
    recorder.hold = true;
    served();
    say(asked());
    REQUIRE(recorder.of(What::egress_opened).size() == 1);
    CHECK(recorder.of(What::egress_opened)[0].detail.view() == "protocol=tls rule=one handling=splice");
    CHECK(uplink.has_nothing());
    loop.settle();
    auto done = std::move(recorder.waiting.at(0));
    static_cast<wire::Loop&>(loop).post([&done] { done(EventNumber{1}); });
    loop.settle();
    auto const dial = uplink.take<proto::Dial>();
    CHECK(dial.name.view() == "one.example");
    CHECK(dial.ranges.items().size() == 1);
    answer(dial.request);
    std::vector<UniqueFd> descriptors;
    auto const opened = spawner.peer.take<proto::RouteOpened>(&descriptors);
    CHECK(opened.handling == proto::Handling::splice);
    CHECK(descriptors.size() == 1);
}

TEST_CASE_METHOD(EdgeTest, "edge: given connections that speak in another order, when routes are asked for, then no violation", "[edge][EG-2]")
{
    served();
    say(asked(7, "other.example"));
    say(asked(3, "other.example"));
    CHECK(refused() == Reason::not_allowed);
    CHECK(refused() == Reason::not_allowed);
    CHECK(recorder.of(What::helper_violation).empty());
    (void)open(asked(2));
    say(asked(2));  // one that is open already
    CHECK(recorder.of(What::helper_violation).size() == 1);
}

TEST_CASE_METHOD(EdgeTest, "edge: given what cannot be recorded, when a route is asked for, then it is refused and not dialled",
    "[edge][EG-12][T-10]")
{
    served();
    recorder.broken = true;
    say(asked());
    CHECK(refused() == Reason::audit_unavailable);
    CHECK(uplink.has_nothing());
}

TEST_CASE_METHOD(EdgeTest, "edge: given no uplink, when a route is asked for, then it is refused; one that was being dialled as well",
    "[edge][EG-12]")
{
    attach();
    first_packet();
    spawner.peer.send_raw(helper::kReadyType, {});
    say(asked());
    CHECK(refused() == Reason::edge_draining);
    uplink_up();
    say(asked(2));
    (void)uplink.take<proto::Dial>();
    core_in.send(proto::HelperDown{helper::Kind::uplink});
    loop.settle();
    CHECK(refused() == Reason::edge_draining);
}

TEST_CASE_METHOD(EdgeTest, "edge: given an uplink that hands over a connection to elsewhere, when it is looked at, then the guest does not get it",
    "[edge][T-05][T-14]")
{
    served();
    say(asked());
    auto const dial = uplink.take<proto::Dial>();
    Wire other;  // another port
    int const lent = other.near.get();
    uplink.send_raw(static_cast<std::uint16_t>(proto::Type::dialled), wire::encode(proto::Dialled{dial.request, "127.0.0.1"}), {&lent, 1});
    loop.settle();
    CHECK(refused() == Reason::address_denied);
}

TEST_CASE_METHOD(EdgeTest, "edge: given a dial that fails, when told, then the guest hears whether it was refused or cannot be reached",
    "[edge][EG-3][EG-6]")
{
    served();
    std::uint64_t connection = 0;
    for (auto const& [failure, reason] : {std::pair(proto::DialFailure::denied, Reason::address_denied),
             std::pair(proto::DialFailure::no_such_name, Reason::none), std::pair(proto::DialFailure::over_limit, Reason::rate_exceeded)}) {
        say(asked(++connection));
        uplink.send(proto::DialFailed{uplink.take<proto::Dial>().request, failure, {}});
        loop.settle();
        CHECK(refused() == reason);
    }
    CHECK(recorder.of(What::egress_closed).size() == 3);
}

TEST_CASE_METHOD(EdgeTest, "edge: given an open route, when its session is severed, then the socket is shut at once, without the helper",
    "[edge][T-13][T-17]")
{
    served();
    (void)open(asked());
    CHECK_FALSE(wire.is_shut());
    control_in.send(proto::SessionSever{kSession});
    loop.settle();
    // The helper's own descriptor is still open here: it is the connection that ended.
    CHECK(wire.is_shut());
    CHECK(heard.over == std::vector{kSession});
    auto const closed = recorder.of(What::egress_closed);
    REQUIRE(closed.size() == 1);
    CHECK(closed[0].reason == Reason::session_denied);
    attach();
    first_packet();
    CHECK(spawner.kinds.size() == 1);
}

TEST_CASE_METHOD(EdgeTest, "edge: given sever comes before attach, when attached, then nothing is ever served", "[edge][T-17]")
{
    control_in.send(proto::SessionSever{kSession});
    attach();
    first_packet();
    CHECK(spawner.kinds.empty());
}

TEST_CASE_METHOD(EdgeTest, "edge: given an open route, when the lane is detached or the helper dies, then the socket is shut and it is on record",
    "[edge][T-13][T-14]")
{
    served();
    (void)open(asked());
    SECTION("detached")
    {
        sandbox_in.send(proto::LaneDetach{kSession});
        loop.settle();
        CHECK(heard.over.size() == 1);
    }
    SECTION("the helper dies")
    {
        spawner.peer.close();
        loop.settle();
        CHECK(recorder.of(What::helper_death).size() == 1);
    }
    CHECK(wire.is_shut());
    CHECK(recorder.of(What::egress_closed).size() == 1);
}

TEST_CASE_METHOD(EdgeTest, "edge: given bytes over a route, when it ends, then the record says how many, by the kernel's count", "[edge][EG-10][T-14]")
{
    served();
    (void)open(asked());
    REQUIRE(::send(socket.get(), "12345", 5, 0) == 5);
    REQUIRE(::send(wire.far.get(), "123", 3, 0) == 3);
    char bytes[8];
    REQUIRE(::recv(socket.get(), bytes, sizeof bytes, 0) == 3);
    clock.advance(std::chrono::milliseconds(1500));
    say(proto::ConnectionEnded{ConnectionId{1}, Reason::none, 1, 1, {}});
    auto const closed = recorder.of(What::egress_closed);
    REQUIRE(closed.size() == 1);
    CHECK(closed[0].bytes == 8);
    CHECK(closed[0].duration_ms == 1500);
    CHECK(closed[0].detail.view() == "up=5 down=3 address=127.0.0.1");
    CHECK(wire.is_shut());
}

struct Budgeted : EdgeTest {
    Budgeted() : EdgeTest([](edge::Config& c) { c.rules[0].budget_bytes = 8; }) {}
};

TEST_CASE_METHOD(Budgeted, "edge: given a rule's budget, when it is spent, then the connection is cut and the next refused, other rules go on",
    "[edge][EG-10]")
{
    served();
    (void)open(asked());
    REQUIRE(::send(socket.get(), "123456789", 9, 0) == 9);
    CHECK(spawner.peer.take<proto::ConnectionCut>().connection == ConnectionId{1});
    loop.settle();
    CHECK(wire.is_shut());
    CHECK(recorder.of(What::egress_closed).at(0).reason == Reason::budget_exceeded);
    say(asked(2));
    CHECK(refused() == Reason::budget_exceeded);
    say(asked(3, "two.example"));
    CHECK(uplink.take<proto::Dial>().name.view() == "two.example");
    // The helper's last word about what was cut is no violation.
    say(proto::ConnectionEnded{ConnectionId{1}, Reason::none, 0, 0, {}});
    CHECK(recorder.of(What::helper_violation).empty());
}

struct Tripping : EdgeTest {
    Tripping()
        : EdgeTest([](edge::Config& c) {
              c.tripwire.destinations = 1;
              c.tripwire.kill = true;
          })
    {}
};

TEST_CASE_METHOD(Tripping, "edge: given a tripwire that ends, when it is reached, then told once, all is cut, and nothing more let through",
    "[edge][EG-10]")
{
    served();
    (void)open(asked());
    say(asked(2, "two.example"));
    CHECK(wire.is_shut());
    auto const told = recorder.of(What::tripwire);
    REQUIRE(told.size() == 1);
    CHECK(told[0].resource.view() == "destinations");
    (void)spawner.peer.take<proto::ConnectionCut>();
    CHECK(refused() == Reason::rate_exceeded);
    say(asked(3));
    CHECK(refused() == Reason::rate_exceeded);
    say(proto::NameAsked{RequestId{1}, "one.example"});
    CHECK(spawner.peer.take<proto::NameDecided>().reason == Reason::rate_exceeded);
}

TEST_CASE_METHOD(EdgeTest, "edge: given an open route, when its session ends, then control is told the kernel's count of it, once",
    "[edge][AU-1][T-37]")
{
    served();
    (void)open(asked());
    REQUIRE(::send(socket.get(), "12345", 5, 0) == 5);
    char got[8];
    REQUIRE(::recv(wire.far.get(), got, sizeof got, 0) == 5);
    REQUIRE(::send(wire.far.get(), "123", 3, 0) == 3);
    REQUIRE(::recv(socket.get(), got, sizeof got, 0) == 3);
    SECTION("severed") { control_in.send(proto::SessionSever{kSession}); }
    SECTION("detached") {}
    SECTION("its route closed before") { say(proto::ConnectionEnded{ConnectionId{1}, {}, 0, 0, {}}); }
    sandbox_in.send(proto::LaneDetach{kSession});
    loop.settle();
    REQUIRE_FALSE(traffic.empty());
    CHECK(std::ranges::count(traffic, proto::Telling::last, &proto::SessionTraffic::telling) == 1);
    auto const& last = traffic.back();
    CHECK(last.session == kSession);
    CHECK(last.telling == proto::Telling::last);
    CHECK(last.up == 5);
    CHECK(last.down == 3);
}

}  // namespace test_edge_thread
