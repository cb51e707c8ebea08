// SPDX-License-Identifier: GPL-3.0-or-later
// The role's thread between its mailboxes, a session's helper and the uplink, both of which the test plays. Sockets are real ones of loopback.

#include <catch2/catch_test_macros.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge/address.h"
#include "edge/edge.h"
#include "edge/limits.h"
#include "helper/helper.h"
#include "proto/edge_helper_to_edge.h"
#include "proto/edge_to_uplink.h"
#include "proto/storage_lane_to_edge.h"
#include "support/role_peer.h"

namespace test_edge_thread {

using namespace ocu;
using proto::Reason;
using proto::What;

constexpr SessionId kSession{5};

// A connection over loopback: what `uplink` would hand over, and the far end.
struct Wire {
    Wire()
    {
        UniqueFd const listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&at), size) == 0);
        REQUIRE(::listen(listener.get(), 1) == 0);
        REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
        port = ntohs(at.sin_port);
        near = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::connect(near.get(), reinterpret_cast<sockaddr*>(&at), size) == 0);
        far = UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        REQUIRE(far);
    }
    // Whether the far end has seen the end of it.
    bool is_shut() const
    {
        pollfd entry{far.get(), POLLRDHUP, 0};
        return ::poll(&entry, 1, 0) == 1;
    }
    UniqueFd near;
    UniqueFd far;
    std::uint16_t port = 0;
};

class EdgeSpawner final : public helper::Spawner {
public:
    Result<helper::Spawned> spawn(helper::Kind kind, Slot slot, wire::Bytes, std::vector<UniqueFd> descriptors) override
    {
        kinds.push_back(kind);
        slots.push_back(slot);
        given = std::move(descriptors);
        if (fails) return fail(Fault::unavailable, "refused by the test");
        return helper::Spawned{{}, peer.connect()};
    }
    void report_violation(helper::Kind kind) override { violations.push_back(kind); }

    std::vector<helper::Kind> kinds;
    std::vector<Slot> slots;
    std::vector<UniqueFd> given;
    std::vector<helper::Kind> violations;
    test::HelperPeer peer;
    bool fails = false;
};

// Keeps what is recorded waiting if it is told to.
class HeldRecorder final : public proto::Recorder {
public:
    void record(proto::Event event, Done done) override
    {
        events.push_back(std::move(event));
        if (broken) return done(fail(Fault::unavailable, "the disk is full"));
        if (events.back().what == What::egress_opened && hold) return waiting.push_back(std::move(done));
        done(EventNumber{events.size()});
    }
    std::vector<proto::Event> of(What what) const
    {
        std::vector<proto::Event> out;
        for (auto const& each : events)
            if (each.what == what) out.push_back(each);
        return out;
    }
    std::vector<proto::Event> events;
    std::vector<Done> waiting;
    bool hold = false;
    bool broken = false;
};

struct Heard {
    std::vector<SessionId> channels;
    std::vector<SessionId> over;
    std::vector<proto::LeaseWanted> leases;
};

edge::Rule rule(std::string name, std::string host, std::uint16_t port)
{
    edge::Rule out;
    out.name = std::move(name);
    out.hosts = {std::move(host)};
    out.ranges = {edge::parse_range("127.0.0.1").value()};
    out.ports = {port};
    return out;
}

struct EdgeTest {
    explicit EdgeTest(std::function<void(edge::Config&)> change = {})
    {
        config.rules = {rule("one", "one.example", wire.port), rule("two", "two.example", wire.port)};
        if (change) change(config);
        custody.on_message([this](proto::EdgeToCustody::Message message) {
            std::visit(wire::Overloaded{[this](proto::EdgeChannel& m) { heard.channels.push_back(m.session); },
                           [this](proto::EdgeSessionOver& m) { heard.over.push_back(m.session); },
                           [this](proto::LeaseWanted& m) { heard.leases.push_back(std::move(m)); }},
                message);
        });
        edge.emplace(loop, clock, config, UniqueFd(::eventfd(0, EFD_CLOEXEC)),
            edge::Edge::Wires{core_in, sandbox_in, control_in, custody_in, custody, recorder, spawner, [this] { stopped = true; }});
    }
    ~EdgeTest() { loop.finish(); }

    void attach(SessionId session = kSession)
    {
        tcp = UniqueFd(::eventfd(0, EFD_CLOEXEC));
        sandbox_in.send(proto::LaneAttach{session, Slot{9}, duplicate(tcp.get()).value(), UniqueFd(::eventfd(0, EFD_CLOEXEC))});
        loop.settle();
    }
    void first_packet()
    {
        std::uint64_t const one = 1;
        REQUIRE(::write(tcp.get(), &one, sizeof one) == sizeof one);
        loop.settle();
    }
    void uplink_up()
    {
        core_in.send(proto::HelperUp{helper::Kind::uplink, uplink.connect(), {}});
        loop.settle();
    }
    void served()
    {
        uplink_up();
        attach();
        first_packet();
        spawner.peer.send_raw(helper::kReadyType, {});
        loop.settle();
    }
    template <class Message>
    void say(Message const& message)
    {
        spawner.peer.send(message);
        loop.settle();
    }
    proto::RouteAsked asked(std::uint64_t connection = 1, std::string name = "one.example",
        proto::EgressProtocol protocol = proto::EgressProtocol::tls) const
    {
        proto::RouteAsked out;
        out.connection = ConnectionId{connection};
        out.protocol = protocol;
        out.name = wire::Text<253>(name);
        out.inner_name = wire::Text<253>(name);
        out.port = wire.port;
        return out;
    }
    // A route that is open, as the helper got it.
    proto::RouteOpened open(proto::RouteAsked const& route)
    {
        say(route);
        auto const dial = uplink.take<proto::Dial>();
        answer(dial.request);
        std::vector<UniqueFd> descriptors;
        auto opened = spawner.peer.take<proto::RouteOpened>(&descriptors);
        REQUIRE(descriptors.size() == 1);
        socket = std::move(descriptors[0]);
        return opened;
    }
    void answer(RequestId request)
    {
        int const lent = wire.near.get();
        uplink.send_raw(static_cast<std::uint16_t>(proto::Type::dialled), wire::encode(proto::Dialled{request, "127.0.0.1"}), {&lent, 1});
        wire.near.reset();
        loop.settle();
    }
    Reason refused() { return spawner.peer.take<proto::RouteRefused>().reason; }
    void is_violation()
    {
        loop.settle();
        CHECK(recorder.of(What::helper_violation).size() == 1);
    }

    Wire wire;
    edge::Config config;
    test::LoopThread loop;
    ManualClock clock;
    proto::CoreToRole core_in{loop};
    proto::SandboxToEdge sandbox_in{loop};
    proto::ControlToEdge control_in{loop};
    proto::CustodyToEdge custody_in{loop};
    proto::EdgeToCustody custody{loop};
    HeldRecorder recorder;
    EdgeSpawner spawner;
    test::HelperPeer uplink;
    Heard heard;
    UniqueFd tcp;
    UniqueFd socket;
    bool stopped = false;
    std::optional<edge::Edge> edge;
};

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

proto::RequestAsked get(std::uint64_t request, std::string path = "/v1/a")
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
    SECTION("a connection's number twice")
    {
        say(asked(1, "x.example"));
        say(asked(1, "x.example"));
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
    custody_in.send(proto::BumpAuthority{"pem"});
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

TEST_CASE_METHOD(EdgeTest, "storage_lane: given a helper that reports a destination or speaks, when heard, then a violation", "[edge][T-14]")
{
    test::HelperPeer peer;
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
