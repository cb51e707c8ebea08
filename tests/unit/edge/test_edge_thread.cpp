// SPDX-License-Identifier: GPL-3.0-or-later
// The role's thread between its mailboxes and a helper that the test plays.

#include <catch2/catch_test_macros.hpp>

#include <sys/eventfd.h>
#include <sys/stat.h>

#include "edge/edge.h"
#include "proto/edge_helper_to_edge.h"
#include "proto/storage_lane_to_edge.h"
#include "support/role_peer.h"

namespace test_edge_thread {

using namespace ocu;

constexpr SessionId kSession{5};

struct EdgeTest {
    ~EdgeTest() { loop.finish(); }
    void helper_up()
    {
        core_in.send(proto::HelperUp{helper::Kind::edge, peer.connect(), {}});
        loop.settle();
    }
    void attach(SessionId session = kSession)
    {
        sandbox_in.send(proto::LaneAttach{session, UniqueFd(::eventfd(0, EFD_CLOEXEC)), UniqueFd(::eventfd(0, EFD_CLOEXEC))});
        loop.settle();
    }
    void denied(SessionId session = kSession, std::string name = "example.org", std::uint32_t count = 1,
        proto::Reason reason = proto::Reason::not_allowed, proto::EgressProtocol protocol = proto::EgressProtocol::http)
    {
        proto::EgressDenied event;
        event.session = session;
        event.protocol = protocol;
        event.reason = reason;
        event.destination = "192.0.2.1";
        event.port = 8080;
        event.name = wire::Text<256>(std::move(name));
        event.count = count;
        peer.send(event);
        loop.settle();
    }

