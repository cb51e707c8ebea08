// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/wire/http2_head and the guards of http2_session and http2_relay against bytes that no honest client sends: what is malformed,
// what could be read as two requests, and what only makes work (EG-5, T-02, T-06).

#include <catch2/catch_test_macros.hpp>

#include "support/http2_stand.h"

namespace test_http2_guards {

using namespace test_support;

std::string const kHost = "api.example.com";

Http2Fields with(Http2Fields fields, HttpHeader more)
{
    fields.push_back(std::move(more));
    return fields;
}

RelayFault fault_of(Http2Fields const& fields, Http2End end = Http2End::stream)
{
    auto const read = read_http2_request(fields, end);
    return read ? RelayFault::none : read.error();
}

TEST_CASE("http2 head: given a header list, when it is read, then it is the value that HTTP/1.1 would give", "[wire][EG-5]")
{
    auto fields = Http2Peer::get("API.example.com.:8443", "/a/%2e%2e/b%7E?x=1", "POST");
    for (auto const& each : {HttpHeader{"content-length", "5"}, {"te", "trailers"}, {"proxy-authorization", "x"}, {"alt-svc", "h3"},
             {"x-a", "1"}, {"cookie", "a"}, {"cookie", "b"}})
        fields.push_back(each);
    auto const request = read_http2_request(fields, Http2End::not_yet);
    REQUIRE(request.has_value());
    CHECK(request->host == "api.example.com");
    CHECK(request->port == 8443);
    CHECK(request->path == "/b~");
    CHECK(request->query == "?x=1");
    CHECK(request->body == BodyFraming{Framing::length, 5});
    std::string names;
    for (auto const& each : request->headers) names += each.name + ' ';
    CHECK(names == "x-a cookie cookie te ");
    auto const printed = print_http2_request(*request, "api.example.com:8443");
    CHECK(printed[0].name == ":method");
    CHECK(Http2Peer::field(printed, ":path") == "/b~?x=1");
    CHECK(Http2Peer::field(printed, ":authority") == "api.example.com:8443");
    CHECK(Http2Peer::field(printed, "content-length") == "5");
}

TEST_CASE(
    "http2 head: given what two readers could read differently, when it is read, then it is a fault with its name", "[wire][EG-5][T-02]")
{
    auto const get = Http2Peer::get(kHost);
    CHECK(fault_of(get) == RelayFault::none);
    CHECK(fault_of(with(get, {"host", kHost})) == RelayFault::none);
    CHECK(fault_of(with(get, {"host", kHost + ":443"})) == RelayFault::none);
    CHECK(fault_of(with(get, {"host", "other.example.com"})) == RelayFault::host);
    CHECK(fault_of(with(get, {"host", kHost + ":8443"})) == RelayFault::host);
    CHECK(fault_of(with(with(get, {"host", kHost}), {"host", kHost})) == RelayFault::host);
    CHECK(fault_of({{":method", "GET"}, {":scheme", "https"}, {":path", "/"}}) == RelayFault::host);
    CHECK(fault_of(Http2Peer::get("user@" + kHost)) == RelayFault::host);
    CHECK(fault_of(Http2Peer::get(kHost, "/", "CONNECT")) == RelayFault::method);
    CHECK(fault_of(Http2Peer::get(kHost, "/", "TRACE")) == RelayFault::method);
    CHECK(fault_of(with(Http2Peer::get(kHost), {":protocol", "websocket"})) == RelayFault::target);
    CHECK(fault_of({{":method", "GET"}, {":scheme", "http"}, {":authority", kHost}, {":path", "/"}}) == RelayFault::target);
    CHECK(fault_of(Http2Peer::get(kHost, "*", "OPTIONS")) != RelayFault::none);
    CHECK(fault_of(Http2Peer::get(kHost, "https://other.example.com/")) != RelayFault::none);
    CHECK(fault_of(Http2Peer::get(kHost, "/a/..%5c..%5cadmin")) == RelayFault::path);
    CHECK(fault_of(Http2Peer::get(kHost, "/a\\b")) == RelayFault::path);
    CHECK(fault_of(Http2Peer::get(kHost, "/a#b")) == RelayFault::target);
    CHECK(fault_of(Http2Peer::get(kHost, "")) != RelayFault::none);
    CHECK(fault_of(with(get, {"content-length", "5"})) == RelayFault::framing);
    CHECK(fault_of(with(get, {"content-length", "+5"}), Http2End::not_yet) == RelayFault::framing);
    CHECK(fault_of(with(with(get, {"content-length", "5"}), {"content-length", "5"}), Http2End::not_yet) == RelayFault::framing);
    CHECK(fault_of(with(get, {"expect", "gold"})) == RelayFault::expectation);
    Http2Fields many = get;
    for (int i = 0; i < 128; ++i) many.push_back({"x", "y"});
    CHECK(fault_of(many) == RelayFault::too_large);
    CHECK_FALSE(read_http2_response({{":status", "101"}}, Http2End::not_yet, {}).has_value());
    CHECK_FALSE(read_http2_response({{":status", "2000"}}, Http2End::not_yet, {}).has_value());
    CHECK_FALSE(read_http2_trailers({{":status", "200"}}).has_value());
}

// What the guest sends after its preface, and what comes of it.
struct Abuse {
    explicit Abuse(std::string const& bytes, std::function<void(Http2Stand&)> const& before = {})
    {
        stand.client_speaks = false;
        if (before) before(stand);
        whole = stand.guest.say(opening() + bytes) == opening().size() + bytes.size();
        ended = stand.until([&] { return stand.guest.closed() || stand.end.has_value(); });
        stand.guest.leave();
        ended = stand.until([&] { return stand.end.has_value(); }) && ended;
    }
    Http2Stand stand;
    bool whole = false, ended = false;
};

TEST_CASE(
    "http2 guards: given a request that the protocol does not allow, when it comes, then the connection ends as grammar and nothing goes "
    "out",
    "[wire][EG-5][T-02]")
{
    auto const get = Http2Peer::get(kHost);
    std::pair<char const*, std::string> const
        cases
            [] =
                {
                    {"upper case name", headers(1, with(get, {"X-Upper", "1"}))},
                    {"connection field", headers(1, with(get, {"connection", "close"}))},
                    {"keep-alive", headers(1, with(get, {"keep-alive", "1"}))},
                    {"transfer-encoding", headers(1, with(get, {"transfer-encoding", "chunked"}), kEndHeaders)},
                    {"upgrade", headers(1, with(get, {"upgrade", "websocket"}))},
                    {"proxy-connection", headers(1, with(get, {"proxy-connection", "close"}))},
                    {"te other than trailers", headers(1, with(get, {"te", "gzip"}))},
                    {"pseudo field after a field",
                        headers(1, {{":method", "GET"}, {":scheme", "https"}, {"x", "y"}, {":authority", kHost}, {":path", "/"}})},
                    {"pseudo field twice", headers(1, with(get, {":path", "/admin"}))},
                    {"pseudo field unknown", headers(1, with(get, {":other", "1"}))},
                    {"pseudo field of an answer", headers(1, with(get, {":status", "200"}))},
                    {"no path", headers(1, {{":method", "GET"}, {":scheme", "https"}, {":authority", kHost}})},
                    {"no method", headers(1, {{":scheme", "https"}, {":authority", kHost}, {":path", "/"}})},
                    {"extended CONNECT", headers(1, {{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"},
                                                        {":authority", kHost}, {":path", "/"}})},
                    {"line break in a value", headers(1, with(get, {"x", "a\r\nhost: other"}))},
                    {"NUL in a value", headers(1, with(get, {"x", std::string("a\0b", 3)}))},
                    {"space before a value", headers(1, with(get, {"x", " a"}))},
                    {"colon in a name", headers(1, with(get, {"x:y", "a"}))},
                    {"space in a name", headers(1, with(get, {"x ", "a"}))},
                    {"line break in the path", headers(1, Http2Peer::get(kHost, "/a\r\nb"))},
                    {"two lengths", headers(1, with(with(get, {"content-length", "1"}), {"content-length", "2"}), kEndHeaders)},
                    {"even stream", headers(2, get)},
                    {"stream 0", headers(0, get)},
                    {"data on stream 0", frame(kDataFrame, 0, 0, "x")},
                    {"data on an idle stream", frame(kDataFrame, 0, 5, "x")},
                    {"continuation of nothing", frame(kContinuationFrame, kEndHeaders, 1, block(get))},
                    {"a frame between a head and its continuation",
                        headers(1, get, kEndStream) + frame(kPingFrame, 0, 0, std::string(8, 'p'))},
                    {"a second stream between", headers(1, get, kEndStream) + headers(3, get)},
                    {"broken compression",
                        frame(kHeadersFrame, kEndStream | kEndHeaders, 1, std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8))},
                    {"frame larger than was agreed", frame(kPingFrame, 0, 0, std::string(20'000, 'p'))},
                    {"window of nothing", frame(kWindowFrame, 0, 0, number(0, 4))},
                    {"window beyond its bound",
                        frame(kWindowFrame, 0, 0, number(0x7fffffff, 4)) + frame(kWindowFrame, 0, 0, number(0x7fffffff, 4))},
                    {"settings of odd size", frame(kSettingsFrame, 0, 0, "abc")},
                    {"push from a client", frame(kSettingsFrame, 0, 0, number(2, 2) + number(7, 4))},
                    {"more settings than anybody has",
                        frame(kSettingsFrame, 0, 0,
                            [] {
                                std::string out;
                                for (int i = 0; i < 40; ++i) out += number(0x99, 2) + number(1, 4);
                                return out;
                            }())},
                };
    for (auto const& [name, bytes] : cases) {
        INFO(name);
        Abuse abuse(bytes);
        CHECK(abuse.ended);
        CHECK(abuse.stand.end.value_or(RelayFault::none) == RelayFault::grammar);
        CHECK(abuse.stand.requests.empty());
        CHECK(abuse.stand.server.stories.empty());
    }
    Http2Stand stand;
    stand.client_speaks = false;
    stand.guest.say("GET / HTTP/1.1\r\nHost: " + kHost + "\r\n\r\n");
    REQUIRE(stand.until([&] { return stand.guest.closed(); }));
    stand.guest.leave();
    REQUIRE(stand.until([&] { return stand.end.has_value(); }));
    CHECK(*stand.end == RelayFault::grammar);
}

TEST_CASE("http2 guards: given a body that is not as long as was said, when it ends, then the upstream does not take it for whole",
    "[wire][EG-5][T-02]")
{
    for (auto const& body : {std::string("four"), std::string("four and more")}) {
        Http2Stand stand;
        stand.client_speaks = false;
        stand.guest.say(opening() + headers(1, with(Http2Peer::get(kHost, "/", "POST"), {"content-length", "8"}), kEndHeaders));
        REQUIRE(stand.reaches_server("/"));
        stand.guest.say(frame(kDataFrame, kEndStream, 1, body));
        auto const there = stand.at_server("/");
        REQUIRE(stand.until([&] { return stand.server.stories[there].closed; }));
        CHECK_FALSE(stand.server.stories[there].over);
        CHECK(stand.server.stories[there].error != 0);
        REQUIRE(stand.until([&] { return stand.dones.contains(1); }));
        CHECK(stand.dones[1].status == 0);
    }
}

TEST_CASE("http2 guards: given a head that is too large, when it comes, then it is said and nothing new is taken", "[wire][EG-5][T-06]")
{
    auto const expect_too_large = [](Http2Fields const& fields, bool continued) {
        Http2Stand stand;
        stand.client_speaks = false;
        stand.client.hear({});
        auto const all = block(fields);
        std::string bytes;
        if (!continued) {
            bytes = headers(1, fields);
        } else {
            bytes = frame(kHeadersFrame, kEndStream, 1, all.substr(0, 16'000));
            for (std::size_t at = 16'000; at < all.size(); at += 16'000)
                bytes += frame(kContinuationFrame, at + 16'000 >= all.size() ? kEndHeaders : 0, 1, all.substr(at, 16'000));
        }
        stand.guest.say(opening() + bytes);
        REQUIRE(stand.until([&] { return stand.guest.closed(); }));
        CHECK(stand.faults == std::vector{RelayFault::too_large});
        CHECK(stand.requests.empty());
        CHECK(stand.server.stories.empty());
    };
    auto fields = Http2Peer::get(kHost);
    for (int i = 0; i < 200; ++i) fields.push_back({"x" + std::to_string(i), "y"});
    expect_too_large(fields, false);
    fields = Http2Peer::get(kHost);
    for (int i = 0; i < 8; ++i) fields.push_back({"x" + std::to_string(i), std::string(6'000, 'y')});
    expect_too_large(fields, true);
}

TEST_CASE("http2 guards: given a flood, when it comes, then it is cut off and the owner is not asked more than it may be", "[wire][T-06]")
{
    auto const repeated = [](std::string const& bytes, int times) {
        std::string out;
        for (int i = 0; i < times; ++i) out += bytes;
        return out;
    };
    auto const get = Http2Peer::get(kHost);
    SECTION("CONTINUATION without end")
    {
        Abuse abuse(headers(1, get, kEndStream) + repeated(frame(kContinuationFrame, 0, 1, block({{"x", "y"}})), 50));
        CHECK(abuse.ended);
        CHECK(abuse.stand.end == RelayFault::grammar);
        CHECK(abuse.stand.requests.empty());
    }
    SECTION("questions and orders that carry nothing")
    {
        // Frames of an unknown type make no work: they are read past, as a body is.
        for (auto const& each : {frame(kPingFrame, 0, 0, std::string(8, 'p')), frame(kSettingsFrame, 0, 0, {}),
                 frame(kPingFrame, 1, 0, std::string(8, 'p')), frame(2, 0, 1, number(0, 4) + '\x01')}) {
            INFO(static_cast<int>(each[3]));
            Abuse abuse(repeated(each, 700));
            CHECK(abuse.ended);
            bool const cut = abuse.stand.end == RelayFault::flood || abuse.stand.end == RelayFault::grammar;
            CHECK(cut);
        }
    }
    SECTION("empty pieces of a body")
    {
        Abuse abuse(headers(1, Http2Peer::get(kHost, "/", "POST"), kEndHeaders) + repeated(frame(kDataFrame, 0, 1, {}), 700));
        CHECK(abuse.stand.end == RelayFault::flood);
    }
    SECTION("windows opened byte by byte")
    {
        Abuse abuse(repeated(frame(kWindowFrame, 0, 0, number(1, 4)), 20'500), [](Http2Stand& stand) { stand.settle(); });
        if (abuse.whole) CHECK(abuse.stand.end == RelayFault::flood);
    }
    SECTION("more streams than there may be")
    {
        Http2Stand stand;
        stand.client_speaks = false;
        stand.on_request = [](Http2StreamId, RelayRequest const&) {};
        std::string bytes = opening();
        for (std::uint32_t i = 0; i < 150; ++i) bytes += headers(2 * i + 1, get);
        stand.guest.say(bytes);
        stand.settle();
        CHECK(stand.requests.size() == kHttp2StreamsMax);
        CHECK_FALSE(stand.end);
    }
    SECTION("rapid reset (CVE-2023-44487): what was reset while it was asked for still counts")
    {
        Http2Stand stand;
        stand.client_speaks = false;
        stand.on_request = [](Http2StreamId, RelayRequest const&) {};
        std::string bytes = opening();
        for (std::uint32_t i = 0; i < 300; ++i) bytes += headers(2 * i + 1, get) + frame(kResetFrame, 0, 2 * i + 1, number(8, 4));
        stand.guest.say(bytes);
        stand.settle();
        CHECK(stand.requests.size() == kHttp2StreamsMax);
        bytes.clear();
        for (std::uint32_t i = 300; i < 1'200; ++i) bytes += headers(2 * i + 1, get) + frame(kResetFrame, 0, 2 * i + 1, number(8, 4));
        stand.guest.say(bytes);
        REQUIRE(stand.until([&] { return stand.guest.closed(); }));
        CHECK(stand.requests.size() == kHttp2StreamsMax);
        stand.guest.leave();
        REQUIRE(stand.until([&] { return stand.end.has_value(); }));
        CHECK(*stand.end != RelayFault::none);
    }
}

TEST_CASE("http2 guards: given an upstream that breaks the protocol, when it answers, then the guest is told 502 or sees a reset",
    "[wire][EG-7][T-02]")
{
    Http2Fields const ok{{":status", "200"}};
    std::pair<char const*, std::string> const cases[] = {
        {"no status", headers(1, {{"x", "y"}}, kEndHeaders)},
        {"upper case name", headers(1, with(ok, {"X-Upper", "y"}))},
        {"connection field", headers(1, with(ok, {"connection", "close"}))},
        {"101", headers(1, {{":status", "101"}}, kEndHeaders)},
        {"line break in a value", headers(1, with(ok, {"x", "a\r\nset-cookie: b"}))},
        {"length without body", headers(1, with(ok, {"content-length", "5"}))},
        {"data before a head", frame(kDataFrame, kEndStream, 1, "hi")},
        {"push", frame(5, kEndHeaders, 1, number(2, 4) + block(Http2Peer::get(kHost)))},
        {"too many fields", headers(1,
                                [] {
                                    Http2Fields out{{":status", "200"}};
                                    for (int i = 0; i < 200; ++i) out.push_back({"x" + std::to_string(i), "y"});
                                    return out;
                                }())},
    };
    for (auto const& [name, bytes] : cases) {
        INFO(name);
        Http2Stand stand;
        auto const stream = stand.client.ask(Http2Peer::get(kHost, "/x"));
        REQUIRE(stand.reaches_server("/x"));
        stand.upstream.say(bytes);
        bool const told = stand.until([&] { return stand.client.stories[stream].closed; });
        CHECK(told);
        bool const refused = stand.client.stories[stream].status() == "502" || stand.client.stories[stream].error != 0;
        CHECK(refused);
    }
    Http2Stand stand;
    auto const stream = stand.client.ask(Http2Peer::get(kHost, "/short"));
    REQUIRE(stand.reaches_server("/short"));
    stand.upstream.say(headers(1, with(ok, {"content-length", "8"}), kEndHeaders) + frame(kDataFrame, kEndStream, 1, "four"));
    REQUIRE(stand.until([&] { return stand.client.stories[stream].closed; }));
    CHECK_FALSE(stand.client.stories[stream].over);
    CHECK(stand.client.stories[stream].error != 0);
}

}  // namespace test_http2_guards
