// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: edge/chained_proxy, edge/proxy_answer_face and edge/proxy_tunnel. What goes by a proxy, and what a hostile one can answer.

#include <catch2/catch_test_macros.hpp>

#include <sys/socket.h>
#include <unistd.h>

#include "edge/chained_proxy.h"
#include "edge/proxy_tunnel.h"
#include "edge/sockets.h"
#include "support/role_peer.h"

namespace test_chained_proxy {

using namespace ocu;
using namespace ocu::edge;
using State = ProxyAnswer::State;

proto::ChainedProxy proxy_at(std::string const& place)
{
    proto::ChainedProxy proxy;
    if (auto const address = parse_address(place))
        proxy.address = wire::Text<45>(place);
    else
        proxy.name = wire::Text<253>(place);
    proxy.port = 3128;
    return proxy;
}
Address address(char const* text) { return parse_address(text).value(); }

TEST_CASE("chained_proxy: given who resolves, when a dial is looked at, then the proxy is told a name only where a rule has no addresses",
    "[edge][T-05][EG-9]")
{
    auto proxy = proxy_at("proxy.example");
    proto::Dial dial;
    dial.name = "allowed.example";
    CHECK_FALSE(proxy_resolves(proxy, dial));
    proxy.resolves = true;
    CHECK(proxy_resolves(proxy, dial));
    dial.direct = true;
    CHECK_FALSE(proxy_resolves(proxy, dial));
    dial.direct = false;
    dial.ranges.push(parse_range("10.0.0.0/8").value());
    CHECK_FALSE(proxy_resolves(proxy, dial));
    proto::Dial by_address;
    by_address.address = "93.184.216.34";
    CHECK_FALSE(proxy_resolves(proxy, by_address));
    proxy.port = 0;
    dial.ranges = {};
    CHECK_FALSE(proxy_resolves(proxy, dial));
}

TEST_CASE("chained_proxy: given addresses, when they are judged for the way, then what is of each machine never goes by another one",
    "[edge][T-05][EG-9]")
{
    auto proxy = proxy_at("10.0.0.7");
    proxy.direct.push(parse_range("10.1.0.0/16").value());
    CHECK(goes_direct({}, address("93.184.216.34")));
    CHECK_FALSE(goes_direct(proxy, address("93.184.216.34")));
    CHECK(goes_direct(proxy, address("10.1.2.3")));
    for (auto const* each : {"127.0.0.1", "::1", "169.254.169.254", "169.254.3.4", "fe80::1", "0.0.0.0", "224.0.0.1", "255.255.255.255"}) {
        INFO(each);
        CHECK_FALSE(may_go_by_proxy(address(each)));
        CHECK_FALSE(may_be_proxy(proxy_at("proxy.example"), address(each)));
    }
    CHECK(may_go_by_proxy(address("10.9.9.9")));
    CHECK(may_be_proxy(proxy_at("proxy.example"), address("10.9.9.9")));
    CHECK(may_be_proxy(proxy, address("10.0.0.7")));
    CHECK_FALSE(may_be_proxy(proxy, address("10.0.0.8")));
    CHECK(may_be_proxy(proxy_at("127.0.0.1"), address("127.0.0.1")));
    CHECK(name_of(proxy) == "10.0.0.7:3128");
    CHECK(name_of(proxy_at("proxy.example")) == "proxy.example:3128");
    CHECK(tunnel_request("2606::34", 443) == "CONNECT [2606::34]:443 HTTP/1.1\r\nHost: [2606::34]:443\r\n\r\n");
}

std::string const kYes = "HTTP/1.1 200 Connection established\r\n\r\n";

struct Read {
    State state;
    unsigned status;
    std::string left;
};
// As it comes in pieces of that size.
Read read(std::string const& bytes, std::size_t piece = 1u << 20)
{
    ProxyAnswer answer;
    std::size_t at = 0;
    while (at < bytes.size() && answer.state() == State::wants_more) {
        auto const part = std::string_view(bytes).substr(at, piece);
        at += answer.take(part);
    }
    return {answer.state(), answer.status(), bytes.substr(at)};
}

TEST_CASE("proxy_answer: given good answers in pieces of any size, when they are read, then the head is taken and nothing behind it",
    "[edge][T-02][EG-9]")
{
    for (std::size_t const piece : {1u, 3u, 7u, 1000u}) {
        INFO(piece);
        auto const plain = read(kYes + "220 ready\n", piece);
        CHECK(plain.state == State::tunnel);
        CHECK(plain.left == "220 ready\n");
        CHECK(read("HTTP/1.0 200 OK\r\n\r\n", piece).state == State::tunnel);
        CHECK(read("HTTP/1.1 204 No Content\r\nVia: x\r\n\r\n", piece).state == State::tunnel);
        auto const interim = read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + kYes + "\x16\x03", piece);
        CHECK(interim.state == State::tunnel);
        CHECK(interim.status == 200);
        CHECK(interim.left == "\x16\x03");
    }
}

