// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/wire/http_relay over socket pairs: streaming both ways with a bound, order of requests, every way in which an answer can end, and
// that nothing passes for whole that is not (EG-7).

#include <catch2/catch_test_macros.hpp>

#include "support/relay_stand.h"

namespace test_http_relay {

using namespace test_support;
using namespace std::chrono_literals;

std::string const kGet = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
std::string const kHead = "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n";
std::string const kOk = "HTTP/1.1 200 OK\r\n";
std::string const kWebSocket =
    "GET /s HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a\r\n"
    "Sec-WebSocket-Version: 13\r\n\r\n";
std::string const kSwitch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";

bool asked(RelayStand& stand, std::string_view end = "\r\n\r\n")
{
    return stand.until([&] { return stand.upstream.heard().ends_with(end); });
}
bool told(RelayStand& stand, std::string_view part)
{
    return stand.until([&] { return stand.guest.heard().contains(part); });
}

TEST_CASE("relay: given two requests sent ahead, when they are answered, then one after the other on one connection", "[wire][EG-7]")
{
    RelayStand stand(kGet + kGet);
    REQUIRE(asked(stand));
    stand.settle();
    CHECK(stand.upstream.heard() == kGet);
    (void)stand.upstream.say(kOk + "Content-Length: 1\r\n\r\n1");
    REQUIRE(stand.until([&] { return stand.upstream.heard() == kGet + kGet; }));
    (void)stand.upstream.say(kOk + "Transfer-Encoding: chunked\r\n\r\n1;x=y\r\n2\r\n0\r\nX-T: 1\r\n\r\n");
    REQUIRE(told(stand, "0\r\n\r\n"));
    CHECK(stand.guest.heard() == kOk + "Content-Length: 1\r\n\r\n1" + kOk + "Transfer-Encoding: chunked\r\n\r\n1\r\n2\r\n0\r\n\r\n");
    CHECK(stand.dones.size() == 2);
    CHECK_FALSE(stand.end);
}

TEST_CASE("relay: given answers without a body, when they say a length, then none is waited for", "[wire][EG-7]")
{
    RelayStand stand(kHead + kGet + kGet + kGet);
    REQUIRE(asked(stand));
    (void)stand.upstream.say(kOk + "Content-Length: 5\r\n\r\n");
    REQUIRE(told(stand, "Content-Length: 5\r\n\r\n"));
    REQUIRE(stand.until([&] { return stand.requests.size() == 2; }));
    stand.settle();
    (void)stand.upstream.say("HTTP/1.1 304 Other\r\nContent-Length: 7\r\nETag: x\r\n\r\n");
    REQUIRE(told(stand, "304 Not Modified\r\nETag: x\r\nContent-Length: 7\r\n\r\n"));
    stand.settle();
    (void)stand.upstream.say("HTTP/1.1 204 No\r\nContent-Length: 7\r\n\r\n");
    REQUIRE(told(stand, "204 No Content\r\n\r\n"));
    stand.settle();
    (void)stand.upstream.say(kOk + "Content-Length: 2\r\n\r\nok");
    CHECK(told(stand, "\r\n\r\nok"));
    CHECK(stand.dones.size() == 4);
}

TEST_CASE("relay: given an upload and an upstream that does not read, when the guest goes on, then little is taken, and all arrives later",
    "[wire][EG-7][T-02]")
{
    constexpr std::size_t kSize = 8u << 20;
    RelayStand stand("POST /u HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
    std::string const block(64u << 10, 'x');
    std::size_t sent = 0, before = 1;
    while (sent != before) {
        before = sent;
        sent += stand.guest.say(std::string_view(block).substr(0, std::min(block.size(), kSize - sent)));
        stand.settle();
    }
    // Two socket buffers of the kernel's and what the relay may keep.
    CHECK(sent < (2u << 20));
    REQUIRE(stand.until([&] {
        sent += stand.guest.say(std::string_view(block).substr(0, std::min(block.size(), kSize - sent)));
        return stand.upstream.heard().size() >= kSize;
    }));
    (void)stand.upstream.say(kOk + "Content-Length: 0\r\n\r\n");
    REQUIRE(stand.until([&] { return !stand.dones.empty(); }));
    CHECK(stand.dones[0].bytes_up == kSize);
}

TEST_CASE("relay: given a download and a guest that does not read, when the upstream goes on, then little is taken", "[wire][EG-7][T-02]")
{
    RelayStand stand(kGet);
    REQUIRE(asked(stand));
    (void)stand.upstream.say(kOk + "\r\n");
    std::string const block(64u << 10, 'x');
    std::size_t sent = 0, before = 1;
    while (sent != before) {
        before = sent;
        sent += stand.upstream.say(block);
        stand.settle();
    }
    CHECK(sent < (2u << 20));
}

TEST_CASE("relay: given events, when each arrives, then it goes on at once and the connection stays open", "[wire][EG-7]")
{
    RelayStand stand(kGet);
    REQUIRE(asked(stand));
    (void)stand.upstream.say(kOk + "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (auto const* const event : {"data: 1\n\n", "data: 2\n\n"}) {
        (void)stand.upstream.say(std::string("9\r\n") + event + "\r\n");
        CHECK(told(stand, event));
    }
    CHECK_FALSE(stand.end);
}

TEST_CASE("relay: given a guest that waits to be told to go on, when the upstream says 100, then it is passed on before the answer",
    "[wire][EG-7]")
{
    RelayStand stand("POST /u HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    REQUIRE(asked(stand));
    CHECK(stand.upstream.heard().contains("Expect: 100-continue\r\n"));
    (void)stand.upstream.say("HTTP/1.1 100 Continue\r\n\r\n");
    REQUIRE(told(stand, "HTTP/1.1 100 Continue\r\n\r\n"));
    (void)stand.guest.say("abc");
    REQUIRE(asked(stand, "abc"));
    (void)stand.upstream.say(kOk + "Content-Length: 0\r\n\r\n");
    REQUIRE(told(stand, kOk));
    CHECK_FALSE(stand.guest.heard().contains("Connection: close"));
}

TEST_CASE("relay: given an answer before the request was whole, when it is passed on, then the connection ends", "[wire][EG-7]")
{
    RelayStand stand("POST /u HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na");
    REQUIRE(asked(stand, "a"));
    (void)stand.upstream.say("HTTP/1.1 413 Too much\r\nContent-Length: 2\r\n\r\nno");
    REQUIRE(told(stand, "Connection: close\r\n\r\nno"));
    (void)stand.guest.say("bc" + kGet);
    REQUIRE(stand.until([&] { return stand.guest.closed(); }));
    CHECK(stand.requests.size() == 1);
}

TEST_CASE("relay: given a body that lasts until the end, when the end is one, then the guest sees it whole, else broken", "[wire][EG-7]")
{
    RelayStand stand(kGet);
    REQUIRE(asked(stand));
    (void)stand.upstream.say("HTTP/1.0 200 OK\r\n\r\nabc");
    REQUIRE(told(stand, "3\r\nabc\r\n"));
    stand.upstream.end_writing();
    REQUIRE(told(stand, "0\r\n\r\n"));
    CHECK(stand.guest.heard().contains("Connection: close\r\n"));

    RelayStand cut(kGet);
    REQUIRE(asked(cut));
    (void)cut.upstream.say(kOk + "Content-Length: 10\r\n\r\nabc");
    REQUIRE(told(cut, "abc"));
    cut.upstream.leave();
    REQUIRE(cut.until([&] { return cut.end.has_value(); }));
    CHECK(cut.end == RelayFault::upstream);
    CHECK(cut.dones.at(0).status == 0);

    RelayStand chunked(kGet);
    REQUIRE(asked(chunked));
    (void)chunked.upstream.say(kOk + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    REQUIRE(told(chunked, "abc"));
    chunked.upstream.leave();
    REQUIRE(chunked.until([&] { return chunked.end.has_value(); }));
    CHECK_FALSE(chunked.guest.heard().contains("0\r\n\r\n"));
}

TEST_CASE(
    "relay: given an upstream that ends without an answer, when the request is the first, then 502, else a bare close", "[wire][EG-7]")
{
    RelayStand first(kGet);
    REQUIRE(asked(first));
    first.upstream.leave();
    REQUIRE(told(first, "HTTP/1.1 502 "));
    CHECK(first.dones.at(0).status == 502);

    RelayStand later(kGet);
    REQUIRE(asked(later));
    (void)later.upstream.say(kOk + "Content-Length: 0\r\n\r\n");
    REQUIRE(told(later, kOk));
    later.guest.forget();
    (void)later.guest.say(kGet);
    REQUIRE(later.until([&] { return later.requests.size() == 2; }));
    later.upstream.leave();
    REQUIRE(later.until([&] { return later.guest.closed(); }));
    CHECK(later.guest.heard().empty());
}

TEST_CASE("relay: given bytes from the upstream that nobody asked for, when a request comes, then they are not its answer", "[wire][EG-5]")
{
    RelayStand stand(kGet);
    REQUIRE(asked(stand));
    (void)stand.upstream.say(kOk + "Content-Length: 0\r\n\r\n" + kOk + "Content-Length: 4\r\n\r\nevil");
    REQUIRE(told(stand, kOk));
    stand.settle();
    stand.guest.forget();
    (void)stand.guest.say(kGet);
    REQUIRE(told(stand, "HTTP/1.1 502 "));
    CHECK_FALSE(stand.guest.heard().contains("evil"));
}

TEST_CASE(
    "relay: given a request for a WebSocket, when the upstream agrees, then bytes go both ways unread until one side ends", "[wire][EG-7]")
{
    RelayStand stand(kWebSocket + std::string("\x81\x01g", 3));
    REQUIRE(stand.until([&] { return stand.upstream.heard().contains("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"); }));
    CHECK(stand.requests.at(0).websocket);
    (void)stand.upstream.say(kSwitch + std::string("\x81\x01u", 3));
    REQUIRE(told(stand, std::string("\r\n\r\n\x81\x01u", 7)));
    REQUIRE(asked(stand, std::string("\x81\x01g", 3)));
    CHECK(stand.guest.heard().starts_with("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"));
    stand.upstream.leave();
    REQUIRE(stand.until([&] { return stand.guest.closed(); }));
    CHECK(stand.dones.at(0).status == 101);
}

TEST_CASE("relay: given a request for a WebSocket, when the upstream declines, then the next request is one again", "[wire][EG-5]")
{
    RelayStand stand(kWebSocket + kGet);
    REQUIRE(asked(stand));
    stand.settle();
    CHECK_FALSE(stand.upstream.heard().contains("GET /a"));
    (void)stand.upstream.say(kOk + "Content-Length: 0\r\n\r\n");
    CHECK(stand.until([&] { return stand.requests.size() == 2; }));
}

TEST_CASE("relay: given a refusal, when the request had no body, then the connection goes on, else it ends", "[wire][EG-6]")
{
    RelayStand stand(kGet + kGet + "POST /u HTTP/1.1\r\nHost: h\r\nContent-Length: 30\r\n\r\n" + kGet);
    stand.on_request = [&](RelayRequest const&) { stand.relay->refuse({403, {}, "no"}); };
    REQUIRE(stand.until([&] { return stand.guest.closed() || stand.end; }));
    CHECK(stand.requests.size() == 3);  // the fourth is within the body of the third
    CHECK(stand.dones.size() == 3);
    CHECK(stand.upstream.heard().empty());
}

TEST_CASE("relay: given an owner that refuses an answer, when it came, then the guest gets the refusal and none of it", "[wire][EG-7]")
{
    RelayStand stand(kGet);
    stand.on_response = [](RelayResponse&) { return HttpResponse{403, {}, "no"}; };
    REQUIRE(asked(stand));
    (void)stand.upstream.say(kOk + "Content-Length: 6\r\n\r\nsecret");
    REQUIRE(told(stand, "HTTP/1.1 403 "));
    REQUIRE(stand.until([&] { return stand.guest.closed(); }));
    CHECK_FALSE(stand.guest.heard().contains("secret"));
}

TEST_CASE(
    "relay: given a head that does not come, when its time is over, then it is refused; an idle connection ends quietly", "[wire][T-02]")
{
    RelayLimits limits;
    limits.head = 20ms;
    RelayStand slow("GET / HT", limits);
    REQUIRE(slow.until([&] { return !slow.faults.empty(); }));
    CHECK(slow.faults[0] == RelayFault::timeout);

    RelayLimits idle;
    idle.idle = 20ms;
    RelayStand quiet({}, idle);
    REQUIRE(quiet.until([&] { return quiet.guest.closed(); }));
    CHECK(quiet.guest.heard().empty());
}

TEST_CASE("relay: given a side that does not read, when its time is over, then both are cut", "[wire][T-02]")
{
    RelayLimits limits;
    limits.stalled = 30ms;
    RelayStand stand(kGet, limits);
    REQUIRE(asked(stand));
    (void)stand.upstream.say(kOk + "\r\n");
    std::string const block(64u << 10, 'x');
    REQUIRE(stand.until([&] {
        (void)stand.upstream.say(block);
        return stand.end.has_value();
    }));
    CHECK(stand.end == RelayFault::timeout);
}

TEST_CASE("relay: given a cut, when it is under way, then both sides are closed and the owner hears nothing", "[wire]")
{
    RelayStand stand(kGet);
    REQUIRE(asked(stand));
    stand.relay->cut();
    CHECK(stand.guest.closed());
    CHECK(stand.upstream.closed());
    stand.settle();
    CHECK_FALSE(stand.end);
    CHECK(stand.dones.empty());
}

TEST_CASE("relay: given too many informational answers, when the next comes, then it is a 502", "[wire][T-02]")
{
    RelayStand stand(kGet);
    REQUIRE(asked(stand));
    for (int i = 0; i < 17; ++i) (void)stand.upstream.say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    CHECK(told(stand, "HTTP/1.1 502 "));
}

}  // namespace test_http_relay
