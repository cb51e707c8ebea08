// SPDX-License-Identifier: GPL-3.0-or-later
// Units: first_look, refusal, denial_fold, resolver, name_pool, start_gate, trip.

#include <catch2/catch_test_macros.hpp>

#include "edge/denial_fold.h"
#include "edge/first_look.h"
#include "edge/name_pool.h"
#include "edge/refusal.h"
#include "edge/resolver.h"
#include "edge/start_gate.h"
#include "edge/trip.h"
#include "wire/http_head.h"

namespace test_edge_values {

using namespace ocu;
using namespace std::chrono_literals;
using proto::EgressProtocol;

TEST_CASE("first_look: given a whole request head, when looked at, then http, its method, target and host", "[edge][EG-6][T-02]")
{
    std::string const head = "GET /a HTTP/1.1\r\nHost: Example.ORG:8080\r\n\r\n";
    auto const look = edge::look_at(head + "body");
    CHECK(look.complete);
    CHECK(look.protocol == EgressProtocol::http);
    CHECK(look.name == "example.org");
    CHECK(look.method == "GET");
    CHECK(look.target == "/a");
    CHECK(look.head_bytes == head.size());
    CHECK(edge::look_at("GET / HTTP/1.1\r\nHost: [2001:DB8::1]:80\r\n\r\n").name == "2001:db8::1");
    CHECK(edge::look_at("GET / HTTP/1.0\r\n\r\n").name.empty());
    CHECK(edge::look_at("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n").name == "a@b");
}

TEST_CASE("first_look: given every shorter part of a head, when looked at, then it waits", "[edge][EG-6]")
{
    std::string const head = "GET /path HTTP/1.1\r\nHost: example.org\r\nA: b\r\n\r\n";
    for (std::size_t size = 0; size < head.size(); ++size) {
        INFO(size);
        CHECK_FALSE(edge::look_at(std::string_view(head).substr(0, size)).complete);
    }
}

TEST_CASE("first_look: given what is no request, when looked at, then the answer needs no more bytes", "[edge][EG-6]")
{
    for (std::string const text : {"SSH-2.0-OpenSSH_9.2\r\n", "\n", "{\"a\":1}", "get / HTTP/1.1\r\n\r\n", "GET  HTTP/9\r\n\r\n", "\x01"}) {
        INFO(text);
        auto const look = edge::look_at(text);
        CHECK(look.complete);
        CHECK(look.protocol == EgressProtocol::tcp);
    }
}

TEST_CASE("first_look: given the beginning of TLS, when looked at, then it waits for the whole hello, and says when it is none", "[edge][EG-5]")
{
    auto const begun = edge::look_at(std::string_view("\x16\x03\x01\x02\x00\x01", 6));
    CHECK(begun.protocol == EgressProtocol::tls);
    CHECK_FALSE(begun.complete);
    auto const wrong = edge::look_at(std::string_view("\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9));
    CHECK(wrong.protocol == EgressProtocol::tls);
    CHECK(wrong.complete);
    CHECK(wrong.malformed);
}

TEST_CASE("first_look: given a head over its bound, when looked at, then no request", "[edge][T-02][T-06]")
{
    auto const look = edge::look_at("GET / HTTP/1.1\r\nA: " + std::string(20'000, 'a'));
    CHECK(look.complete);
    CHECK(look.protocol == EgressProtocol::tcp);
}

TEST_CASE("first_look: given a host with bytes that are not printable, when looked at, then they are replaced", "[edge][T-02][T-09]")
{
    CHECK(edge::printable("a b\x1b[31m\n\xc3\xa9", 64) == "a?b?[31m???");
    CHECK(edge::printable("abcdef", 3) == "abc");
}

TEST_CASE("first_look: given what a proxy is asked for, when read, then a host and a port, or nothing", "[edge][EG-2][EG-5]")
{
    auto const name = edge::read_host_port("Example.org.:443", 0).value();
    CHECK(name.host == "example.org");
    CHECK(name.is_name);
    CHECK(name.port == 443);
    auto const six = edge::read_host_port("[2001:0DB8::1]:8443", 0).value();
    CHECK(six.host == "2001:db8::1");
    CHECK_FALSE(six.is_name);
    CHECK(edge::read_host_port("192.0.2.1:80", 0).value().host == "192.0.2.1");
    for (std::string const text : {"example.org", "example.org:", "example.org:0", "example.org:65536", "example.org:44x", ":443", "a b:443", "a@b:443",
             "0x7f.1:80", "127.1:80", "2130706433:80", "[::1]", "[::ffff:1.2.3.4]:80", "[example.org]:443", "2001:db8::1:443"}) {
        INFO(text);
        CHECK_FALSE(edge::read_host_port(text, 0));
    }
    CHECK(edge::read_absolute_form("http://a.example:8080/x?y").value().port == 8080);
    CHECK(edge::read_absolute_form("HTTP://a.example").value().port == 80);
    for (std::string const text : {"https://a.example/", "ftp://a.example/", "/x", "http://u:p@a.example/", "http:///x", "*"}) {
        INFO(text);
        CHECK_FALSE(edge::read_absolute_form(text));
    }
}

TEST_CASE("refusal: given a reason and a destination, when printed, then a whole response that says both and whom to ask", "[edge][EG-6]")
{
    auto const text = edge::http_refusal(proto::Reason::not_allowed, "example.org", 8080);
    auto const end = text.find("\r\n\r\n");
    REQUIRE(end != std::string::npos);
    CHECK(text.starts_with("HTTP/1.1 403 Forbidden\r\n"));
    CHECK(text.find("x-deny-reason: not_allowed\r\n") < end);
    CHECK(text.find("Connection: close\r\n") < end);
    CHECK(text.find("Content-Length: " + std::to_string(text.size() - end - 4) + "\r\n") < end);
    CHECK(text.find("example.org:8080", end) != std::string::npos);
    CHECK(text.find("operator", end) != std::string::npos);
    auto const asked = edge::http_refusal(proto::Reason::not_allowed, "example.org", 8080, "the shift, shift@corp.example");
    CHECK(asked.contains(R"("needed":{"name":"NAME","hosts":["example.org"],"ports":[8080]})"));
    CHECK(asked.contains(R"("ask":"the shift, shift@corp.example")"));
    CHECK(edge::http_refusal(proto::Reason::not_allowed, "192.0.2.1", 80).contains(R"("addresses":["192.0.2.1"])"));
    // Nobody can help with what passes by itself, and no rule is missing.
    auto const later = edge::http_refusal(proto::Reason::edge_draining, "example.org", 80, "the shift");
    CHECK_FALSE(later.contains("needed"));
    CHECK_FALSE(later.contains("the shift"));
    auto const unreachable = edge::http_refusal(proto::Reason::none, "2001:db8::1", 80);
    CHECK(unreachable.starts_with("HTTP/1.1 502 "));
    CHECK(unreachable.find("x-deny-reason") == std::string::npos);
    CHECK(unreachable.find("[2001:db8::1]:80") != std::string::npos);
    // A rule more would not help against the customer's proxy.
    auto const by_proxy = edge::http_refusal(proto::Reason::not_allowed, "example.org", 80, "the shift", proto::RefusedBy::proxy);
    CHECK(by_proxy.starts_with("HTTP/1.1 403 "));
    CHECK(by_proxy.contains("x-deny-reason: not_allowed\r\n"));
    CHECK(by_proxy.contains("refused by the proxy"));
    CHECK(by_proxy.contains(R"("ask":"the shift")"));
    CHECK_FALSE(by_proxy.contains("needed"));
    auto const beyond = edge::http_refusal(proto::Reason::none, "example.org", 80, "the shift", proto::RefusedBy::proxy);
    CHECK(beyond.starts_with("HTTP/1.1 502 "));
    CHECK(beyond.contains("the proxy by which"));
}

proto::EgressDenied denial(std::string destination)
{
    proto::EgressDenied out;
    out.reason = proto::Reason::not_allowed;
    out.destination = wire::Text<64>(std::move(destination));
    out.port = 80;
    out.count = 1;
    return out;
}

struct FoldTest {
    std::uint64_t told(std::vector<proto::EgressDenied> const& events)
    {
        for (auto const& event : events) count += event.count;
        return events.size();
    }

    ManualClock clock;
    edge::DenialFold fold;
    std::uint64_t count = 0;
};

TEST_CASE_METHOD(FoldTest, "denial_fold: given one refusal, when added, then it is told at once and not again", "[edge][T-10]")
{
    CHECK(told(fold.add(denial("a"), clock.now())) == 1);
    clock.advance(1s);
    CHECK(told(fold.due(clock.now())) == 0);
    CHECK(fold.empty());
    CHECK(count == 1);
}

TEST_CASE_METHOD(
    FoldTest, "denial_fold: given a flood of one kind, when a second has passed, then one more event with the count", "[edge][T-06][T-10]")
{
    std::uint64_t events = 0;
    for (int i = 0; i < 1000; ++i) events += told(fold.add(denial("a"), clock.now()));
    CHECK(events == 1);
    clock.advance(999ms);
    CHECK(told(fold.due(clock.now())) == 0);
    clock.advance(1ms);
    CHECK(told(fold.due(clock.now())) == 1);
    CHECK(count == 1000);
}

TEST_CASE_METHOD(FoldTest, "denial_fold: given a flood of many kinds, when told, then few events and none uncounted", "[edge][T-06][T-10]")
{
    std::uint64_t events = 0;
    for (int i = 0; i < 10'000; ++i) events += told(fold.add(denial(std::to_string(i)), clock.now()));
    CHECK(events == edge::DenialFold::kKindsMax);
    clock.advance(1s);
    auto const rest = fold.due(clock.now());
    CHECK(told(rest) == 1);
    CHECK(rest[0].destination.view() == "*");
    CHECK(count == 10'000);
    CHECK(fold.empty());
}

TEST_CASE_METHOD(FoldTest, "denial_fold: given it ends, when closed, then what waited is told", "[edge][T-10]")
{
    for (int i = 0; i < 5; ++i) told(fold.add(denial("a"), clock.now()));
    for (int i = 0; i < 3; ++i) told(fold.add(denial("b"), clock.now()));
    CHECK(told(fold.close()) == 2);
    CHECK(count == 8);
    CHECK(told(fold.close()) == 0);
    CHECK(fold.empty());
}

std::vector<std::uint8_t> query(std::string_view question, std::uint8_t flags = 0x01)
{
    std::vector<std::uint8_t> out{0xab, 0xcd, flags, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    out.insert(out.end(), question.begin(), question.end());
    return out;
}

std::string_view const kNever(
    "\x05never\x07"
    "example\x00\x00\x01\x00\x01",
    19);

std::vector<std::uint8_t> refused(std::vector<std::uint8_t> const& datagram)
{
    return edge::refuse_name(edge::read_question(datagram).value()).value();
}

// The same question for another type.
std::vector<std::uint8_t> query_of_type(std::uint8_t type)
{
    auto out = query(kNever);
    out[out.size() - 3] = type;
    return out;
}

TEST_CASE("resolver: given a query, when refused, then NXDOMAIN with its number, its question and nothing more", "[edge][EG-4][T-05]")
{
    auto const question = edge::read_question(query(kNever)).value();
    CHECK(question.understood);
    CHECK(question.name == "never.example");
    CHECK(question.type == 1);
    std::vector<std::uint8_t> expected = query(kNever);
    expected[2] = 0x81;  // answer, recursion desired
    expected[3] = 0x83;  // recursion available, NXDOMAIN
    CHECK(refused(query(kNever)) == expected);
}

TEST_CASE("resolver: given a name that may be reached, when answered, then its synthetic address of the family that was asked for", "[edge][EG-4]")
{
    edge::NamePool pool(8, 60s);
    ManualClock clock;
    auto const addresses = pool.place("never.example", clock.now()).value();
    auto const four = edge::answer_name(edge::read_question(query(kNever)).value(), addresses).value();
    CHECK((four[3] & 0x0f) == 0);
    CHECK(four[7] == 1);
    CHECK(std::vector(four.end() - 4, four.end()) == std::vector<std::uint8_t>{198, 18, 0, 1});
    CHECK(std::vector(four.end() - 10, four.end() - 4) == std::vector<std::uint8_t>{0, 0, 0, edge::kDnsLifeSeconds, 0, 4});
    auto const six = edge::answer_name(edge::read_question(query_of_type(28)).value(), addresses).value();
    CHECK(six[7] == 1);
    CHECK(std::vector(six.end() - 16, six.end()) ==
          std::vector<std::uint8_t>{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1});
}

TEST_CASE("resolver: given a name that may be reached, when another type is asked for, then no error and no record", "[edge][EG-4][EG-5]")
{
    edge::NamePool pool(8, 60s);
    ManualClock clock;
    auto const addresses = pool.place("never.example", clock.now()).value();
    for (std::uint8_t const type : {5, 15, 16, 33, 64, 65, 255}) {
        INFO(static_cast<int>(type));
        auto const reply = edge::answer_name(edge::read_question(query_of_type(type)).value(), addresses).value();
        CHECK((reply[3] & 0x0f) == 0);
        CHECK(reply[7] == 0);
    }
}

TEST_CASE("resolver: given a query with an EDNS record, when refused, then NXDOMAIN", "[edge][EG-4]")
{
    auto datagram = query(kNever);
    datagram[11] = 1;
    for (std::uint8_t const byte : {0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0}) datagram.push_back(byte);
    auto const reply = refused(datagram);
    CHECK((reply[3] & 0x0f) == 3);
    CHECK(reply.size() <= datagram.size());
}

TEST_CASE("resolver: given a question that is not understood, when answered, then FORMERR and no name", "[edge][EG-4][T-02]")
{
    for (auto const& bad : {query("\x40"), query(std::string_view("\xc0\x0c\x00\x01\x00\x01", 6)), query(""), query(kNever, 0x28)}) {
        CHECK_FALSE(edge::read_question(bad).value().understood);
        auto const reply = refused(bad);
        REQUIRE(reply.size() >= 12);
        CHECK(reply[0] == 0xab);
        CHECK(reply[1] == 0xcd);
        CHECK((reply[3] & 0x0f) == 1);
        CHECK(reply.size() <= bad.size());
    }
}

TEST_CASE("resolver: given an answer, a stub of a header or too much, when received, then silence", "[edge][EG-4][T-06]")
{
    CHECK_FALSE(edge::read_question(query(kNever, 0x81)));
    CHECK_FALSE(edge::read_question(std::vector<std::uint8_t>(11)));
    CHECK_FALSE(edge::read_question({}));
    CHECK_FALSE(edge::read_question(std::vector<std::uint8_t>(edge::kDnsDatagramBytesMax + 1)));
}

TEST_CASE("resolver: given a name with bytes that could forge a record, when read, then its text is plain", "[edge][T-09]")
{
    auto const question = edge::read_question(query(std::string_view("\x04"
                                                                     "a\nb \x03"
                                                                     "\xff\x00\x1b\x00\x00\x01\x00\x01",
        14)));
    REQUIRE(question);
    for (unsigned char const c : question->name) CHECK((c > ' ' && c < 0x7f));
}

TEST_CASE("name_pool: given a name, when placed, then both addresses stand for it, always the same, and others for nothing", "[edge][EG-4]")
{
    edge::NamePool pool(4, 60s);
    ManualClock clock;
    auto const one = pool.place("one.example", clock.now()).value();
    auto const two = pool.place("two.example", clock.now()).value();
    CHECK(edge::text_of(one.v4) == "198.18.0.1");
    CHECK(edge::text_of(two.v6) == "64:ff9b:1:ffff::2");
    CHECK(pool.place("one.example", clock.now())->v4 == one.v4);
    CHECK(pool.name_behind(one.v4, clock.now()) == "one.example");
    CHECK(pool.name_behind(two.v6, clock.now()) == "two.example");
    for (auto const* text : {"198.18.0.0", "198.18.0.3", "198.19.255.255", "64:ff9b:1:ffff::", "64:ff9b:1:ffff::3", "192.0.2.1", "64:ff9b::1"})
        CHECK_FALSE(pool.name_behind(edge::parse_address(text).value(), clock.now()));
    CHECK(edge::NamePool::is_synthetic(edge::parse_address("198.19.255.255").value()));
    CHECK_FALSE(edge::NamePool::is_synthetic(edge::parse_address("198.20.0.0").value()));
}

TEST_CASE("name_pool: given it is full, when a name comes, then the longest unused place is given again, and none that is fresh", "[edge][EG-4][T-06]")
{
    edge::NamePool pool(2, 60s);
    ManualClock clock;
    auto const one = pool.place("one.example", clock.now()).value();
    auto const two = pool.place("two.example", clock.now()).value();
    CHECK_FALSE(pool.place("three.example", clock.now()));
    clock.advance(59s);
    CHECK(pool.name_behind(one.v4, clock.now()) == "one.example");  // a connection: it is used
    clock.advance(1s);
    auto const three = pool.place("three.example", clock.now()).value();
    CHECK(three.v4 == two.v4);
    CHECK(pool.name_behind(two.v4, clock.now()) == "three.example");
    CHECK_FALSE(pool.knows("two.example"));
    CHECK(pool.knows("one.example"));
}

TEST_CASE("start_gate: given it keeps dying, when asked, then pauses double to their bound, and a life of a span ends them", "[edge][T-06][T-14]")
{
    edge::StartGate gate(100, 60s, 100ms, 1000ms);
    ManualClock clock;
    CHECK(gate.wait(clock.now()) == 0ms);
    for (auto const pause : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
        gate.started(clock.now());
        gate.died(clock.now());
        CHECK(gate.wait(clock.now()) == pause);
        clock.advance(pause);
        CHECK(gate.wait(clock.now()) == 0ms);
    }
    gate.started(clock.now());
    clock.advance(60s);
    gate.died(clock.now());
    CHECK(gate.wait(clock.now()) == 100ms);
}

TEST_CASE("start_gate: given its number of starts in a span, when asked, then not before the oldest is a span ago", "[edge][T-06]")
{
    edge::StartGate gate(2, 60s, 0ms, 0ms);
    ManualClock clock;
    gate.started(clock.now());
    clock.advance(20s);
    gate.started(clock.now());
    CHECK(gate.wait(clock.now()) == 40s);
    clock.advance(40s);
    CHECK(gate.wait(clock.now()) == 0ms);
}

TEST_CASE("trip: given each of its three wires, when reached, then told once and not before", "[edge][EG-10]")
{
    ManualClock clock;
    edge::Trip trip({.bytes = 10, .destinations = 2, .connections_per_minute = 3, .kill = false});
    CHECK(trip.bytes(10).empty());
    CHECK(trip.bytes(1) == std::vector{edge::Tripped::bytes});
    CHECK(trip.bytes(100).empty());
    CHECK(trip.connection("a:1", clock.now()).empty());
    CHECK(trip.connection("a:1", clock.now()).empty());
    CHECK(trip.connection("b:1", clock.now()).empty());
    clock.advance(60s);
    CHECK(trip.connection("c:1", clock.now()) == std::vector{edge::Tripped::destinations});
    CHECK(trip.connection("a:1", clock.now()).empty());
    CHECK(trip.connection("a:1", clock.now()).empty());
    CHECK(trip.connection("a:1", clock.now()) == std::vector{edge::Tripped::connections_per_minute});
    CHECK(trip.connection("a:1", clock.now()).empty());
    edge::Trip none({});
    for (int i = 0; i < 1000; ++i) CHECK(none.connection(std::to_string(i), clock.now()).empty());
    CHECK(none.bytes(1ull << 60).empty());
}

}  // namespace test_edge_values
