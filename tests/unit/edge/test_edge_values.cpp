// SPDX-License-Identifier: GPL-3.0-or-later
// Units: first_look, refusal, denial_fold, resolver.

#include <catch2/catch_test_macros.hpp>

#include "edge/denial_fold.h"
#include "edge/first_look.h"
#include "edge/refusal.h"
#include "edge/resolver.h"
#include "wire/http_head.h"

namespace test_edge_values {

using namespace ocu;
using namespace std::chrono_literals;
using proto::EgressProtocol;

TEST_CASE("first_look: given a whole request head, when looked at, then http and its host", "[edge][EG-6][T-02]")
{
    auto const look = edge::look_at("GET / HTTP/1.1\r\nHost: example.org:8080\r\n\r\nbody");
    CHECK(look.complete);
    CHECK(look.protocol == EgressProtocol::http);
    CHECK(look.host == "example.org:8080");
    CHECK(edge::look_at("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n").protocol == EgressProtocol::http);
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
    CHECK(edge::look_at("\x16\x03\x01").protocol == EgressProtocol::tls);
    for (std::string const text : {"SSH-2.0-OpenSSH_9.2\r\n", "\n", "{\"a\":1}", "get / HTTP/1.1\r\n\r\n", "GET  HTTP/9\r\n\r\n", "\xff"}) {
        INFO(text);
        auto const look = edge::look_at(text);
        CHECK(look.complete);
        CHECK(look.protocol == EgressProtocol::tcp);
    }
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

TEST_CASE("refusal: given a reason and a destination, when printed, then a whole response that says both", "[edge][EG-6]")
{
    auto const text = edge::http_refusal(proto::Reason::not_allowed, "192.0.2.1", 8080);
    auto const end = text.find("\r\n\r\n");
    REQUIRE(end != std::string::npos);
    CHECK(text.starts_with("HTTP/1.1 403 Forbidden\r\n"));
    CHECK(text.find("x-deny-reason: not_allowed\r\n") < end);
    CHECK(text.find("Connection: close\r\n") < end);
    CHECK(text.find("Content-Length: " + std::to_string(text.size() - end - 4) + "\r\n") < end);
    CHECK(text.find("192.0.2.1:8080", end) != std::string::npos);
    CHECK(text.find("operator", end) != std::string::npos);
}

proto::EgressDenied denial(std::string destination, std::uint64_t session = 1)
{
    proto::EgressDenied out;
    out.session = SessionId{session};
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
    CHECK(events == edge::DenialFold::kKindsPerSessionMax);
    clock.advance(1s);
    auto const rest = fold.due(clock.now());
    CHECK(told(rest) == 1);
    CHECK(rest[0].destination.view() == "*");
    CHECK(count == 10'000);
    CHECK(fold.empty());
}

TEST_CASE_METHOD(FoldTest, "denial_fold: given one session floods, when another is refused, then that is told at once", "[edge][T-06]")
{
    for (int i = 0; i < 100; ++i) (void)fold.add(denial(std::to_string(i)), clock.now());
    CHECK(told(fold.add(denial("x", 2), clock.now())) == 1);
}

TEST_CASE_METHOD(FoldTest, "denial_fold: given a session that ends, when closed, then what waited is told", "[edge][T-10]")
{
    for (int i = 0; i < 5; ++i) told(fold.add(denial("a"), clock.now()));
    for (int i = 0; i < 3; ++i) told(fold.add(denial("b", 2), clock.now()));
    CHECK(told(fold.close(SessionId{1})) == 1);
    CHECK(count == 6);
    CHECK(told(fold.close(SessionId{1})) == 0);
    CHECK(told(fold.close_all()) == 1);
    CHECK(count == 8);
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

TEST_CASE("resolver: given a query, when answered, then NXDOMAIN with its number, its question and nothing more", "[edge][EG-4][T-05]")
{
    auto const refusal = edge::refuse_query(query(kNever));
    REQUIRE(refusal);
    CHECK(refusal->name == "never.example");
    CHECK(refusal->type == "A");
    std::vector<std::uint8_t> expected = query(kNever);
    expected[2] = 0x81;  // answer, recursion desired
    expected[3] = 0x83;  // recursion available, NXDOMAIN
    CHECK(refusal->reply == expected);
}

TEST_CASE("resolver: given a query with an EDNS record, when answered, then NXDOMAIN", "[edge][EG-4]")
{
    auto datagram = query(kNever);
    datagram[11] = 1;
    for (std::uint8_t const byte : {0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0}) datagram.push_back(byte);
    auto const refusal = edge::refuse_query(datagram);
    REQUIRE(refusal);
    CHECK((refusal->reply[3] & 0x0f) == 3);
    CHECK(refusal->reply.size() <= datagram.size());
}

TEST_CASE("resolver: given a question that is not understood, when answered, then FORMERR and no name", "[edge][EG-4][T-02]")
{
    for (auto const& bad : {query("\x40"), query(std::string_view("\xc0\x0c\x00\x01\x00\x01", 6)), query(""), query(kNever, 0x28)}) {
        auto const refusal = edge::refuse_query(bad);
        REQUIRE(refusal);
        CHECK(refusal->name.empty());
        REQUIRE(refusal->reply.size() >= 12);
        CHECK(refusal->reply[0] == 0xab);
        CHECK(refusal->reply[1] == 0xcd);
        CHECK((refusal->reply[3] & 0x0f) == 1);
        CHECK(refusal->reply.size() <= bad.size());
    }
}

TEST_CASE("resolver: given an answer, a stub of a header or too much, when received, then silence", "[edge][EG-4][T-06]")
{
    CHECK_FALSE(edge::refuse_query(query(kNever, 0x81)));
    CHECK_FALSE(edge::refuse_query(std::vector<std::uint8_t>(11)));
    CHECK_FALSE(edge::refuse_query({}));
    CHECK_FALSE(edge::refuse_query(std::vector<std::uint8_t>(edge::kDnsDatagramBytesMax + 1)));
}

TEST_CASE("resolver: given a name with bytes that could forge a record, when refused, then its text is plain", "[edge][T-09]")
{
    auto const refusal =
        edge::refuse_query(query(std::string_view("\x04"
                                                  "a\nb \x03"
                                                  "\xff\x00\x1b\x00\x00\x01\x00\x01",
            14)));
    REQUIRE(refusal);
    for (unsigned char const c : refusal->name) CHECK((c > ' ' && c < 0x7f));
}

}  // namespace test_edge_values
