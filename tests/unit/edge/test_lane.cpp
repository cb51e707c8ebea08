// SPDX-License-Identifier: GPL-3.0-or-later
// Units: lane, connection, splice: over sockets of loopback, with a thread that the test plays.

#include "edge/lane.h"

#include <catch2/catch_test_macros.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <optional>
#include <vector>

namespace test_lane {

using namespace ocu;
using namespace ocu::edge;
using namespace std::chrono_literals;
using proto::Reason;

struct Said final : Asker {
    void say(proto::NameAsked const& m) override { names.push_back(m); }
    void say(proto::ConnectAsked const& m) override { connects.push_back(m); }
    void say(proto::RouteAsked const& m) override { routes.push_back(m); }
    void say(proto::RequestAsked const&) override {}
    void say(proto::RequestDone const&) override {}
    void say(proto::IcapAsked const&) override {}
    void say(proto::ConnectionEnded const& m) override { ended.push_back(m); }
    void say(proto::EgressDenied const& m) override { denied.push_back(m); }

    std::vector<proto::NameAsked> names;
    std::vector<proto::ConnectAsked> connects;
    std::vector<proto::RouteAsked> routes;
    std::vector<proto::ConnectionEnded> ended;
    std::vector<proto::EgressDenied> denied;
};

UniqueFd bound(int type, sockaddr_in& address)
{
    UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return fd;
}

struct LaneTest {
    // The proxy's port cannot be the listener's here, unless a test says that it is.
    LaneTest()
    {
        auto tcp = bound(SOCK_STREAM, tcp_address);
        REQUIRE(::listen(tcp.get(), 512) == 0);
        lane = Lane::open(loop, clock, said, std::move(tcp), bound(SOCK_DGRAM, dns_address), {parse_address("127.0.0.1").value()},
            []() -> std::shared_ptr<ExchangeTools> { return nullptr; })
                   .value();
    }
    template <class Condition>
    void until(Condition condition)
    {
        bool late = false;
        auto const guard = loop.after(5s, [&late] { late = true; });
        while (!condition() && !late) loop.run_one();
        REQUIRE_FALSE(late);
    }
    UniqueFd dial()
    {
        UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        timeval const wait{5, 0};
        ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
        REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr const*>(&tcp_address), sizeof tcp_address) == 0);
        return fd;
    }
    UniqueFd dial_and_say(std::string_view text)
    {
        auto fd = dial();
        REQUIRE(::send(fd.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
        return fd;
    }
    // What the guest reads until the end; `error` is errno of what ended it.
    std::string read_all(int fd, int& error)
    {
        std::string out;
        char chunk[4096];
        bool over = false;
        until([&] {
            ssize_t const got = ::recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
            if (got > 0) out.append(chunk, static_cast<std::size_t>(got));
            error = got < 0 ? errno : 0;
            over = got == 0 || (got < 0 && errno != EAGAIN);
            if (!over && got < 0) poke = loop.after(1ms, [] {});
            return over;
        });
        return out;
    }
    // The upstream's end of a spliced connection.
    UniqueFd open_splice(ConnectionId id)
    {
        auto pair = make_socket_pair().value();
        lane->find(id)->opened({id, proto::Handling::splice, {}}, std::move(pair.theirs));
        return std::move(pair.ours);
    }

    wire::Loop loop;
    ManualClock clock;
    Said said;
    sockaddr_in tcp_address{};
    sockaddr_in dns_address{};
    wire::Watch poke;
    std::unique_ptr<Lane> lane;
};

TEST_CASE_METHOD(LaneTest, "lane: given a session at its limit, when its guest connects, then refused with its reason, and what ends gives room",
    "[edge][T-06]")
{
    std::vector<UniqueFd> held;
    for (std::size_t i = 0; i < kConnectionsMax; ++i) {
        held.push_back(dial());
        until([&] { return lane->connections() == i + 1; });
    }
    CHECK(said.denied.empty());
    held.push_back(dial());
    until([&] { return said.denied.size() == 1; });
    CHECK(said.denied[0].reason == Reason::rate_exceeded);
    held.erase(held.begin());
    until([&] { return lane->connections() == kConnectionsMax - 1; });
    held.push_back(dial());
    until([&] { return lane->connections() == kConnectionsMax; });
    CHECK(said.denied.size() == 1);
}

TEST_CASE_METHOD(LaneTest, "connection: given an HTTP request, when refused, then 403 with its reason and an orderly end", "[edge][EG-6]")
{
    auto const guest = dial_and_say("GET / HTTP/1.1\r\nHost: A.example:80\r\n\r\n");
    until([&] { return said.routes.size() == 1; });
    CHECK(said.routes[0].protocol == proto::EgressProtocol::http);
    CHECK(said.routes[0].address.view() == "127.0.0.1");
    CHECK(said.routes[0].port == ntohs(tcp_address.sin_port));
    CHECK(said.routes[0].inner_name.view() == "a.example");
    CHECK(said.routes[0].form == proto::RouteForm::direct);
    lane->find(ConnectionId{1})->refused(Reason::not_allowed);
    int error = 0;
    auto const text = read_all(guest.get(), error);
    CHECK(text.starts_with("HTTP/1.1 403 "));
    CHECK(text.find("x-deny-reason: not_allowed") != std::string::npos);
    CHECK(error == 0);
}

TEST_CASE_METHOD(LaneTest, "connection: given what is not HTTP, when refused, then a reset", "[edge][EG-6]")
{
    auto const guest = dial_and_say("SSH-2.0-x\r\n");
    until([&] { return said.routes.size() == 1; });
    CHECK(said.routes[0].protocol == proto::EgressProtocol::tcp);
    lane->find(ConnectionId{1})->refused(Reason::not_allowed);
    int error = 0;
    CHECK(read_all(guest.get(), error).empty());
    CHECK(error == ECONNRESET);
}

TEST_CASE_METHOD(LaneTest, "connection: given a guest that waits for the other side, when the look is over, then asked for as tcp", "[edge][EG-2]")
{
    auto const guest = dial();
    until([&] { return said.routes.size() == 1; });
    CHECK(said.routes[0].protocol == proto::EgressProtocol::tcp);
}

TEST_CASE_METHOD(LaneTest, "connection: given what begins as TLS and is none, when looked at, then refused here and told", "[edge][EG-5]")
{
    auto const guest = dial_and_say(std::string_view("\x16\x03\x01\x00\x04\x02\x00\x00\x00", 9));
    until([&] { return said.denied.size() == 1; });
    CHECK(said.denied[0].reason == Reason::protocol_denied);
    CHECK(said.denied[0].protocol == proto::EgressProtocol::tls);
    int error = 0;
    CHECK(read_all(guest.get(), error).empty());
    CHECK(error == ECONNRESET);
    CHECK(said.routes.empty());
}

TEST_CASE_METHOD(LaneTest, "connection: given an open route, when spliced, then bytes and ends go both ways, each on its own", "[edge][EG-1]")
{
    auto const guest = dial_and_say("hello");
    until([&] { return said.routes.size() == 1; });
    auto const upstream = open_splice(ConnectionId{1});
    char chunk[64];
    REQUIRE(::recv(upstream.get(), chunk, sizeof chunk, 0) == 5);
    REQUIRE(::shutdown(guest.get(), SHUT_WR) == 0);
    until([&] {
        poke = loop.after(1ms, [] {});
        return ::recv(upstream.get(), chunk, sizeof chunk, MSG_DONTWAIT) == 0;
    });
    REQUIRE(::send(upstream.get(), "answer", 6, 0) == 6);
    REQUIRE(::shutdown(upstream.get(), SHUT_WR) == 0);
    int error = 0;
    CHECK(read_all(guest.get(), error) == "answer");
    CHECK(error == 0);
    until([&] { return said.ended.size() == 1; });
    CHECK(said.ended[0].bytes_up == 5);
    CHECK(said.ended[0].bytes_down == 6);
    until([&] { return lane->connections() == 0; });
}

TEST_CASE_METHOD(LaneTest, "splice: given a side that does not read, when the other sends, then little is held and it is not read further",
    "[edge][T-06]")
{
    auto const guest = dial_and_say("x");
    until([&] { return said.routes.size() == 1; });
    auto const upstream = open_splice(ConnectionId{1});
    std::string const block(64 << 10, 'a');
    std::size_t sent = 0;
    // Until nothing moves for a while: what the kernel and we hold is full.
    for (int idle = 0; idle < 50;) {
        ssize_t const put = ::send(upstream.get(), block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put > 0) sent += static_cast<std::size_t>(put);
        idle = put > 0 ? 0 : idle + 1;
        bool turned = false;
        poke = loop.after(1ms, [&turned] { turned = true; });
        while (!turned) loop.run_one();
    }
    CHECK(sent < 32u << 20);
    std::size_t got = 0;
    std::vector<char> chunk(1 << 20);
    until([&] {
        ssize_t const more = ::recv(guest.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
        if (more > 0) got += static_cast<std::size_t>(more);
        poke = loop.after(1ms, [] {});
        return got == sent;
    });
}

TEST_CASE_METHOD(LaneTest, "splice: given an open route, when cut or idle for its time, then both sides see a reset and it is told", "[edge][T-17]")
{
    auto const guest = dial_and_say("x");
    until([&] { return said.routes.size() == 1; });
    auto const upstream = open_splice(ConnectionId{1});
    auto* const connection = lane->find(ConnectionId{1});
    SECTION("cut") { connection->cut(); }
    SECTION("idle")
    {
        clock.advance(kIdleTime - 1ms);
        connection->sweep();
        CHECK(said.ended.empty());
        clock.advance(1ms);
        connection->sweep();
    }
    until([&] { return said.ended.size() == 1; });
    int error = 0;
    CHECK(read_all(guest.get(), error).empty());
    CHECK(error == ECONNRESET);
}

TEST_CASE_METHOD(LaneTest, "connection: given no exchange can be served, when a request's route opens, then 403 and it is told", "[edge][EG-12]")
{
    auto const guest = dial_and_say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    until([&] { return said.routes.size() == 1; });
    auto pair = make_socket_pair().value();
    lane->find(ConnectionId{1})->opened({ConnectionId{1}, proto::Handling::http, {}}, std::move(pair.theirs));
    CHECK(said.ended.at(0).reason == Reason::protocol_denied);
    int error = 0;
    CHECK(read_all(guest.get(), error).starts_with("HTTP/1.1 403 "));
}

struct ProxyTest : LaneTest {
    // A connection as if it had come to the lane's own proxy.
    UniqueFd proxied(std::string_view text)
    {
        sockaddr_in at;
        auto const listener = bound(SOCK_STREAM, at);
        REQUIRE(::listen(listener.get(), 1) == 0);
        UniqueFd guest(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::connect(guest.get(), reinterpret_cast<sockaddr const*>(&at), sizeof at) == 0);
        UniqueFd ours(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        REQUIRE(::send(guest.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
        connection.emplace(around, ConnectionId{1}, std::move(ours), Destination{parse_address("100.64.0.1").value(), proto::kProxyPort}, true);
        return guest;
    }
    Connection::Surroundings around{loop, clock, said,
        [](Address const& address) { return text_of(address) == "198.18.0.7" ? std::optional<std::string>("seven.example") : std::nullopt; },
        []() -> std::shared_ptr<ExchangeTools> { return nullptr; }, [](ConnectionId) {}};
    std::optional<Connection> connection;
};

TEST_CASE_METHOD(ProxyTest, "connection: given a CONNECT that may go on, when its inner bytes come, then they are asked for as they are", "[edge][EG-2]")
{
    auto const guest = proxied("CONNECT A.example:8443 HTTP/1.1\r\nHost: a.example:8443\r\n\r\n");
    until([&] { return said.connects.size() == 1; });
    CHECK(said.connects[0].name.view() == "a.example");
    CHECK(said.connects[0].port == 8443);
    connection->connect_decided(Reason::none);
    char chunk[256];
    ssize_t const got = ::recv(guest.get(), chunk, sizeof chunk, 0);
    REQUIRE(got > 0);
    CHECK(std::string_view(chunk, static_cast<std::size_t>(got)) == "HTTP/1.1 200 Connection established\r\n\r\n");
    REQUIRE(::send(guest.get(), "GET / HTTP/1.1\r\nHost: b.example\r\n\r\n", 35, 0) == 35);
    until([&] { return said.routes.size() == 1; });
    CHECK(said.routes[0].form == proto::RouteForm::connect);
    CHECK(said.routes[0].protocol == proto::EgressProtocol::http);
    CHECK(said.routes[0].name.view() == "a.example");
    CHECK(said.routes[0].inner_name.view() == "b.example");
    CHECK(said.routes[0].port == 8443);
}

TEST_CASE_METHOD(ProxyTest, "connection: given a CONNECT that is refused, when decided, then 403 with its reason", "[edge][EG-2][EG-6]")
{
    auto const guest = proxied("CONNECT a.example:443 HTTP/1.1\r\n\r\n");
    until([&] { return said.connects.size() == 1; });
    connection->connect_decided(Reason::port_denied);
    int error = 0;
    auto const text = read_all(guest.get(), error);
    CHECK(text.starts_with("HTTP/1.1 403 "));
    CHECK(text.find("x-deny-reason: port_denied") != std::string::npos);
    CHECK(text.find("a.example:443") != std::string::npos);
}

TEST_CASE_METHOD(ProxyTest, "connection: given a CONNECT to a synthetic address, when read, then it is the name behind it", "[edge][EG-2]")
{
    auto const guest = proxied("CONNECT 198.18.0.7:443 HTTP/1.1\r\nHost: 198.18.0.7:443\r\n\r\n");
    until([&] { return said.connects.size() == 1; });
    CHECK(said.connects[0].name.view() == "seven.example");
    CHECK(said.connects[0].address.empty());
}

TEST_CASE_METHOD(ProxyTest, "connection: given what a proxy does not serve, when read, then refused here with its reason and told", "[edge][EG-2][EG-5]")
{
    auto reason = Reason::protocol_denied;
    std::string text;
    SECTION("CONNECT and Host differ")
    {
        text = "CONNECT a.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n";
        reason = Reason::name_mismatch;
    }
    SECTION("no port") { text = "CONNECT a.example HTTP/1.1\r\n\r\n"; }
    SECTION("origin form") { text = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"; }
    SECTION("another scheme") { text = "GET ftp://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n"; }
    auto const guest = proxied(text);
    until([&] { return said.denied.size() == 1; });
    CHECK(said.denied[0].reason == reason);
    int error = 0;
    auto const answer = read_all(guest.get(), error);
    CHECK(answer.find("x-deny-reason: " + std::string(name_of(reason))) != std::string::npos);
    CHECK(said.connects.empty());
    CHECK(said.routes.empty());
}

TEST_CASE_METHOD(ProxyTest, "connection: given the absolute form, when read, then its authority is where it goes and Host is what it says",
    "[edge][EG-2][EG-5]")
{
    auto const guest = proxied("GET http://a.example:8080/x HTTP/1.1\r\nHost: b.example\r\n\r\n");
    until([&] { return said.routes.size() == 1; });
    CHECK(said.routes[0].form == proto::RouteForm::absolute);
    CHECK(said.routes[0].name.view() == "a.example");
    CHECK(said.routes[0].port == 8080);
    CHECK(said.routes[0].inner_name.view() == "b.example");
}

std::string const kQuery(
    "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05never\x07"
    "Example\x00\x00\x01\x00\x01",
    31);

struct DnsTest : LaneTest {
    DnsTest()
    {
        REQUIRE(::connect(guest.get(), reinterpret_cast<sockaddr const*>(&dns_address), sizeof dns_address) == 0);
    }
    void ask(std::string const& text) { REQUIRE(::send(guest.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size())); }
    std::string answer()
    {
        char chunk[512];
        ssize_t got = -1;
        until([&] {
            got = ::recv(guest.get(), chunk, sizeof chunk, MSG_DONTWAIT);
            poke = loop.after(1ms, [] {});
            return got > 0;
        });
        return {chunk, static_cast<std::size_t>(got)};
    }
    UniqueFd guest{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

TEST_CASE_METHOD(DnsTest, "lane: given a name, when the thread says yes, then its address, and from then on without asking; when no, NXDOMAIN",
    "[edge][EG-4]")
{
    ask(kQuery);
    until([&] { return said.names.size() == 1; });
    CHECK(said.names[0].name.view() == "never.example");
    SECTION("yes")
    {
        lane->name_decided({said.names[0].request, Reason::none});
        CHECK((answer()[3] & 0x0f) == 0);
        ask(kQuery);
        auto const again = answer();
        CHECK(again.substr(again.size() - 4) == std::string("\xc6\x12\x00\x01", 4));
        CHECK(said.names.size() == 1);
    }
    SECTION("no")
    {
        lane->name_decided({said.names[0].request, Reason::not_allowed});
        CHECK((answer()[3] & 0x0f) == 3);
        CHECK(said.denied.empty());  // the thread has it on record
    }
}

TEST_CASE_METHOD(DnsTest, "lane: given more questions than a second may have, when asked, then the rest is counted and not answered", "[edge][T-06]")
{
    for (unsigned i = 0; i <= kDnsPerSecondMax; ++i) {
        ask("not a query at all");
        until([&] { return said.denied.size() == i + 1; });
    }
    CHECK(said.denied.front().reason == Reason::protocol_denied);
    CHECK(said.denied.back().reason == Reason::rate_exceeded);
}

}  // namespace test_lane
