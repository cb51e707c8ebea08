// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/edge/exchange, inject, strip and relay_refusal over real sockets: who is asked, what the upstream gets, and what the guest sees
// (EG-3, EG-5, EG-7, invariant 4).

#include <catch2/catch_test_macros.hpp>

#include "support/exchange_stand.h"

namespace test_exchange {

using namespace ocu;
using namespace test_support;
using Stand = ExchangeStand;

TEST_CASE("exchange: given plain HTTP, when a request comes, then it is asked for, and sent only when allowed", "[edge][EG-3]")
{
    Stand stand;
    stand.open_http();
    stand.guest->say(request("A: 1\r\n", "/v1/%78?q=1"));
    REQUIRE(stand.until([&] { return stand.asked.size() == 1; }));
    CHECK(stand.asked[0].method.view() == "GET");
    CHECK(stand.asked[0].host.view() == kName);
    CHECK(stand.asked[0].path.view() == "/v1/x");
    CHECK(stand.asked[0].request == RequestId{1});
    stand.settle();
    CHECK(stand.upstream->heard().empty());
    stand.exchange->allowed({ConnectionId{3}, RequestId{2}, 0, "", ""});  // about another request
    stand.settle();
    CHECK(stand.upstream->heard().empty());
    stand.exchange->allowed({ConnectionId{3}, RequestId{1}, 0, "", ""});
    REQUIRE(stand.upstream_got("\r\n\r\n"));
    CHECK(stand.upstream->heard() == request("A: 1\r\n"));
    stand.upstream->say(kOk + "Content-Length: 2\r\n\r\nhi");
    REQUIRE(stand.guest_got("\r\n\r\nhi"));
    REQUIRE(stand.until([&] { return stand.dones.size() == 1; }));
    CHECK(stand.dones[0].status == 200);
    CHECK(stand.dones[0].bytes_down == 2);
    stand.guest->leave();
    REQUIRE(stand.until([&] { return stand.ended.has_value(); }));
    CHECK(stand.ended->reason == Reason::none);
    CHECK(stand.ended->bytes_up > 0);
}

TEST_CASE("exchange: given a refusal, when the thread says it, then the guest reads why, and the next request is asked for", "[edge][EG-6]")
{
    Stand stand;
    stand.answer = [&](proto::RequestAsked const& message) {
        stand.exchange->refused({message.connection, message.request, Reason::path_denied});
    };
    stand.open_http();
    stand.guest->say(request() + request());
    REQUIRE(stand.until([&] { return stand.asked.size() == 2; }));
    stand.settle();
    CHECK(stand.guest->heard().starts_with("HTTP/1.1 403 Forbidden\r\n"));
    CHECK(stand.guest->heard().contains("x-deny-reason: path_denied\r\n"));
    CHECK(stand.guest->heard().contains("\"code\":\"path_denied\""));
    CHECK(stand.dones.empty());
    CHECK(stand.upstream->heard().empty());
}

TEST_CASE("exchange: given a request for another host or port than the route's, when it comes, then it ends the connection unasked",
    "[edge][EG-5]")
{
    for (auto const* const host : {"other.example.com", "api.example.com:8080", "api.example.com.evil.org"}) {
        Stand stand;
        stand.open_http();
        stand.guest->say(request({}, "/", host));
        REQUIRE(stand.until([&] { return stand.ended.has_value(); }));
        CHECK(stand.ended->reason == Reason::name_mismatch);
        CHECK(stand.guest->heard().contains("x-deny-reason: name_mismatch"));
        CHECK(stand.asked.empty());
        CHECK(stand.upstream->heard().empty());
    }
    Stand stand;
    stand.open_http({ConnectionId{3}, proto::Handling::http, proto::RouteForm::direct, kName, 8080, {}}, request({}, "/", kName + ":8080"));
    stand.allow();
    CHECK(stand.upstream_got("Host: api.example.com:8080\r\n"));
}

TEST_CASE("exchange: given bytes that are not HTTP/1.1, when they come, then protocol_denied is said and recorded", "[edge][EG-5]")
{
    Stand stand;
    stand.open_http();
    stand.guest->say("POST / HTTP/1.1\r\nHost: " + kName + "\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    REQUIRE(stand.until([&] { return stand.ended.has_value(); }));
    CHECK(stand.ended->reason == Reason::protocol_denied);
    CHECK(stand.word == "framing");
    CHECK(stand.guest->heard().contains("x-deny-reason: protocol_denied"));
}

TEST_CASE("exchange: given the proxy's form, when one request is answered, then the connection ends", "[edge][EG-2]")
{
    Stand stand;
    stand.allow();
    stand.open_http({ConnectionId{3}, proto::Handling::http, proto::RouteForm::absolute, kName, 80, {}},
        request({}, "http://" + kName + "/a") + request({}, "http://" + kName + "/b"));
    REQUIRE(stand.upstream_got("\r\n\r\n"));
    CHECK(stand.upstream->heard() == request({}, "/a"));
    stand.upstream->say(kOk + "Content-Length: 0\r\n\r\n");
    REQUIRE(stand.until([&] { return stand.ended.has_value(); }));
    CHECK(stand.guest->heard().contains("Connection: close\r\n"));
    CHECK(stand.asked.size() == 1);
}

TEST_CASE("exchange: given an upstream that goes, when no answer came, then 502 without a reason; a cut ends it at once", "[edge][EG-6]")
{
    Stand stand;
    stand.allow();
    stand.open_http();
    stand.guest->say(request());
    REQUIRE(stand.upstream_got("\r\n\r\n"));
    stand.upstream->close();
    REQUIRE(stand.guest_got("HTTP/1.1 502 Bad Gateway"));
    CHECK_FALSE(stand.guest->heard().contains("x-deny-reason"));

    Stand cut;
    cut.open_http();
    cut.guest->say(request());
    REQUIRE(cut.until([&] { return cut.asked.size() == 1; }));
    cut.exchange->cut();
    CHECK_FALSE(cut.ended.has_value());
    REQUIRE(cut.until([&] { return cut.ended && cut.guest->closed() && cut.upstream->closed(); }));
    cut.exchange->allowed({ConnectionId{3}, RequestId{1}, 0, "", ""});  // too late
    cut.settle();
    CHECK(cut.upstream->heard().empty());
}

TEST_CASE("exchange: given a lease, when the request presents the token, then the upstream gets the credential and the guest never does",
    "[edge][EG-7][T-12]")
{
    Stand stand;
    stand.allow(7);
    stand.open_bump({kName});
    stand.guest->say(request("Authorization: Bearer " + kToken + "\r\nAccept-Encoding: gzip\r\n"));
    REQUIRE(stand.upstream_got("\r\n\r\n"));
    CHECK(stand.upstream->heard().contains("Authorization: Bearer " + kCredential + "\r\n"));
    CHECK(stand.upstream->heard().contains("Accept-Encoding: identity\r\n"));
    CHECK_FALSE(stand.upstream->heard().contains("gzip"));
    CHECK_FALSE(stand.upstream->heard().contains(kToken));
    CHECK(stand.fakes.wiped);
    auto const body = "you sent " + kCredential + ".";
    stand.upstream->say(kOk + "Content-Type: text/plain\r\nLocation: http://x/?k=" + kCredential + "\r\nX-" + kCredential +
                        ": 1\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body.substr(0, 15));
    stand.settle();
    stand.upstream->say(body.substr(15));
    REQUIRE(stand.guest_got("0\r\n\r\n"));
    CHECK_FALSE(stand.guest->heard().contains(kCredential.substr(0, 12)));
    CHECK(stand.guest->heard().contains("Location: http://x/?k=[redacted]\r\n"));
    CHECK(stand.guest->heard().contains("[redacted]"));
    CHECK(stand.guest->heard().contains("Transfer-Encoding: chunked\r\n"));

    // The next request on the same connection has no credential unless it shows the token itself.
    stand.guest->forget();
    stand.upstream->forget();
    stand.guest->say(request());
    REQUIRE(stand.guest_got("x-deny-reason: scoped_token_missing"));
    CHECK(stand.upstream->heard().empty());
    REQUIRE(stand.until([&] { return stand.dones.size() == 2; }));
    CHECK(stand.dones[0].reason == Reason::none);
    CHECK(stand.dones[1].reason == Reason::scoped_token_missing);
    CHECK(stand.dones[1].status == 403);
}

TEST_CASE("exchange: given a lease and Basic, when the answer is binary or a WebSocket, then it keeps its length without the credential",
    "[edge][EG-7][T-12]")
{
    Stand stand;
    stand.fakes.credential = "user:long-password-1";
    stand.allow(7, "{basic}");
    stand.open_http();
    stand.guest->say(
        request("Authorization: Basic " +
                crypto::to_base64(std::span(reinterpret_cast<std::uint8_t const*>(("u:" + kToken).data()), kToken.size() + 2)) + "\r\n"));
    REQUIRE(stand.upstream_got("Authorization: Basic dXNlcjpsb25nLXBhc3N3b3JkLTE=\r\n"));
    stand.upstream->say(kOk + "Content-Type: application/octet-stream\r\nContent-Length: 19\r\n\r\n[long-password-1]--");
    REQUIRE(stand.guest_got("[***************]--"));
    CHECK(stand.guest->heard().contains("Content-Length: 19\r\n"));
    stand.guest->say(request(
        "Authorization: Bearer " + kToken +
        "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"));
    REQUIRE(stand.upstream_got("Upgrade: websocket\r\n\r\n"));
    CHECK_FALSE(stand.upstream->heard().contains("permessage"));
    stand.upstream->say("HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x10(long-password-1)");
    CHECK(stand.guest_got("(***************)"));
}

TEST_CASE("exchange: given a token in the wrong place, or none to be had, when it is allowed, then nothing goes out", "[edge][EG-7][T-12]")
{
    struct Wrong {
        std::string headers;
        std::string target;
        std::uint64_t lease;
        std::string format = "Bearer {}";
        Reason reason = Reason::scoped_token_missing;
    };
    std::string const good = "Authorization: Bearer " + kToken + "\r\n";
    for (auto const& wrong : std::vector<Wrong>{
             {"", "/", 7},
             {"X-Key: " + kToken + "\r\n", "/", 7},
             {good + "X-Key: " + kToken + "\r\n", "/", 7},
             {good, "/?k=" + kToken, 7},
             {good + good, "/", 7},
             {good, "/", 0},
             {"", "/" + kToken, 0},
             {good, "/", 8},  // a lease that is not this token's
             {good, "/", 7, "Bearer", Reason::credential_unavailable},
         }) {
        Stand stand;
        stand.allow(wrong.lease, wrong.format);
        stand.open_http();
        stand.guest->say(request(wrong.headers, wrong.target));
        REQUIRE(stand.guest_got("HTTP/1.1 403 "));
        CHECK(stand.guest->heard().contains("x-deny-reason: " + std::string(name_of(wrong.reason))));
        REQUIRE(stand.until([&] { return stand.dones.size() == 1; }));
        CHECK(stand.dones[0].reason == wrong.reason);
        CHECK(stand.upstream->heard().empty());
    }
    for (auto const& bad : {std::string("a\r\nX-Admin: 1"), std::string()}) {
        Stand stand;
        stand.fakes.credential = bad;
        stand.allow(7);
        stand.open_http();
        stand.guest->say(request(good));
        REQUIRE(stand.guest_got("x-deny-reason: credential_unavailable"));
        CHECK(stand.upstream->heard().empty());
    }
}

TEST_CASE("exchange: given an answer that is compressed all the same, when a credential went out, then it is refused", "[edge][EG-7][T-12]")
{
    Stand stand;
    stand.allow(7);
    stand.open_http();
    stand.guest->say(request("Authorization: Bearer " + kToken + "\r\n"));
    REQUIRE(stand.upstream_got("\r\n\r\n"));
    stand.upstream->say(kOk + "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nzzzz");
    REQUIRE(stand.guest_got("x-deny-reason: protocol_denied"));
    CHECK_FALSE(stand.guest->heard().contains("zzzz"));
    REQUIRE(stand.until([&] { return stand.dones.size() == 1; }));
    CHECK(stand.dones[0].reason == Reason::protocol_denied);
}

}  // namespace test_exchange
