// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/wire/http over real socket pairs and a loopback listener: one request at a time, ceilings, deadlines, and that a client
// which leaves is noticed while its answer is pending. The server runs on a thread of its own, the peer blocks in the test's.

#include "wire/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <future>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "support/http_stand.h"

namespace test_http_server {

using namespace ocu;
using namespace ocu::wire;
using namespace std::chrono_literals;

using http_stand::Peer;
using http_stand::Server;

void echo(HttpRequest request, std::shared_ptr<HttpReply> const& reply)
{
    reply->send({200, {{"X-Path", std::string(request.path())}}, request.method + " " + request.body});
}

TEST_CASE("http: given two requests sent ahead, when they are answered, then in order on one connection", "[wire][GW-4]")
{
    Server server(echo);
    auto const peer = server.connect();
    peer.say(
        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1POST /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: "
        "1\r\n\r\n2");
    auto const heard = peer.hear();
    auto const first = heard.find("X-Path: /a");
    auto const second = heard.find("X-Path: /b");
    CHECK(first != std::string::npos);
    CHECK(second != std::string::npos);
    CHECK(first < second);
    CHECK(heard.find("Connection: close") > first);
}

TEST_CASE("http: given HEAD, when it is answered, then the length is said and no body follows", "[wire]")
{
    Server server(echo);
    auto const peer = server.connect();
    peer.say("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    auto const heard = peer.hear();
    CHECK(heard.ends_with("\r\n\r\n"));
    CHECK(heard.find("Content-Length: 5") != std::string::npos);
}

TEST_CASE("http: given Expect, when the head is good, then 100 comes before the body is sent", "[wire]")
{
    Server server(echo);
    auto const peer = server.connect();
    peer.say("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: 2\r\n\r\n");
    CHECK(peer.hear("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    peer.say("ok");
    CHECK(peer.hear().ends_with("POST ok"));
}

TEST_CASE("http: given Expect with a body too large, when the head is read, then 413 and no 100", "[wire][T-02][GW-4]")
{
    Server server(echo);
    auto const peer = server.connect();
    peer.say("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\n\r\n");
    auto const heard = peer.hear();
    CHECK(heard.starts_with("HTTP/1.1 413 "));
    CHECK(heard.find("body_too_large") != std::string::npos);
}

TEST_CASE("http: given a client that goes on sending a refused body, when it reads, then it sees the refusal", "[wire][T-02]")
{
    Server server(echo);
    auto const peer = server.connect();
    peer.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + std::string(3'000'000, 'x'));
    CHECK(peer.hear().starts_with("HTTP/1.1 413 "));
}

TEST_CASE("http: given a pending answer, when the client leaves, then the handler hears of it once", "[wire][GW-6]")
{
    std::promise<void> gone;
    std::atomic<int> times{0};
    std::shared_ptr<HttpReply> kept;
    std::promise<void> asked;
    {
        Server server([&](HttpRequest, std::shared_ptr<HttpReply> reply) {
            kept = reply;
            reply->on_disconnect([&] {
                if (++times == 1) gone.set_value();
            });
            asked.set_value();
        });
        auto peer = server.connect();
        peer.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        asked.get_future().wait();
        peer.leave();
        gone.get_future().wait();
        CHECK(server.connections() == 0);
    }
    kept->send({200, {}, "too late"});
    CHECK(times == 1);
}

TEST_CASE("http: given a stream under way, when the client leaves, then the handler hears of it", "[wire][GW-6]")
{
    std::promise<void> gone;
    std::shared_ptr<HttpReply> kept;
    Server server([&](HttpRequest, std::shared_ptr<HttpReply> reply) {
        kept = reply;
        reply->on_disconnect([&] { gone.set_value(); });
        reply->begin_stream(200, {{"Content-Type", "text/event-stream"}});
        reply->write("data: 1\n\n");
    });
    auto peer = server.connect();
    peer.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(peer.hear("data: 1\n\n").find("Transfer-Encoding: chunked") != std::string::npos);
    peer.leave();
    gone.get_future().wait();
    server.loop.post([&] { kept.reset(); });
    (void)server.connections();
}

TEST_CASE("http: given a stream, when it ends, then the connection serves the next request", "[wire]")
{
    Server server([](HttpRequest, std::shared_ptr<HttpReply> const& reply) {
        reply->begin_stream(200, {});
        reply->write("one");
        reply->end();
        reply->write("never");
    });
    auto const peer = server.connect();
    for (int i = 0; i < 2; ++i) {
        peer.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        CHECK(peer.hear("0\r\n\r\n").ends_with("3\r\none\r\n0\r\n\r\n"));
    }
}

TEST_CASE("http: given a reply dropped unanswered, when nothing was sent, then 500", "[wire]")
{
    Server server([](HttpRequest, std::shared_ptr<HttpReply> const&) {});
    auto const peer = server.connect();
    peer.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(peer.hear().starts_with("HTTP/1.1 500 "));
}

TEST_CASE("http: given a head that never ends, when its time is over, then 408 and the end", "[wire][T-02][GW-4]")
{
    HttpServer::Options options;
    options.limits.header_timeout = 20ms;
    Server server(echo, std::move(options));
    auto slow = server.connect();
    slow.say("GET / HT");
    CHECK(slow.hear().starts_with("HTTP/1.1 408 "));
    slow.leave();
    auto const silent = server.connect();
    CHECK(silent.hear().empty());
    while (server.connections() != 0) std::this_thread::yield();
}

TEST_CASE("http: given a body that never ends, when its time is over, then 408 and the end", "[wire][T-02][GW-4]")
{
    HttpServer::Options options;
    options.limits.body_timeout = 20ms;
    Server server(echo, std::move(options));
    auto const peer = server.connect();
    peer.say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
    CHECK(peer.hear().starts_with("HTTP/1.1 408 "));
}

TEST_CASE("http: given a connection that idles, when its time is over, then it is closed without a word", "[wire][T-02]")
{
    HttpServer::Options options;
    options.limits.idle_timeout = 20ms;
    Server server(echo, std::move(options));
    auto const peer = server.connect();
    peer.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(peer.hear("GET ").ends_with("GET "));
    CHECK(peer.hear().empty());
}

TEST_CASE(
    "http: given a client that stops reading, when too much piles up, then it is cut off and the handler hears of it", "[wire][T-02][T-06]")
{
    HttpServer::Options options;
    options.limits.unwritten_bytes_max = 256u << 10;
    std::promise<void> gone;
    std::size_t written = 0;
    Server server(
        [&](HttpRequest, std::shared_ptr<HttpReply> const& reply) {
            reply->on_disconnect([&] { gone.set_value(); });
            reply->begin_stream(200, {});
            for (int i = 0; i < 1000; ++i) {
                reply->write(std::string(16u << 10, 'x'));
                written += 16u << 10;
            }
        },
        std::move(options));
    auto const peer = server.connect();
    peer.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    gone.get_future().wait();
    CHECK(server.connections() == 0);
}

TEST_CASE("http: given a client that stops reading one answer, when the write time is over, then it is cut off", "[wire][T-02][T-06]")
{
    HttpServer::Options options;
    options.limits.write_timeout = 30ms;
    std::promise<void> asked;
    Server server(
        [&](HttpRequest, std::shared_ptr<HttpReply> const& reply) {
            reply->send({200, {}, std::string(8u << 20, 'x')});
            asked.set_value();
        },
        std::move(options));
    auto const peer = server.connect();
    peer.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    asked.get_future().wait();
    pollfd hung{peer.fd(), 0, 0};  // POLLHUP: the server has closed its end
    CHECK(::poll(&hung, 1, 5'000) == 1);
    CHECK(server.connections() == 0);
}

TEST_CASE("http: given the ceiling and nobody idle, when one more comes, then 503, and a place is free again later", "[wire][T-02][GW-8]")
{
    HttpServer::Options options;
    options.limits.connections_max = 2;
    std::vector<std::shared_ptr<HttpReply>> held;  // the loop's thread only, until the server has ended
    std::promise<void> both;
    Server server(
        [&](HttpRequest request, std::shared_ptr<HttpReply> reply) {
            if (request.path() != "/held") return echo(std::move(request), std::move(reply));
            held.push_back(std::move(reply));
            if (held.size() == 2) both.set_value();
        },
        std::move(options));
    auto one = server.connect();
    auto const two = server.connect();
    for (Peer const* const each : {static_cast<Peer const*>(&one), &two}) each->say("GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
    both.get_future().wait();
    auto const three = server.connect();
    auto const refused = three.hear();
    CHECK(refused.starts_with("HTTP/1.1 503 "));
    CHECK(refused.find("too_many_connections") != std::string::npos);
    CHECK(server.connections() == 2);
    one.leave();
    while (server.connections() == 2) std::this_thread::yield();
    auto const four = server.connect();
    four.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(four.hear("GET ").starts_with("HTTP/1.1 200 "));
}

TEST_CASE("http: given the ceiling and idle connections, when one more comes and speaks, then it is heard and the oldest idle one is gone",
    "[wire][T-02][GW-8]")
{
    HttpServer::Options options;
    options.limits.connections_max = 2;
    Server server(echo, std::move(options));
    auto const one = server.connect();
    auto const two = server.connect();
    auto const three = server.connect();
    three.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(three.hear("GET ").starts_with("HTTP/1.1 200 "));
    CHECK(one.hear().empty());  // closed without a word
    CHECK(server.connections() == 2);
}

TEST_CASE("http: given a malformed request, when it is refused, then by the shape the owner gives and the connection ends", "[wire][T-02]")
{
    HttpServer::Options options;
    options.refuse = [](HttpRefusal refusal) { return HttpResponse{refusal.status, {}, "shaped " + std::string(refusal.code)}; };
    bool called = false;
    Server server([&](HttpRequest, std::shared_ptr<HttpReply> const&) { called = true; }, std::move(options));
    auto const peer = server.connect();
    peer.say("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(peer.hear().ends_with("shaped bad_request"));
    CHECK_FALSE(called);
}

TEST_CASE("http: given a TCP listener, when a client connects, then it is accepted and answered", "[wire]")
{
    UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener.get(), 8) == 0);
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    Server server(std::move(listener), echo, {});
    UniqueFd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    Peer const peer(std::move(client));
    peer.say("GET /tcp HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(peer.hear().find("X-Path: /tcp") != std::string::npos);
}

TEST_CASE("http: given a TLS identity that does not load, when a client connects, then nothing is served", "[wire][T-02]")
{
    HttpServer::Options options;
    options.tls = TlsIdentity{"not a certificate", *Secret::copy_of(std::as_bytes(std::span("not a key")))};
    Server server(echo, std::move(options));
    auto const peer = server.connect();
    peer.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(peer.hear().empty());
    CHECK(server.connections() == 0);
}

}  // namespace test_http_server