TEST_CASE("proxy_answer: given a 2xx that speaks of a body, when it is read, then what follows is the tunnel's all the same",
    "[edge][T-02][EG-9]")
{
    for (auto const* field : {"Content-Length: 5", "Content-Length: 0", "Transfer-Encoding: chunked"}) {
        INFO(field);
        auto const out = read("HTTP/1.1 200 OK\r\n" + std::string(field) + "\r\n\r\nhello");
        CHECK(out.state == State::tunnel);
        CHECK(out.left == "hello");
    }
}

TEST_CASE("proxy_answer: given refusals, when they are read, then each with its status and no tunnel", "[edge][T-02][EG-9]")
{
    for (unsigned const status : {300u, 302u, 400u, 403u, 407u, 451u, 500u, 503u, 599u}) {
        INFO(status);
        auto const out = read("HTTP/1.1 " + std::to_string(status) + " No\r\nContent-Length: 4\r\n\r\nno!\n");
        CHECK(out.state == State::refused);
        CHECK(out.status == status);
    }
}

TEST_CASE("proxy_answer: given what is no answer, when it is read, then malformed, and within the bound", "[edge][T-02][T-06][EG-9]")
{
    std::string const filler(kProxyAnswerBytesMax, 'a');
    std::string many;
    for (int i = 0; i < 2000; ++i) many += "HTTP/1.1 100 Continue\r\n\r\n";
    std::string fields = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 500; ++i) fields += "a: b\r\n";
    for (auto const& bytes :
        {std::string("220 smtp ready\r\n"), std::string("\x15\x03\x01\x00\x02\x02\x46", 7), std::string("SSH-2.0-x\r\n"),
            std::string("HTTP/2 200\r\n\r\n"), std::string("HTTP/1.1 2x0 OK\r\n\r\n"), std::string("HTTP/1.1 99 OK\r\n\r\n"),
            std::string("HTTP/1.1 600 OK\r\n\r\n"), std::string("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"),
            std::string("HTTP/1.1 200 OK\r\n folded: x\r\n\r\n"), std::string("HTTP/1.1 200 O\nK\r\n\r\n"), std::string("\r\n\r\n"),
            std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), "HTTP/1.1 200 " + filler,
            "HTTP/1.1 200 OK\r\nx: " + filler + "\r\n\r\n", many, fields + "\r\n"}) {
        INFO(bytes.substr(0, 60));
        for (std::size_t const piece : {1u, 4096u}) {
            auto const out = read(bytes, piece);
            CHECK(out.state == State::malformed);
            CHECK(bytes.size() - out.left.size() <= kProxyAnswerBytesMax);
        }
    }
}

