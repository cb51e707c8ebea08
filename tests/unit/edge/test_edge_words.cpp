// SPDX-License-Identifier: GPL-3.0-or-later
// The thread and its peers' words: names, requests, leases, refusals, and those that end a helper.

#include "support/edge_stand.h"

namespace test_edge_thread {

TEST_CASE_METHOD(EdgeTest, "edge: given names, when asked for, then only those of rules; a refusal is a DNS event", "[edge][EG-4][AU-1]")
{
    served();
    say(proto::NameAsked{RequestId{1}, "one.example"});
    CHECK(spawner.peer.take<proto::NameDecided>().reason == Reason::none);
    say(proto::NameAsked{RequestId{2}, "never.example"});
    CHECK(spawner.peer.take<proto::NameDecided>().reason == Reason::not_allowed);
    auto const denied = recorder.of(What::dns_denied);
    REQUIRE(denied.size() == 1);
    CHECK(denied[0].resource.view() == "never.example");
}

TEST_CASE_METHOD(EdgeTest, "edge: given a CONNECT, when asked about, then a host and port of a rule may go on, and others are on record",
    "[edge][EG-2][EG-6]")
{
    served();
    say(proto::ConnectAsked{ConnectionId{1}, "one.example", {}, wire.port});
    CHECK(spawner.peer.take<proto::ConnectDecided>().reason == Reason::none);
    say(proto::ConnectAsked{ConnectionId{2}, "one.example", {}, static_cast<std::uint16_t>(wire.port + 1)});
    CHECK(spawner.peer.take<proto::ConnectDecided>().reason == Reason::port_denied);
    say(proto::ConnectAsked{ConnectionId{3}, {}, "169.254.169.254", wire.port});
    CHECK(spawner.peer.take<proto::ConnectDecided>().reason == Reason::address_denied);
    CHECK(recorder.of(What::egress_denied).size() == 2);
    CHECK(uplink.has_nothing());
}

TEST_CASE_METHOD(EdgeTest, "edge: given guests that speak in another order than they connected in, when asked for, then each is dialled",
    "[edge][EG-2][T-14]")
{
    served();
    say(asked(2));
    say(asked(1));
    CHECK(uplink.take<proto::Dial>().name.view() == "one.example");
    CHECK(uplink.take<proto::Dial>().name.view() == "one.example");
    CHECK(recorder.of(What::helper_violation).empty());
}

inline proto::RequestAsked get(std::uint64_t request, std::string path = "/v1/a")
{
    return {ConnectionId{1}, RequestId{request}, "GET", "one.example", wire::Text<2048>(std::move(path))};
}

struct Injecting : EdgeTest {
    Injecting()
        : EdgeTest([](edge::Config& c) {
              c.rules[0].rung = edge::Rung::bump;
              c.rules[0].paths = {"/v1/*"};
              c.rules[0].injection = edge::Injection{"key", "authorization", "Bearer {}", "ONE_TOKEN"};
          })
    {}
};

TEST_CASE_METHOD(Injecting, "edge: given a rule with a credential, when a request fits, then it waits for the lease and is told of it",
    "[edge][EG-7][T-12]")
{
    served();
    CHECK(open(asked()).handling == proto::Handling::bump);
    say(get(1));
    CHECK(spawner.peer.has_nothing());
    REQUIRE(heard.leases.size() == 1);
    CHECK(heard.leases[0].rule.view() == "one");
    CHECK(heard.leases[0].credential.view() == "key");
    CHECK(heard.leases[0].destination.view() == "one.example");
    CHECK(heard.leases[0].session == kSession);
    custody_in.send(proto::LeaseMade{heard.leases[0].request, Reason::none, 77, std::chrono::seconds(900)});
    loop.settle();
    auto const allowed = spawner.peer.take<proto::RequestAllowed>();
    CHECK(allowed.lease == 77);
    CHECK(allowed.header.view() == "authorization");
    CHECK(allowed.format.view() == "Bearer {}");
    say(proto::RequestDone{ConnectionId{1}, RequestId{1}, 200, Reason::none, 10, 20});
    auto const done = recorder.of(What::http_request);
    REQUIRE(done.size() == 1);
    CHECK(done[0].detail.view() == "GET /v1/a rule=one");
    CHECK(done[0].resource.view() == "one.example");
    CHECK(done[0].number == 200);
    CHECK(done[0].bytes == 30);
}

TEST_CASE_METHOD(Injecting, "edge: given no lease, when refused or never answered, then the request is refused and goes nowhere", "[edge][EG-12][T-12]")
{
    served();
    (void)open(asked());
    say(get(1));
    SECTION("refused")
    {
        custody_in.send(proto::LeaseMade{heard.leases.at(0).request, Reason::session_denied, 0, {}});
        loop.settle();
        CHECK(spawner.peer.take<proto::RequestRefused>().reason == Reason::session_denied);
    }
    SECTION("never answered")
    {
        static_cast<wire::Loop&>(loop).post([this] { clock.advance(edge::kLeaseWait); });
        CHECK(spawner.peer.take<proto::RequestRefused>().reason == Reason::credential_unavailable);
        loop.settle();
        custody_in.send(proto::LeaseMade{heard.leases.at(0).request, Reason::none, 77, {}});
        loop.settle();
        CHECK(spawner.peer.has_nothing());
    }
}

TEST_CASE_METHOD(Injecting, "edge: given a request that no rule allows, when asked for, then refused with its reason and on record", "[edge][EG-3]")
{
    served();
    (void)open(asked());
    say(get(1, "/admin"));
    CHECK(spawner.peer.take<proto::RequestRefused>().reason == Reason::path_denied);
    CHECK(heard.leases.empty());
    CHECK(recorder.of(What::egress_denied).size() == 1);
}

TEST_CASE_METHOD(EdgeTest, "edge: given a helper's refusal, when told, then it is recorded with who, where and why; many alike as few",
    "[edge][EG-6][AU-1][T-06][T-10]")
{
    served();
    proto::EgressDenied denied{proto::EgressProtocol::http, Reason::protocol_denied, "192.0.2.1", 8080, "example.org", 1};
    for (int i = 0; i < 200; ++i) spawner.peer.send(denied);
    loop.settle();
    auto const before = recorder.of(What::egress_denied);
    REQUIRE(before.size() == 1);
    CHECK(before[0].resource.view() == "192.0.2.1:8080");
    CHECK(before[0].detail.view() == "protocol=http count=1 name=example.org");
    sandbox_in.send(proto::LaneDetach{kSession});
    loop.settle();
    REQUIRE(recorder.of(What::egress_denied).size() == 2);
    CHECK(recorder.of(What::egress_denied)[1].detail.view() == "protocol=http count=199 name=example.org");
}

TEST_CASE_METHOD(EdgeTest, "edge: given a word that breaks the grammar, when the helper says it, then it is ended and that is on record",
    "[edge][T-09][T-14]")
{
    served();
    proto::EgressDenied denied{proto::EgressProtocol::http, Reason::protocol_denied, "192.0.2.1", 8080, "a", 1};
    SECTION("text that could forge a line")
    {
        denied.name = "a\nb";
        say(denied);
    }
    SECTION("no refusal")
    {
        denied.count = 0;
        say(denied);
    }
    SECTION("no reason")
    {
        denied.reason = Reason::none;
        say(denied);
    }
    SECTION("a reason of another role")
    {
        denied.reason = Reason::unauthorized;
        say(denied);
    }
    SECTION("a name with a space") { say(proto::NameAsked{RequestId{1}, "a b"}); }
    SECTION("a route with neither name nor address")
    {
        auto route = asked();
        route.name = "";
        say(route);
    }
    SECTION("the number of a connection that is open")
    {
        (void)open(asked(1));
        say(asked(1));
    }
    SECTION("a request on no route") { say(get(1)); }
    SECTION("a request on a spliced route")
    {
        (void)open(asked());
        say(get(1));
    }
    SECTION("the end of what never was") { say(proto::ConnectionEnded{ConnectionId{7}, Reason::none, 0, 0, {}}); }
    SECTION("ready twice") { spawner.peer.send_raw(helper::kReadyType, {}); }
    SECTION("a frame of another arrow") { spawner.peer.send_raw(static_cast<std::uint16_t>(proto::Type::dial), {}); }
    is_violation();
}

TEST_CASE_METHOD(EdgeTest, "edge: given a helper that speaks before it is confined, when heard, then it is ended", "[edge][T-14]")
{
    attach();
    first_packet();
    say(proto::NameAsked{RequestId{1}, "one.example"});
    is_violation();
}

TEST_CASE_METHOD(EdgeTest, "edge: given an uplink that answers what was not asked, when heard, then a violation", "[edge][T-14]")
{
    served();
    recorder.hold = true;
    say(asked());
    SECTION("a frame of another arrow") { uplink.send_raw(static_cast<std::uint16_t>(proto::Type::name_asked), {}); }
    SECTION("before it was asked to dial") { uplink.send(proto::DialFailed{RequestId{1}, proto::DialFailure::denied, {}}); }
    loop.settle();
    CHECK(spawner.violations == std::vector{helper::Kind::uplink});
}

TEST_CASE_METHOD(EdgeTest, "edge: given custody begins anew, when heard, then a running helper gets a channel to it", "[edge][EG-12]")
{
    served();
    custody_in.send(proto::CustodyUp{});
    loop.settle();
    std::vector<UniqueFd> descriptors;
    (void)spawner.peer.take<proto::CustodyChannel>(&descriptors);
    CHECK(descriptors.size() == 1);
    CHECK(heard.channels.size() == 2);
}

TEST_CASE_METHOD(EdgeTest, "edge: given more connections than one session may have, when asked for, then refused", "[edge][T-06]")
{
    served();
    for (std::size_t i = 1; i <= edge::kConnectionsMax; ++i) spawner.peer.send(asked(i));
    loop.settle();
    say(asked(edge::kConnectionsMax + 1));
    CHECK(refused() == Reason::rate_exceeded);
}

TEST_CASE_METHOD(EdgeTest, "edge: given a helper that says more than a second may have, when heard, then the rest waits", "[edge][T-06]")
{
    served();
    for (std::size_t i = 0; i < edge::kFramesPerSecondMax + 50; ++i) spawner.peer.send(proto::NameAsked{RequestId{i + 1}, "one.example"});
    loop.settle();
    std::size_t answered = 0;
    while (!spawner.peer.has_nothing()) ++answered;
    CHECK(answered > edge::kFramesPerSecondMax / 2);
    // The clock of this test stands still: a new second has not begun.
    CHECK(answered <= edge::kFramesPerSecondMax);
    CHECK(recorder.of(What::helper_violation).empty());
}

TEST_CASE_METHOD(EdgeTest, "edge: given it is told to stop, when routes are open, then they end, are recorded, and it says so", "[edge][T-10]")
{
    served();
    (void)open(asked());
    core_in.send(proto::StopRole{});
    loop.settle();
    CHECK(stopped);
    CHECK(wire.is_shut());
    CHECK(recorder.of(What::egress_closed).size() == 1);
}

}  // namespace test_edge_thread
