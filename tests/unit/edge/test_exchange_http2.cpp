// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/edge/exchange_http2, request_flow and bump with real TLS both ways: what is agreed on with ALPN, who is asked for each stream, what
// the upstream gets, and what the guest sees (EG-3, EG-5, EG-7, invariant 4).

#include <catch2/catch_test_macros.hpp>
#include <sys/socket.h>

#include "support/exchange_stand.h"
#include "support/http2_peer.h"

namespace test_exchange_http2 {

using namespace ocu;
using namespace test_support;

struct Stand : ExchangeStand {
    void open(
        wire::Alpn speaks = wire::Alpn::h2, wire::AlpnOffer offers = {true, true}, bool http1_only = false, LeafWish const& wish = {kName})
    {
        auto const key = *crypto::make_p256_key();
        auto const der = public_authority.leaf(wish, *crypto::p256_public(key));
        open_bump_with(*crypto::p256_key_pem(key), der, speaks, offers, http1_only);
    }
    void pump()
    {
        client.hear(std::string(guest->heard()));
        guest->forget();
        server.hear(std::string(upstream->heard()));
        upstream->forget();
        if (guest->open()) guest->say(client.speak());
        if (upstream->open()) upstream->say(server.speak());
    }
    bool so(std::function<bool()> const& that)
    {
        return until([&] {
            pump();
            if (that()) return true;
            ticks.push_back(loop.after(std::chrono::milliseconds(1), [] {}));
            return false;
        });
    }
    Http2StreamId at_server(std::string_view path)
    {
        for (auto const& [id, story] : server.stories)
            if (!story.heads.empty() && Http2Peer::field(story.heads[0], ":path") == path) return id;
        return 0;
    }
    bool told(Http2StreamId stream, std::string const& reason)
    {
        return so([&] { return client.stories[stream].closed; }) && client.stories[stream].status() == "403" &&
               Http2Peer::field(client.stories[stream].heads.back(), "x-deny-reason") == reason;
    }
    Http2StreamId ask(std::string const& path, Http2Fields const& more = {})
    {
        auto fields = Http2Peer::get(kName, path);
        fields.insert(fields.end(), more.begin(), more.end());
        return client.ask(fields);
    }