// The uplink's end and the proxy's.
struct TunnelTest {
    TunnelTest()
    {
        int pair[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
        ours = UniqueFd(pair[0]);
        theirs = UniqueFd(pair[1]);
    }
    ~TunnelTest()
    {
        loop.post([this] { tunnel.reset(); });
        thread.settle();
        thread.finish();
    }
    void begin(std::string request = tunnel_request("allowed.example", 443))
    {
        loop.post([this, request = std::move(request)] {
            tunnel.emplace(loop, ours.get(), request, [this](ProxySaid what) {
                said.push_back(what);
                tunnel.reset();
            });
        });
        thread.settle();
    }
    void answer(std::string_view bytes)
    {
        REQUIRE(::write(theirs.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
        thread.settle();
    }
    std::string read_from(int fd)
    {
        char chunk[65536];
        ssize_t const got = ::read(fd, chunk, sizeof chunk);
        return std::string(chunk, got > 0 ? static_cast<std::size_t>(got) : 0);
    }

    test::LoopThread thread;
    wire::Loop& loop = thread;
    UniqueFd ours, theirs;
    std::optional<ProxyTunnel> tunnel;
    std::vector<ProxySaid> said;
};

TEST_CASE_METHOD(TunnelTest,
    "proxy_tunnel: given a proxy that agrees, when it answers, then the request was whole and what follows is left in the socket",
    "[edge][T-02][EG-9]")
{
    begin();
    CHECK(read_from(theirs.get()) == "CONNECT allowed.example:443 HTTP/1.1\r\nHost: allowed.example:443\r\n\r\n");
    CHECK(said.empty());
    answer("HTTP/1.1 200 Conn");
    CHECK(said.empty());
    answer("ection established\r\n\r\n220 ready\n");
    REQUIRE(said.size() == 1);
    CHECK(said[0].kind == ProxySaid::Kind::tunnel);
    CHECK(read_from(ours.get()) == "220 ready\n");
}

TEST_CASE_METHOD(TunnelTest,
    "proxy_tunnel: given a proxy that reads slowly, when the request does not fit, then it goes on as there is room", "[edge][EG-9]")
{
    std::string const long_one(2u << 20, 'x');
    begin(long_one);
    std::size_t read = 0;
    for (int i = 0; i < 2000 && read < long_one.size(); ++i) {
        read += read_from(theirs.get()).size();
        thread.settle();
    }
    CHECK(read == long_one.size());
    answer(kYes);
    REQUIRE(said.size() == 1);
}

TEST_CASE_METHOD(
    TunnelTest, "proxy_tunnel: given a proxy that does not agree, when it answers or goes, then that is told once", "[edge][T-02][EG-9]")
{
    begin();
    SECTION("refuses")
    {
        answer("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\n\r\n");
        REQUIRE(said.size() == 1);
        CHECK(said[0].kind == ProxySaid::Kind::refused);
        CHECK(said[0].status == 407);
    }
    SECTION("garbage")
    {
        answer("+OK POP3 ready\r\n");
        REQUIRE(said.size() == 1);
        CHECK(said[0].kind == ProxySaid::Kind::malformed);
    }
    SECTION("endless head")
    {
        std::string const piece(1000, 'a');
        answer("HTTP/1.1 200 OK\r\nx: ");
        for (int i = 0; i < 20 && said.empty(); ++i) answer(piece);
        REQUIRE(said.size() == 1);
        CHECK(said[0].kind == ProxySaid::Kind::malformed);
    }
    SECTION("goes away at once")
    {
        theirs.reset();
        thread.settle();
        REQUIRE(said.size() == 1);
        CHECK(said[0].kind == ProxySaid::Kind::gone);
    }
    SECTION("goes away in the middle")
    {
        answer("HTTP/1.1 200 O");
        theirs.reset();
        thread.settle();
        REQUIRE(said.size() == 1);
        CHECK(said[0].kind == ProxySaid::Kind::gone);
    }
}

TEST_CASE_METHOD(TunnelTest, "proxy_tunnel: given it is ended, when the proxy answers, then nothing is told", "[edge][EG-9]")
{
    begin();
    loop.post([this] { tunnel.reset(); });
    thread.settle();
    answer(kYes);
    CHECK(said.empty());
    CHECK(read_from(ours.get()) == kYes);
}

}  // namespace test_chained_proxy
