// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/edge/icap_stage in an exchange, and src/edge/edge_icap in the thread: what the ICAP server sees, what the guest and the upstream get
// of what it lets through, and who is connected to it (EG-11, T-12).

#include <catch2/catch_test_macros.hpp>

#include "support/edge_stand.h"
#include "support/exchange_stand.h"
#include "support/icap_peer.h"

namespace test_exchange_icap {

using namespace ocu;
using namespace test_support;

std::string const kService = "icap://10.0.0.5:1344/scan";

struct Icap : ExchangeStand {
    explicit Icap(bool requests, bool answers, std::uint64_t lease = 0)
    {
        answer = [this, requests, answers, lease](proto::RequestAsked const& message) {
            proto::RequestAllowed allowed{message.connection, message.request, lease, lease ? "authorization" : "", lease ? "Bearer {}" : "", {}};
            if (requests) allowed.icap.request = wire::Text<256>(kService);
            if (answers) allowed.icap.response = wire::Text<256>(kService);
            allowed.icap.preview_bytes = 4;
            exchange->allowed(allowed);
        };
    }
    void open()
    {
        Pair a, b;
        guest = std::make_unique<Peer>(loop, wire::plain_transport(loop, std::move(a.theirs)));
        upstream = std::make_unique<Peer>(loop, wire::plain_transport(loop, std::move(b.theirs)));
        auto told = calls();
        told.ask_icap = [this](proto::IcapAsked asked_for) {
            ++icap_asked;
            loop.post([this, asked_for] {
                if (icap_down) return exchange->icap_refused({asked_for.connection, asked_for.request, asked_for.side});
                auto pair = *make_socket_pair();
                server = std::make_unique<Peer>(loop, wire::plain_transport(loop, std::move(pair.theirs)));
                exchange->icap_opened({asked_for.connection, asked_for.request, asked_for.side}, std::move(pair.ours));
            });
        };
        exchange = std::make_unique<Exchange>(tools, loop, std::move(a.ours), std::string{}, std::move(b.ours),
            ExchangeRoute{ConnectionId{3}, proto::Handling::http, proto::RouteForm::direct, kName, 80, {}, false}, std::move(told));
    }
    bool server_got(std::string_view part)
    {
        return until([&] { return server && server->heard().contains(part); });
    }
    bool is_done(Reason reason)
    {
        return until([&] { return dones.size() == 1; }) && dones[0].reason == reason;
    }
    std::unique_ptr<Peer> server;
    bool icap_down = false;
    int icap_asked = 0;
};

std::string post(std::string const& body, std::string const& headers = {})
{
    return "POST /v1/x HTTP/1.1\r\nHost: " + kName + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string post_head(std::string const& length, std::string const& headers = {}, std::string const& path = "/v1/x")
{
    return "POST " + path + " HTTP/1.1\r\nHost: " + kName + "\r\n" + headers + "Content-Length: " + length + "\r\n\r\n";
}

TEST_CASE("icap stage: given a request, when it is shown, then nothing goes on before, and then what the server gave", "[edge][EG-11][T-24]")
{
    Icap stand(true, false);
    stand.open();
    stand.guest->say(post("hello"));
    REQUIRE(stand.server_got("4\r\nhell\r\n0\r\n\r\n"));
    stand.settle();
    CHECK(stand.upstream->heard().empty());
    stand.server->say(icap_200("req", post_head("3", "X-Seen: 1\r\n"), "bye"));
    REQUIRE(stand.upstream_got("bye"));
    CHECK(stand.upstream->heard() == "POST /v1/x HTTP/1.1\r\nHost: " + kName + "\r\nX-Seen: 1\r\nContent-Length: 3\r\n\r\nbye");
    stand.upstream->say(kOk + "Content-Length: 2\r\n\r\nhi");
    REQUIRE(stand.guest_got("\r\n\r\nhi"));
    CHECK(stand.is_done(Reason::none));
}

TEST_CASE("icap stage: given 204, when two requests are shown, then both go on untouched, over one connection", "[edge][EG-11][T-24]")
{
    Icap stand(true, false);
    stand.open();
    stand.guest->say(post("hello", "Expect: 100-continue\r\n"));
    REQUIRE(stand.server_got("0\r\n\r\n"));
    CHECK(stand.guest->heard() == "HTTP/1.1 100 Continue\r\n\r\n");
    stand.server->say(kIcap204);
    REQUIRE(stand.upstream_got("hello"));
    CHECK_FALSE(stand.upstream->heard().contains("Expect"));
    stand.upstream->say(kOk + "Content-Length: 2\r\n\r\nhi");
    REQUIRE(stand.guest_got("\r\n\r\nhi"));
    stand.guest->say(request());
    REQUIRE(stand.server_got("null-body="));
    stand.server->say(kIcap204);
    REQUIRE(stand.upstream_got("GET /v1/x?q=1"));
    CHECK(stand.icap_asked == 1);
}

TEST_CASE("icap stage: given a credential, when requests and answers are shown, then the server never sees it", "[edge][EG-11][T-24][T-12]")
{
    Icap stand(true, true, 7);
    stand.open();
    stand.guest->say(request("Authorization: Bearer " + kToken + "\r\n"));
    REQUIRE(stand.server_got("REQMOD "));
    stand.settle();
    auto seen = stand.server->heard();
    stand.server->say(kIcap204);
    REQUIRE(stand.upstream_got(kCredential));
    auto const first = std::move(stand.server);
    stand.upstream->say(kOk + "X-Echo: " + kCredential + "\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(kCredential.size() + 1) + "\r\n\r\n" + kCredential + ".");
    REQUIRE(stand.server_got("RESPMOD "));
    REQUIRE(stand.server_got("0\r\n\r\n"));
    stand.server->say(kIcap100);
    REQUIRE(stand.server_got("."));
    stand.settle();
    seen += stand.server->heard();
    CHECK_FALSE(seen.contains(kCredential));
    CHECK(seen.contains("GET http://" + kName));  // the whole URL, as such servers look it up
    CHECK(seen.contains("/v1/x?q=1 HTTP/1.1"));
    stand.server->say(icap_200("res", kOk + "X-Seen: 1\r\n\r\n", "changed"));
    REQUIRE(stand.guest_got("changed"));
    CHECK(stand.guest->heard().contains("X-Seen: 1\r\n"));
    CHECK_FALSE(stand.guest->heard().contains(kCredential));
}

TEST_CASE("icap stage: given a refused request, when the server answers in its place, then icap_denied and nothing reaches the upstream", "[edge][EG-11][T-24]")
{
    Icap stand(true, true);
    stand.open();
    stand.guest->say(post("virus"));
    REQUIRE(stand.server_got("0\r\n\r\n"));
    stand.server->say(icap_200("res", "HTTP/1.1 403 Forbidden\r\n\r\n", "its page"));
    REQUIRE(stand.guest_got("x-deny-reason: icap_denied"));
    CHECK_FALSE(stand.guest->heard().contains("its page"));
    CHECK(stand.is_done(Reason::icap_denied));
    CHECK(stand.upstream->heard().empty());
}

TEST_CASE("icap stage: given no server, one that breaks off, or another request than was judged, when it is shown, then icap_unavailable", "[edge][EG-11][T-24]")
{
    Icap stand(true, false);
    SECTION("down")
    {
        stand.icap_down = true;
        stand.open();
        stand.guest->say(request());
    }
    SECTION("breaks off")
    {
        stand.open();
        stand.guest->say(request());
        REQUIRE(stand.server_got("\r\n\r\n"));
        stand.server->say("ICAP/1.0 200 O");
        stand.server->leave();
    }
    SECTION("another path")
    {
        stand.open();
        stand.guest->say(post("a"));
        REQUIRE(stand.server_got("ieof\r\n\r\n"));
        stand.server->say(icap_200("req", post_head("1", "", "/admin"), "a"));
    }
    REQUIRE(stand.guest_got("x-deny-reason: icap_unavailable"));
    CHECK(stand.is_done(Reason::icap_unavailable));
    CHECK(stand.upstream->heard().empty());
}

TEST_CASE("icap stage: given an answer, when the server does not let it through, then no byte of it reaches the guest", "[edge][EG-11][T-24]")
{
    Icap stand(false, true);
    std::string reply;
    Reason expected = Reason::icap_denied;
    SECTION("replaced") { reply = icap_200("res", "HTTP/1.1 403 Forbidden\r\n\r\n", "page"); }
    SECTION("found") { reply = icap_200("res", kOk + "\r\n", "cleaned", "X-Infection-Found: Type=0; Resolution=1; Threat=T;\r\n"); }
    SECTION("garbage")
    {
        reply = "what?\r\n\r\n";
        expected = Reason::icap_unavailable;
    }
    stand.open();
    stand.guest->say(request());
    REQUIRE(stand.upstream_got("GET"));
    stand.upstream->say(kOk + "X-Marked: 1\r\nContent-Length: 6\r\n\r\nmarked");
    REQUIRE(stand.server_got("0\r\n\r\n"));
    stand.settle();
    CHECK(stand.guest->heard().empty());
    stand.server->say(reply);
    REQUIRE(stand.guest_got("x-deny-reason: " + std::string(name_of(expected))));
    CHECK_FALSE(stand.guest->heard().contains("arked: 1"));
    CHECK_FALSE(stand.guest->heard().contains("marked"));
    CHECK(stand.is_done(expected));
}

TEST_CASE("icap stage: given an answer half let through, when the server breaks off, then the guest sees a reset and not an end", "[edge][EG-11][T-24]")
{
    Icap stand(false, true);
    stand.open();
    stand.guest->say(request());
    REQUIRE(stand.upstream_got("GET"));
    stand.upstream->say(kOk + "Content-Length: 6\r\n\r\nmarked");
    REQUIRE(stand.server_got("0\r\n\r\n"));
    auto const whole = icap_200("res", kOk + "\r\n", "marked");
    stand.server->say(whole.substr(0, whole.size() - 5));
    REQUIRE(stand.guest_got("marked"));
    stand.server->leave();
    REQUIRE(stand.until([&] { return stand.ended.has_value(); }));
    CHECK(stand.ended->reason == Reason::icap_unavailable);
    CHECK_FALSE(stand.guest->heard().ends_with("0\r\n\r\n"));
}

TEST_CASE("icap stage: given a WebSocket, when its rule has ICAP, then refused: its frames are shown to nobody", "[edge][EG-11][T-24]")
{
    Icap stand(false, true);
    stand.open();
    stand.guest->say(request("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n"));
    REQUIRE(stand.guest_got("x-deny-reason: protocol_denied"));
    CHECK(stand.upstream->heard().empty());
}

struct Thread : test_edge_thread::EdgeTest {
    explicit Thread(test_edge_thread::Wire const& server)
        : EdgeTest([&server](edge::Config& change) {
              edge::Icap icap;
              icap.request = edge::IcapEndpoint{"icap://127.0.0.1:" + std::to_string(server.port) + "/s", "127.0.0.1", server.port};
              change.rules[0].icap = icap;
          })
    {
        served();
        auto route = asked();
        route.protocol = proto::EgressProtocol::http;
        opened = open(route);
        proto::RequestAsked request;
        request.connection = ConnectionId{1};
        request.request = RequestId{1};
        request.method = "GET";
        request.host = "one.example";
        request.path = "/";
        say(request);
        allowed = spawner.peer.take<proto::RequestAllowed>();
    }
    proto::Dial ask(proto::IcapSide side = proto::IcapSide::request)
    {
        say(proto::IcapAsked{ConnectionId{1}, RequestId{1}, side});
        return uplink.take<proto::Dial>();
    }
    void dialled(RequestId number, UniqueFd& fd)
    {
        int const lent = fd.get();
        uplink.send_raw(static_cast<std::uint16_t>(proto::Type::dialled), wire::encode(proto::Dialled{number, "127.0.0.1"}), {&lent, 1});
        fd.reset();
        loop.settle();
    }
    proto::RouteOpened opened;
    proto::RequestAllowed allowed;
};

TEST_CASE("edge: given a rule with ICAP, when its request asks for a connection, then its own server alone is dialled, and cut with the route", "[edge][EG-11][T-24][T-17]")
{
    test_edge_thread::Wire server;
    Thread stand(server);
    CHECK(stand.opened.http1_only);
    CHECK(stand.allowed.icap.request.view().starts_with("icap://127.0.0.1:"));
    CHECK(stand.allowed.icap.response.empty());
    auto const dial = stand.ask();
    CHECK(dial.address.view() == "127.0.0.1");
    CHECK(dial.port == server.port);
    REQUIRE(dial.ranges.items().size() == 1);
    CHECK(dial.ranges.items()[0].bits == 128);
    CHECK(dial.direct);
    stand.dialled(dial.request, server.near);
    std::vector<UniqueFd> descriptors;
    CHECK(stand.spawner.peer.take<proto::IcapOpened>(&descriptors).side == proto::IcapSide::request);
    REQUIRE(descriptors.size() == 1);
    CHECK_FALSE(server.is_shut());
    stand.say(proto::ConnectionEnded{ConnectionId{1}, Reason::none, 0, 0, {}});
    CHECK(server.is_shut());
}

TEST_CASE("edge: given a socket that leads elsewhere or no uplink, when ICAP is asked for, then refused", "[edge][EG-11][T-24][T-14]")
{
    test_edge_thread::Wire server;
    Thread stand(server);
    test_edge_thread::Wire other;
    stand.dialled(stand.ask().request, other.near);
    CHECK(stand.spawner.peer.take<proto::IcapRefused>().request == RequestId{1});
    (void)stand.ask();
    stand.uplink.close();
    stand.loop.settle();
    CHECK(stand.spawner.peer.take<proto::IcapRefused>().request == RequestId{1});
}

TEST_CASE("edge: given a helper that asks for a server that its rule does not name, when it does, then it is ended", "[edge][EG-11][T-24][T-14]")
{
    test_edge_thread::Wire server;
    Thread stand(server);
    stand.say(proto::IcapAsked{ConnectionId{1}, RequestId{1}, proto::IcapSide::response});
    stand.is_violation();
}

}  // namespace test_exchange_icap
