// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/wire/http2_relay and http2_session between real sockets: many requests at once, bodies and trailers both ways, back-pressure, and
// how each kind of end is carried on (EG-5, EG-7, T-06).

#include <catch2/catch_test_macros.hpp>

#include "support/http2_stand.h"

namespace test_http2_relay {

using namespace test_support;

std::string const kHost = "api.example.com";

TEST_CASE("http2 relay: given requests at once, when their answers come in another order, then each has its own", "[wire][EG-7]")
{
    Http2Stand stand;
    auto const first = stand.client.ask(Http2Peer::get(kHost, "/first?q=1")),
               second = stand.client.ask(Http2Peer::get(kHost, "/b/../second"));
    REQUIRE(stand.reaches_server("/first?q=1"));
    REQUIRE(stand.reaches_server("/second"));
    stand.server.answer(stand.at_server("/second"), {{":status", "201"}, {"x-a", "2"}}, "two");
    REQUIRE(stand.until([&] { return stand.client.stories[second].closed; }));
    CHECK(stand.client.stories[first].heads.empty());
    stand.server.answer(stand.at_server("/first?q=1"), {{":status", "200"}}, "one");
    REQUIRE(stand.until([&] { return stand.client.stories[first].closed && stand.dones.size() == 2; }));
    CHECK(stand.client.stories[first].body == "one");
    CHECK(stand.client.stories[second].body == "two");
    CHECK(stand.client.stories[second].status() == "201");
    CHECK(Http2Peer::field(stand.client.stories[second].heads[0], "x-a") == "2");
    CHECK(stand.dones[first].status == 200);
    CHECK(stand.dones[second].bytes_down == 3);
    CHECK(Http2Peer::field(stand.server.stories[stand.at_server("/second")].heads[0], ":authority") == kHost);
    CHECK_FALSE(stand.end);
}

TEST_CASE("http2 relay: given large bodies, when they go both ways at once, then every byte and the trailers arrive", "[wire][EG-7]")
{
    Http2Stand stand;
    std::string up(700'000, 'u'), down(900'000, 'd');
    for (std::size_t i = 0; i < up.size(); i += 97) up[i] = static_cast<char>(i);
    for (std::size_t i = 0; i < down.size(); i += 89) down[i] = static_cast<char>(i);
    auto fields = Http2Peer::get(kHost, "/echo", "POST");
    fields.push_back({"te", "trailers"});
    fields.push_back({"x-kept", "1"});
    auto const stream = stand.client.ask_with_body(fields);
    stand.client.say(stream, up, true, {{"x-checksum", "abc"}});
    REQUIRE(stand.reaches_server("/echo"));
    auto const there = stand.at_server("/echo");
    stand.server.answer(there, {{":status", "200"}}, down, {{"grpc-status", "0"}, {"x-secret", "s"}});
    (void)stand.until([&] { return stand.client.stories[stream].closed && stand.server.stories[there].over; });
    CHECK(stand.server.stories[there].body.size() == up.size());
    CHECK(stand.client.stories[stream].body.size() == down.size());
    REQUIRE(stand.client.stories[stream].closed);
    REQUIRE(stand.server.stories[there].over);
    CHECK(stand.server.stories[there].body == up);
    CHECK(Http2Peer::field(stand.server.stories[there].trailers, "x-checksum") == "abc");
    CHECK(Http2Peer::field(stand.server.stories[there].heads[0], "te") == "trailers");
    CHECK(Http2Peer::field(stand.server.stories[there].heads[0], "x-kept") == "1");
    CHECK(stand.client.stories[stream].body == down);
    CHECK(Http2Peer::field(stand.client.stories[stream].trailers, "grpc-status") == "0");
    CHECK(Http2Peer::field(stand.client.stories[stream].trailers, "x-secret").empty());
    CHECK(stand.dones[stream].bytes_up == up.size());
    CHECK(stand.dones[stream].bytes_down == down.size());
}

TEST_CASE("http2 relay: given a side that does not read, when the other goes on, then it is held at the window and neighbours are not",
    "[wire][T-06]")
{
    Http2Stand stand;
    (void)stand.client.ask(Http2Peer::get(kHost, "/slow"));
    REQUIRE(stand.reaches_server("/slow"));
    stand.client.reads = false;
    stand.server.answer(stand.at_server("/slow"), {{":status", "200"}}, std::string(4'000'000, 's'));
    stand.settle();
    auto const sent = 4'000'000 - stand.server.sayings[stand.at_server("/slow")].text.size();
    CHECK(sent <= 2 * kHttp2StreamWindowBytes);
    auto const other = stand.client.ask(Http2Peer::get(kHost, "/other"));
    REQUIRE(stand.reaches_server("/other"));
    stand.server.answer(stand.at_server("/other"), {{":status", "200"}}, "quick");
    REQUIRE(stand.until([&] { return stand.client.stories[other].body == "quick"; }));

    // And towards an upstream that does not read.
    stand.server.reads = false;
    auto const upload = stand.client.ask_with_body(Http2Peer::get(kHost, "/upload", "POST"));
    stand.client.say(upload, std::string(4'000'000, 'u'), true);
    REQUIRE(stand.reaches_server("/upload"));
    stand.settle();
    CHECK(4'000'000 - stand.client.sayings[upload].text.size() <= 2 * kHttp2StreamWindowBytes);
}

TEST_CASE("http2 relay: given streams that are dropped in the middle, when many were, then the connection's window is whole again",
    "[wire][T-06]")
{
    Http2Stand stand;
    for (int round = 0; round < 24; ++round) {
        auto const path = "/" + std::to_string(round);
        auto const stream = stand.client.ask_with_body(Http2Peer::get(kHost, path, "POST"));
        stand.client.say(stream, std::string(60'000, 'u'));
        REQUIRE(stand.reaches_server(path));
        auto const there = stand.at_server(path);
        stand.server.session().respond(there, {{":status", "200"}}, Http2Session::Body::follows);
        stand.server.say(there, std::string(60'000, 'd'));
        REQUIRE(stand.until(
            [&] { return stand.server.stories[there].body.size() == 60'000 && stand.client.stories[stream].body.size() == 60'000; }));
        if (round % 2 == 0)
            stand.client.session().reset(stream, 8);
        else
            stand.server.session().reset(there, 11);
        REQUIRE(stand.until([&] { return stand.dones.contains(stream) && stand.server.stories[there].closed; }));
        CHECK(stand.dones[stream].status == 0);
        if (round % 2 == 0)
            CHECK(stand.server.stories[there].error == 8);
        else
            CHECK(stand.client.stories[stream].error == 11);
    }
}

TEST_CASE("http2 relay: given bodies that came before a refusal, when many did, then their window is the guest's again", "[wire][T-06]")
{
    Http2Stand stand;
    stand.on_request = [](Http2StreamId, RelayRequest const&) {};
    for (std::size_t round = 0; round < 8; ++round) {
        auto const stream = stand.client.ask_with_body(Http2Peer::get(kHost, "/", "POST"));
        stand.client.say(stream, std::string(100'000, 'u'));
        REQUIRE(stand.until([&] { return stand.client.sayings[stream].text.empty() && stand.requests.size() == round + 1; }));
        stand.settle();
        stand.relay->refuse(stream, {403, {}, "no\n"});
        REQUIRE(stand.until([&] { return stand.client.stories[stream].closed; }));
    }
}

TEST_CASE("http2 relay: given refusals, when they are said, then the guest reads them and the connection goes on", "[wire][EG-6]")
{
    Http2Stand stand;
    stand.on_request = [&](Http2StreamId stream, RelayRequest const& head) {
        if (head.path == "/no") return stand.relay->refuse(stream, {403, {{"X-Deny-Reason", "path_denied"}}, "no\n"});
        stand.relay->forward(stream, head, head.host, HttpRelay::Secret::none);
    };
    auto const refused = stand.client.ask_with_body(Http2Peer::get(kHost, "/no", "POST"));
    stand.client.say(refused, std::string(500'000, 'x'));  // and never ends
    REQUIRE(stand.until([&] { return stand.client.stories[refused].closed; }));
    CHECK(stand.client.stories[refused].status() == "403");
    CHECK(Http2Peer::field(stand.client.stories[refused].heads[0], "x-deny-reason") == "path_denied");
    CHECK(stand.client.stories[refused].body == "no\n");
    CHECK(stand.client.stories[refused].error == 0);
    CHECK(stand.dones[refused].status == 403);
    auto const next = stand.client.ask(Http2Peer::get(kHost, "/yes"));
    REQUIRE(stand.reaches_server("/yes"));
    stand.server.answer(stand.at_server("/yes"), {{":status", "204"}}, {});
    REQUIRE(stand.until([&] { return stand.client.stories[next].closed; }));
    CHECK(stand.at_server("/no") == 0);
    CHECK_FALSE(stand.client.away);
}

TEST_CASE("http2 relay: given a request that waits for its decision, when the guest resets it, then it goes nowhere and is told as done",
    "[wire][EG-3]")
{
    Http2Stand stand;
    stand.on_request = [](Http2StreamId, RelayRequest const&) {};
    auto const stream = stand.client.ask(Http2Peer::get(kHost, "/late"));
    REQUIRE(stand.until([&] { return stand.requests.size() == 1; }));
    stand.client.session().reset(stream, 8);
    stand.settle();
    CHECK(stand.dones.empty());
    stand.relay->forward(stream, stand.requests[0].second, kHost, HttpRelay::Secret::none);
    REQUIRE(stand.until([&] { return stand.dones.size() == 1; }));
    CHECK(stand.dones[stream].status == 0);
    stand.settle();
    CHECK(stand.server.stories.empty());
}

TEST_CASE(
    "http2 relay: given an upstream that goes away, when it says so or does not, then the guest hears it in its own terms", "[wire][EG-7]")
{
    SECTION("GOAWAY: what runs ends well, and the guest is told to go as well")
    {
        Http2Stand stand;
        auto const stream = stand.client.ask(Http2Peer::get(kHost, "/running"));
        REQUIRE(stand.reaches_server("/running"));
        stand.server.session().go_away();
        REQUIRE(stand.until([&] { return stand.client.away; }));
        CHECK_FALSE(stand.client.stories[stream].closed);
        stand.server.answer(stand.at_server("/running"), {{":status", "200"}}, "done");
        REQUIRE(stand.until([&] { return stand.guest.closed(); }));
        CHECK(stand.client.stories[stream].body == "done");
        stand.guest.leave();
        REQUIRE(stand.until([&] { return stand.end.has_value(); }));
        CHECK(*stand.end == RelayFault::none);
        CHECK(stand.dones[stream].status == 200);
    }
    SECTION("closed without a word: 502 where nothing was said, a reset where something was")
    {
        Http2Stand stand;
        auto const quiet = stand.client.ask(Http2Peer::get(kHost, "/quiet")), half = stand.client.ask(Http2Peer::get(kHost, "/half"));
        REQUIRE(stand.reaches_server("/half"));
        stand.server.session().respond(stand.at_server("/half"), {{":status", "200"}}, Http2Session::Body::follows);
        stand.server.say(stand.at_server("/half"), "some");
        REQUIRE(stand.until([&] { return stand.client.stories[half].body == "some"; }));
        stand.upstream.leave();
        REQUIRE(stand.until([&] { return stand.client.stories[quiet].closed && stand.client.stories[half].closed; }));
        CHECK(stand.client.stories[quiet].status() == "502");
        CHECK(stand.client.stories[half].error == 2);
        CHECK(stand.dones[quiet].status == 502);
        CHECK(stand.dones[half].status == 0);
    }
    SECTION("bytes that are not HTTP/2")
    {
        Http2Stand stand;
        auto const stream = stand.client.ask(Http2Peer::get(kHost, "/x"));
        REQUIRE(stand.reaches_server("/x"));
        stand.upstream.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
        REQUIRE(stand.until([&] { return stand.client.stories[stream].closed; }));
        CHECK(stand.client.stories[stream].status() == "502");
    }
    SECTION("the guest's own GOAWAY and end")
    {
        Http2Stand stand;
        auto const stream = stand.client.ask(Http2Peer::get(kHost, "/last"));
        REQUIRE(stand.reaches_server("/last"));
        stand.client.session().go_away();
        stand.settle();
        CHECK_FALSE(stand.end);
        stand.server.answer(stand.at_server("/last"), {{":status", "200"}}, "bye");
        REQUIRE(stand.until([&] { return stand.client.stories[stream].body == "bye"; }));
        stand.guest.leave();
        REQUIRE(stand.until([&] { return stand.end.has_value(); }));
        CHECK(*stand.end == RelayFault::none);
    }
}

TEST_CASE(
    "http2 relay: given an answer before its request was whole, when the upstream reads no further, then the upload stops and the answer "
    "stands",
    "[wire][EG-7]")
{
    Http2Stand stand;
    auto const stream = stand.client.ask_with_body(Http2Peer::get(kHost, "/early", "POST"));
    stand.client.say(stream, std::string(50'000, 'x'));
    REQUIRE(stand.reaches_server("/early"));
    auto const there = stand.at_server("/early");
    stand.server.answer(there, {{":status", "413"}}, "too large");
    REQUIRE(stand.until([&] { return stand.client.stories[stream].over; }));
    stand.server.session().reset(there, 0);
    REQUIRE(stand.until([&] { return stand.client.stories[stream].closed; }));
    CHECK(stand.client.stories[stream].body == "too large");
    CHECK(stand.client.stories[stream].error == 0);
    CHECK(stand.dones[stream].status == 413);
}

TEST_CASE("http2 relay: given informational answers, when they come, then they go on, up to a bound", "[wire]")
{
    Http2Stand stand;
    auto const stream = stand.client.ask(Http2Peer::get(kHost, "/hints"));
    REQUIRE(stand.reaches_server("/hints"));
    auto const there = stand.at_server("/hints");
    stand.server.session().inform(there, {{":status", "103"}, {"link", "</a>"}});
    REQUIRE(stand.until([&] { return stand.client.stories[stream].heads.size() == 1; }));
    for (int i = 0; i < 20; ++i) stand.server.session().inform(there, {{":status", "103"}});
    REQUIRE(stand.until([&] { return stand.client.stories[stream].closed; }));
    CHECK(stand.client.stories[stream].status() == "502");
}

struct Upper : BodyFilter {
    void feed(std::string_view in, bool last, std::string& out) override
    {
        held.append(in);
        auto const keep = last ? 0 : std::min<std::size_t>(held.size(), 3);
        out.append(held, 0, held.size() - keep);
        held.erase(0, held.size() - keep);
        if (last) out += "!";
    }
    void release(std::string& out) override { out += std::exchange(held, {}); }
    bool keeps_length() const override { return false; }
    std::string held;
};

TEST_CASE("http2 relay: given a filter, when a body pauses, then its tail is released, and its length is not said", "[wire][EG-7]")
{
    Http2Stand stand;
    stand.make_filter = [] { return std::make_unique<Upper>(); };
    auto const stream = stand.client.ask(Http2Peer::get(kHost, "/events"));
    REQUIRE(stand.reaches_server("/events"));
    auto const there = stand.at_server("/events");
    stand.server.session().respond(there, {{":status", "200"}, {"content-length", "9"}}, Http2Session::Body::follows);
    stand.server.say(there, "event");
    REQUIRE(stand.until([&] { return stand.client.stories[stream].body == "event"; }));
    CHECK(Http2Peer::field(stand.client.stories[stream].heads[0], "content-length").empty());
    stand.server.say(there, "more", true);
    REQUIRE(stand.until([&] { return stand.client.stories[stream].closed; }));
    CHECK(stand.client.stories[stream].body == "eventmore!");
}

TEST_CASE("http2 relay: given waits that are over, when they are, then streams and connections end", "[wire][T-06]")
{
    RelayLimits limits;
    limits.idle = limits.stalled = limits.linger = std::chrono::milliseconds(40);
    limits.quiet = std::chrono::milliseconds(100);
    SECTION("nothing is asked")
    {
        Http2Stand stand(limits);
        REQUIRE(stand.until([&] { return stand.end.has_value(); }));
        CHECK(*stand.end == RelayFault::none);
        CHECK(stand.client.away);
    }
    SECTION("the upstream says nothing")
    {
        Http2Stand stand(limits);
        auto const stream = stand.client.ask(Http2Peer::get(kHost, "/never"));
        REQUIRE(stand.until([&] { return stand.client.stories[stream].closed; }));
        CHECK(stand.faults == std::vector{RelayFault::timeout});
    }
    SECTION("the guest keeps its window shut")
    {
        Http2Stand stand(limits);
        stand.client.reads = false;
        auto const stream = stand.client.ask(Http2Peer::get(kHost, "/shut"));
        REQUIRE(stand.reaches_server("/shut"));
        stand.server.answer(stand.at_server("/shut"), {{":status", "200"}}, std::string(1'000'000, 'x'));
        REQUIRE(stand.until([&] { return stand.dones.contains(stream); }));
        CHECK(stand.dones[stream].status == 0);
        CHECK(stand.client.stories[stream].error == 8);
    }
    SECTION("a head that does not end")
    {
        limits.head = std::chrono::milliseconds(30);
        limits.idle = std::chrono::milliseconds(5'000);
        Http2Stand stand(limits);
        stand.client_speaks = false;
        stand.guest.say(opening() + headers(1, Http2Peer::get(kHost), 0));
        REQUIRE(stand.until([&] { return stand.end.has_value(); }));
        CHECK(*stand.end == RelayFault::timeout);
    }
}

TEST_CASE("http2 relay: given a cut, when it is made, then both sides end at once and nobody is told", "[wire]")
{
    Http2Stand stand;
    auto const stream = stand.client.ask(Http2Peer::get(kHost, "/x"));
    REQUIRE(stand.reaches_server("/x"));
    stand.relay->cut();
    REQUIRE(stand.until([&] { return stand.guest.closed() && stand.upstream.closed(); }));
    CHECK_FALSE(stand.end);
    CHECK_FALSE(stand.dones.contains(stream));
}

}  // namespace test_http2_relay