    Http2Peer client{Http2Session::Side::client}, server{Http2Session::Side::server};
    std::vector<wire::Watch> ticks;
};

TEST_CASE(
    "exchange: given HTTP/2 on both sides, when requests come at once, then each is asked for by its number and only what is allowed goes "
    "out",
    "[edge][EG-3][EG-7]")
{
    Stand stand;
    stand.open();
    auto const a = stand.ask("/a"), b = stand.ask("/b"), c = stand.ask("/c");
    REQUIRE(stand.so([&] { return stand.asked.size() == 3; }));
    CHECK(stand.asked[0].path.view() == "/a");
    CHECK(stand.asked[2].request == RequestId{3});
    CHECK(stand.asked[2].host.view() == kName);
    stand.exchange->allowed({ConnectionId{3}, RequestId{3}, 0, "", ""});
    stand.exchange->refused({ConnectionId{3}, RequestId{2}, Reason::path_denied});
    stand.exchange->allowed({ConnectionId{3}, RequestId{9}, 0, "", ""});  // about none of them
    REQUIRE(stand.so([&] { return stand.at_server("/c") != 0; }));
    CHECK(stand.told(b, "path_denied"));
    stand.server.answer(stand.at_server("/c"), {{":status", "200"}}, "see");
    REQUIRE(stand.so([&] { return stand.client.stories[c].closed && stand.dones.size() == 1; }));
    CHECK(stand.client.stories[c].body == "see");
    CHECK(stand.dones[0].request == RequestId{3});
    CHECK(stand.dones[0].status == 200);
    CHECK(stand.at_server("/a") == 0);
    CHECK_FALSE(stand.client.stories[a].closed);
    CHECK_FALSE(stand.ended);
}

TEST_CASE(
    "exchange: given one connection, when a stream is for another authority, then it is name_mismatch, unasked, and nothing new is taken",
    "[edge][EG-5]")
{
    for (auto const* const authority : {"other.example.com", "api.example.com:8443", "API.example.com.evil.org"}) {
        Stand stand;
        stand.allow();
        stand.open();
        auto const running = stand.ask("/running");
        REQUIRE(stand.so([&] { return stand.at_server("/running") != 0; }));
        auto const other = stand.client.ask(Http2Peer::get(authority, "/secret"));
        CHECK(stand.told(other, "name_mismatch"));
        REQUIRE(stand.so([&] { return stand.client.away; }));
        CHECK(stand.asked.size() == 1);
        CHECK(stand.at_server("/secret") == 0);
        stand.server.answer(stand.at_server("/running"), {{":status", "200"}}, "ok");
        REQUIRE(stand.so([&] { return stand.client.stories[running].closed; }));
        CHECK(stand.client.stories[running].body == "ok");
        stand.guest->leave();
        REQUIRE(stand.so([&] { return stand.ended.has_value(); }));
        CHECK(stand.ended->reason == Reason::name_mismatch);
    }
}

TEST_CASE(
    "exchange: given a lease, when a stream presents its token, then the credential goes out and comes back nowhere", "[edge][EG-7][T-12]")
{
    Stand stand;
    stand.allow(7);
    stand.open();
    auto const stream = stand.ask("/v1", {{"authorization", "Bearer " + kToken}});
    REQUIRE(stand.so([&] { return stand.at_server("/v1") != 0; }));
    auto const there = stand.at_server("/v1");
    CHECK(Http2Peer::field(stand.server.stories[there].heads[0], "authorization") == "Bearer " + kCredential);
    CHECK(Http2Peer::field(stand.server.stories[there].heads[0], "accept-encoding") == "identity");
    stand.server.answer(there,
        {{":status", "200"}, {"content-type", "text/plain"}, {"content-length", std::to_string(kCredential.size() + 4)},
            {"x-echo", kCredential}},
        "<<" + kCredential + ">>", {{"x-trailer", "is " + kCredential}, {"grpc-status", "0"}});
    REQUIRE(stand.so([&] { return stand.client.stories[stream].closed; }));
    auto const& story = stand.client.stories[stream];
    CHECK(story.body == "<<[redacted]>>");
    CHECK(Http2Peer::field(story.heads[0], "x-echo") == "[redacted]");
    CHECK(Http2Peer::field(story.heads[0], "content-length").empty());
    CHECK(Http2Peer::field(story.trailers, "x-trailer") == "is [redacted]");
    CHECK(Http2Peer::field(story.trailers, "grpc-status") == "0");
    CHECK(stand.fakes.wiped);
    auto const coded = stand.ask("/coded", {{"authorization", "Bearer " + kToken}});
    REQUIRE(stand.so([&] { return stand.at_server("/coded") != 0; }));
    stand.server.answer(stand.at_server("/coded"), {{":status", "200"}, {"content-encoding", "gzip"}}, "zzz");
    CHECK(stand.told(coded, "protocol_denied"));
    auto const last = stand.ask(
        "/plain", {{"authorization", "Bearer " + kToken}});  // the connection is still good, and nothing of one request is another's
    REQUIRE(stand.so([&] { return stand.at_server("/plain") != 0; }));
    CHECK_FALSE(stand.client.stories[last].closed);
}

TEST_CASE(
    "exchange: given a token where none may be, when it comes in a stream's head or trailers, then it goes nowhere", "[edge][EG-7][T-12]")
{
    Stand stand;
    stand.allow();
    stand.open();
    auto const header = stand.ask("/a", {{"x-token", kToken}}), target = stand.ask("/b?t=" + kToken);
    CHECK(stand.told(header, "scoped_token_missing"));
    CHECK(stand.told(target, "scoped_token_missing"));
    auto const trailer = stand.client.ask_with_body(Http2Peer::get(kName, "/c", "POST"));
    stand.client.say(trailer, "body", true, {{"x-token", kToken}});
    REQUIRE(stand.so([&] { return stand.dones.size() == 3; }));
    CHECK(stand.dones[2].reason == Reason::scoped_token_missing);
    if (auto const there = stand.at_server("/c"); there != 0) {
        CHECK_FALSE(stand.server.stories[there].over);
        CHECK(stand.server.stories[there].trailers.empty());
    }
    CHECK(stand.at_server("/a") == 0);
}

TEST_CASE("exchange: given what each side speaks, when a bump begins, then the guest gets what the upstream chose", "[edge][EG-7]")
{
    auto const whole = [](Stand& stand) { return stand.upstream_got("\r\n\r\n"); };
    SECTION("the upstream has HTTP/1.1 alone")
    {
        Stand stand;
        stand.allow();
        stand.open(wire::Alpn::http11);
        stand.guest->say(request());
        CHECK(whole(stand));
    }
    SECTION("the guest has HTTP/1.1 alone")
    {
        Stand stand;
        stand.allow();
        stand.open(wire::Alpn::http11, {false, true});
        stand.guest->say(request());
        CHECK(whole(stand));
    }
    SECTION("the route needs HTTP/1.1: an upstream that has HTTP/2 alone is not accepted")
    {
        Stand stand;
        stand.allow();
        stand.open(wire::Alpn::h2, {true, true}, true);
        stand.guest->say(request());
        CHECK(stand.guest_got("x-deny-reason: upstream_unverified"));
        CHECK(stand.upstream->heard().empty());
    }
    SECTION("the route needs HTTP/1.1, and both have it")
    {
        Stand stand;
        stand.allow();
        stand.open(wire::Alpn::http11, {true, true}, true);
        stand.guest->say(request());
        CHECK(whole(stand));
    }
}

// The guest's hello is read before anything is offered upstream.
TEST_CASE("exchange: given a guest with HTTP/2 alone and an upstream without, when it asks, then it is told protocol_denied in HTTP/2",
    "[edge][EG-5][EG-7]")
{
    Stand stand;
    stand.allow();
    Pair a, b;
    auto const key = *crypto::make_p256_key();
    auto const der = stand.public_authority.leaf(LeafWish{kName}, *crypto::p256_public(key));
    stand.upstream_rules = *wire::TlsToGuest::make(*crypto::p256_key_pem(key));
    stand.upstream = std::make_unique<Peer>(stand.loop,
        *stand.upstream_rules->accept(stand.loop, wire::plain_transport(stand.loop, std::move(b.theirs)), der, {}, wire::Alpn::http11));
    auto const rules = *wire::TlsToUpstream::make(stand.fakes.authority.pem());
    stand.clients.push_back(rules);
    stand.guest = std::make_unique<Peer>(
        stand.loop, *rules->connect(stand.loop, wire::plain_transport(stand.loop, std::move(a.theirs)), kName, {true, false}));
    std::string hello(4096, '\0');
    REQUIRE(stand.until([&] {
        auto const got = ::recv(a.ours.get(), hello.data(), hello.size(), MSG_DONTWAIT);
        if (got > 0)
            hello.resize(static_cast<std::size_t>(got));
        else
            stand.ticks.push_back(stand.loop.after(std::chrono::milliseconds(1), [] {}));
        return got > 0;
    }));
    ExchangeRoute route{ConnectionId{3}, proto::Handling::bump, proto::RouteForm::direct, kName, 443, kName};
    stand.exchange =
        std::make_unique<Exchange>(stand.tools, stand.loop, std::move(a.ours), hello, std::move(b.ours), std::move(route), stand.calls());
    auto const stream = stand.ask("/x");
    CHECK(stand.told(stream, "protocol_denied"));
    CHECK(stand.asked.empty());
}

TEST_CASE("exchange: given an upstream that is not accepted, when streams come, then each is told so, and the connection goes away",
    "[edge][EG-9]")
{
    Stand stand;
    stand.allow();
    // Its certificate is for another name; which of the two protocols it would have spoken is not asked.
    stand.open(wire::Alpn::h2, {true, true}, false, {"other.example.com"});
    stand.guest->say(request());
    CHECK(stand.guest_got("x-deny-reason: upstream_unverified"));
    CHECK(stand.asked.empty());
}

TEST_CASE("exchange: given HTTP/2, when a cut comes, then both sides end and it is told once", "[edge][EG-12]")
{
    Stand stand;
    stand.allow();
    stand.open();
    (void)stand.ask("/x");
    REQUIRE(stand.so([&] { return stand.at_server("/x") != 0; }));
    stand.exchange->cut();
    REQUIRE(stand.so([&] { return stand.ended.has_value() && stand.guest->closed() && stand.upstream->closed(); }));
    CHECK(stand.ended->reason == Reason::none);
    CHECK(stand.word == "cut");
    CHECK(stand.ended->bytes_up > 0);
}

}  // namespace test_exchange_http2