    test::LoopThread loop;
    ManualClock clock;
    proto::CoreToRole core_in{loop};
    proto::SandboxToEdge sandbox_in{loop};
    proto::ControlToEdge control_in{loop};
    test::Recorder recorder;
    test::Spawner spawner;
    test::HelperPeer peer;
    bool stopped = false;
    edge::Edge edge{loop, clock, {core_in, sandbox_in, control_in, recorder, spawner, [this] { stopped = true; }}};
};

TEST_CASE_METHOD(EdgeTest, "edge: given a helper, when a lane is attached, then the helper gets it with two sockets", "[edge][F8]")
{
    helper_up();
    attach();
    std::vector<UniqueFd> descriptors;
    CHECK(peer.take<proto::LaneOpen>(&descriptors).session == kSession);
    CHECK(descriptors.size() == 2);
}

TEST_CASE_METHOD(EdgeTest, "edge: given a lane, when the helper is restarted, then the new one gets the lane again", "[edge][EG-12]")
{
    helper_up();
    attach();
    (void)peer.take<proto::LaneOpen>();
    core_in.send(proto::HelperDown{helper::Kind::edge});
    loop.settle();
    helper_up();
    CHECK(peer.take<proto::LaneOpen>().session == kSession);
    CHECK(spawner.violations.empty());
}

TEST_CASE_METHOD(
    EdgeTest, "edge: given no helper, when a lane is attached and detached, then a later helper hears nothing of it", "[edge][T-13]")
{
    attach();
    sandbox_in.send(proto::LaneDetach{kSession});
    loop.settle();
    helper_up();
    CHECK(peer.has_nothing());
}

TEST_CASE_METHOD(
    EdgeTest, "edge: given a lane, when its session is severed, then the helper closes it and it cannot come back", "[edge][T-13][T-17]")
{
    helper_up();
    attach();
    (void)peer.take<proto::LaneOpen>();
    control_in.send(proto::SessionSever{kSession});
    loop.settle();
    CHECK(peer.take<proto::LaneClose>().session == kSession);
    peer.send(proto::LaneClosed{kSession});
    attach();
    CHECK(peer.has_nothing());
}

TEST_CASE_METHOD(EdgeTest, "edge: given sever comes before attach, when attached, then the lane is not opened", "[edge][T-17]")
{
    helper_up();
    control_in.send(proto::SessionSever{kSession});
    attach();
    CHECK(peer.has_nothing());
}

TEST_CASE_METHOD(
    EdgeTest, "edge: given a refusal, when the helper tells it, then it is recorded with who, where and why", "[edge][EG-6][AU-1]")
{
    helper_up();
    attach();
    denied();
    REQUIRE(recorder.events.size() == 1);
    auto const& event = recorder.events[0];
    CHECK(event.what == proto::What::egress_denied);
    CHECK(event.outcome == proto::Outcome::failure);
    CHECK(event.reason == proto::Reason::not_allowed);
    CHECK(event.session == kSession);
    CHECK(event.actor.view() == "guest");
    CHECK(event.resource.view() == "192.0.2.1:8080");
    CHECK(event.number == 8080);
    CHECK(event.detail.view() == "protocol=http count=1 name=example.org");
}

TEST_CASE_METHOD(
    EdgeTest, "edge: given a name that was refused, when the helper tells it, then a DNS event with the name", "[edge][EG-4][AU-1]")
{
    helper_up();
    attach();
    denied(kSession, "never.example", 1, proto::Reason::not_allowed, proto::EgressProtocol::dns);
    REQUIRE(recorder.events.size() == 1);
    CHECK(recorder.events[0].what == proto::What::dns_denied);
    CHECK(recorder.events[0].resource.view() == "never.example");
}

TEST_CASE_METHOD(EdgeTest,
    "edge: given a helper that tells more than it should, when the lane closes, then few events and every refusal counted",
    "[edge][T-06][T-10][T-14]")
{
    helper_up();
    attach();
    for (int i = 0; i < 200; ++i) denied();
    CHECK(recorder.events.size() == 1);
    sandbox_in.send(proto::LaneDetach{kSession});
    loop.settle();
    peer.send(proto::LaneClosed{kSession});
    loop.settle();
    REQUIRE(recorder.events.size() == 2);
    CHECK(recorder.events[1].detail.view() == "protocol=http count=199 name=example.org");
}

TEST_CASE_METHOD(EdgeTest, "edge: given a word about a session that has no lane, when the helper says it, then a violation and no event",
    "[edge][T-05][T-14]")
{
    helper_up();
    attach();
    denied(SessionId{6});
    CHECK(spawner.violations == std::vector{helper::Kind::edge});
    CHECK(recorder.events.empty());
}

TEST_CASE_METHOD(
    EdgeTest, "edge: given a word that is not well formed, when the helper says it, then a violation and no event", "[edge][T-09][T-14]")
{
    helper_up();
    attach();
    SECTION("text that could forge a line") { denied(kSession, "a\nb"); }
    SECTION("no refusal") { denied(kSession, "a", 0); }
    SECTION("no reason") { denied(kSession, "a", 1, proto::Reason::none); }
    SECTION("a reason of another role") { denied(kSession, "a", 1, proto::Reason::unauthorized); }
    SECTION("a lane that never was is closed")
    {
        peer.send(proto::LaneClosed{SessionId{9}});
        loop.settle();
    }
    SECTION("a frame of another arrow")
    {
        peer.send(proto::LaneClose{kSession});
        loop.settle();
    }
    CHECK(spawner.violations == std::vector{helper::Kind::edge});
    CHECK(recorder.events.empty());
}

TEST_CASE_METHOD(EdgeTest,
    "edge: given a lane being closed, when a last word about it arrives, then it is recorded, and none after the helper is done",
    "[edge][T-10][T-14]")
{
    helper_up();
    attach();
    sandbox_in.send(proto::LaneDetach{kSession});
    loop.settle();
    denied();
    CHECK(recorder.events.size() == 1);
    peer.send(proto::LaneClosed{kSession});
    loop.settle();
    denied();
    CHECK(recorder.events.size() == 1);
    CHECK(spawner.violations == std::vector{helper::Kind::edge});
}

TEST_CASE_METHOD(
    EdgeTest, "storage_lane: given a helper that reports a destination or speaks, when heard, then a violation", "[edge][T-14]")
{
    SECTION("reports a destination")
    {
        core_in.send(proto::HelperUp{helper::Kind::storage_lane, peer.connect(), wire::encode(proto::StorageLaneReport{1})});
        loop.settle();
    }
    SECTION("speaks")
    {
        core_in.send(proto::HelperUp{helper::Kind::storage_lane, peer.connect(), wire::encode(proto::StorageLaneReport{0})});
        loop.settle();
        CHECK(spawner.violations.empty());
        peer.send_raw(0x0240, {});
        loop.settle();
    }
    CHECK(spawner.violations == std::vector{helper::Kind::storage_lane});
}

TEST_CASE_METHOD(EdgeTest, "edge: given it is told to stop, when refusals wait, then they are recorded and it says so", "[edge][T-10]")
{
    helper_up();
    attach();
    denied();
    denied();
    core_in.send(proto::StopRole{});
    loop.settle();
    CHECK(stopped);
    CHECK(recorder.events.size() == 2);
}

}  // namespace test_edge_thread
