// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/wire/http, bodies in pieces: a request is judged at its head, its body read only when it is asked for, an answer written no faster
// than its client reads, and neither ever held whole.

#include <atomic>

#include "support/http_stand.h"

namespace test_http_stream {

using namespace ocu;
using namespace ocu::wire;
using http_stand::Server;
using How = HttpBodyChoice::How;

HttpServer::Options options(HttpBodyChoice choice)
{
    HttpServer::Options out;
    out.limits.body_bytes_max = 64u << 20;
    out.choose = [choice](HttpRequest const&) { return choice; };
    return out;
}

// Reads the whole body piece by piece, remembers the greatest piece, and answers with the sum.
struct Counting : std::enable_shared_from_this<Counting> {
    explicit Counting(std::shared_ptr<HttpReply> to) : reply(std::move(to)) {}
    void next()
    {
        reply->read_body([self = shared_from_this()](HttpPiece piece) {
            self->bytes += piece.bytes.size();
            self->greatest = std::max(self->greatest, piece.bytes.size());
            if (piece.kind == HttpPiece::Kind::failed) return;
            if (piece.kind == HttpPiece::Kind::more) return self->next();
            self->reply->send({200, {}, std::to_string(self->bytes) + " " + (self->greatest <= kHttpPieceBytesMax ? "small" : "large")});
        });
    }
    std::shared_ptr<HttpReply> reply;
    std::size_t bytes = 0;
    std::size_t greatest = 0;
};

void count(HttpRequest, std::shared_ptr<HttpReply> reply) { std::make_shared<Counting>(std::move(reply))->next(); }

TEST_CASE(
    "http_stream: given a body of a told length, when it is streamed, then in small pieces, and the connection goes on", "[wire][SB-6]")
{
    Server server(count, options({How::streamed, 8u << 20}));
    auto const peer = server.connect();
    for (int i = 0; i < 2; ++i) {
        std::thread([&peer] {
            peer.say("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" + std::string(5'000'000, 'x'));
        }).join();
        auto const heard = peer.hear("small");
        CHECK(heard.find("5000000 small") != heard.npos);
    }
}

TEST_CASE("http_stream: given a chunked body over the choice's limit, when it comes, then 413 in its middle", "[wire][SB-7][T-02]")
{
    std::atomic<int> pieces{0};
    Server server(
        [&pieces](HttpRequest, std::shared_ptr<HttpReply> reply) {
            auto const next = std::make_shared<std::function<void()>>();
            *next = [reply, next, &pieces] {
                reply->read_body([next, &pieces](HttpPiece piece) {
                    ++pieces;
                    if (piece.kind == HttpPiece::Kind::more) return (*next)();
                    *next = nullptr;
                });
            };
            (*next)();
        },
        options({How::streamed, 10}));
    auto const peer = server.connect();
    peer.say("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n");
    peer.say("6\r\n123456\r\n0\r\n\r\n");
    CHECK(peer.hear().find("HTTP/1.1 413") != std::string::npos);
    CHECK(pieces >= 1);
}

TEST_CASE(
    "http_stream: given a length over the choice's limit, when the head is read, then 413, no 100, and no handler", "[wire][SB-7][T-02]")
{
    std::atomic<int> handled{0};
    Server server([&handled](HttpRequest, std::shared_ptr<HttpReply> const&) { ++handled; }, options({How::streamed, 10}));
    auto const peer = server.connect();
    peer.say("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
    CHECK(peer.hear().starts_with("HTTP/1.1 413"));
    CHECK(handled == 0);
}

TEST_CASE("http_stream: given a refusal at the head, when it is chosen, then it is what the client hears", "[wire][SB-6]")
{
    Server server(count, options({How::streamed, 10, HttpResponse{403, {}, "no"}}));
    auto const peer = server.connect();
    peer.say("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345");
    auto const heard = peer.hear();
    CHECK(heard.starts_with("HTTP/1.1 403"));
    CHECK(heard.find("Connection: close") != heard.npos);
}

TEST_CASE("http_stream: given Expect, when nobody asks for the body yet, then no 100; when somebody does, then 100", "[wire][SB-7]")
{
    std::promise<std::shared_ptr<HttpReply>> given;
    Server server(
        [&given](HttpRequest, std::shared_ptr<HttpReply> reply) { given.set_value(std::move(reply)); }, options({How::streamed, 10}));
    auto const peer = server.connect();
    peer.say("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    auto reply = given.get_future().get();
    char byte = 0;
    CHECK(::recv(peer.fd(), &byte, 1, MSG_DONTWAIT) == -1);
    server.loop.post([reply = std::exchange(reply, nullptr)] { count({}, reply); });
    CHECK(peer.hear("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    peer.say("ok");
    CHECK(peer.hear("small").find("2 small") != std::string::npos);
}

TEST_CASE("http_stream: given a handler that asks for nothing, when a client sends on, then it is held back", "[wire][T-02]")
{
    std::promise<std::shared_ptr<HttpReply>> given;
    Server server([&given](HttpRequest, std::shared_ptr<HttpReply> reply) { given.set_value(std::move(reply)); },
        options({How::streamed, 64u << 20}));
    auto const peer = server.connect();
    peer.say("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000000\r\n\r\n");
    auto reply = given.get_future().get();
    std::string const block(64u << 10, 'x');
    std::size_t sent = 0;
    for (;;) {
        auto const now = ::send(peer.fd(), block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (now <= 0) {
            pollfd writable{peer.fd(), POLLOUT, 0};
            if (::poll(&writable, 1, 200) == 0) break;
            continue;
        }
        sent += static_cast<std::size_t>(now);
    }
    CHECK(sent < (2u << 20));  // what a socket pair's buffers hold, and one read
    server.loop.post([reply = std::exchange(reply, nullptr)]() mutable { reply.reset(); });
}

TEST_CASE("http_stream: given an answer before the body was read, when it is sent, then the connection ends after it", "[wire][T-02]")
{
    Server server(
        [](HttpRequest, std::shared_ptr<HttpReply> const& reply) { reply->send({409, {}, "no"}); }, options({How::streamed, 100}));
    auto const peer = server.connect();
    peer.say("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    auto const heard = peer.hear();
    CHECK(heard.starts_with("HTTP/1.1 409"));
    CHECK(heard.find("HTTP/1.1", 8) == heard.npos);
}

TEST_CASE(
    "http_stream: given a refusal in the middle of a body, when its client sends all of it first, then it sees the refusal", "[wire][T-02]")
{
    Server server(
        [](HttpRequest, std::shared_ptr<HttpReply> const& reply) {
            reply->read_body([reply](HttpPiece const&) { reply->send({507, {}, "full"}); });
        },
        options({How::streamed, 64u << 20}));
    auto const peer = server.connect();
    peer.say("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n");
    peer.say(std::string(5'000'000, 'x'));
    CHECK(peer.hear().starts_with("HTTP/1.1 507"));
}

TEST_CASE(
    "http_stream: given a client that leaves in the middle of its body, when a piece is waited for, then it has failed", "[wire][SB-9]")
{
    std::promise<HttpPiece::Kind> last;
    Server server(
        [&last](HttpRequest, std::shared_ptr<HttpReply> reply) {
            auto const next = std::make_shared<std::function<void()>>();
            *next = [reply, next, &last] {
                reply->read_body([next, &last](HttpPiece piece) {
                    if (piece.kind == HttpPiece::Kind::more) return (*next)();
                    last.set_value(piece.kind);
                    *next = nullptr;
                });
            };
            (*next)();
        },
        options({How::streamed, 100}));
    auto peer = server.connect();
    peer.say("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n12345");
    peer.leave();
    CHECK(last.get_future().get() == HttpPiece::Kind::failed);
}

// Writes `total` bytes of an answer of that length, a piece whenever one is welcome, and says how far it was ahead of its client at most.
struct Writing : std::enable_shared_from_this<Writing> {
    Writing(std::shared_ptr<HttpReply> to, std::size_t bytes) : reply(std::move(to)), left(bytes) {}
    void next()
    {
        if (left == 0) return reply->end();
        std::size_t const now = std::min<std::size_t>(left, 32u << 10);
        left -= now;
        reply->write(std::string(now, 'y'));
        reply->on_writable([self = shared_from_this()] { self->next(); });
    }
    std::shared_ptr<HttpReply> reply;
    std::size_t left;
};

TEST_CASE("http_stream: given an answer of a told length, when it is whole, then the connection serves the next request", "[wire][SB-6]")
{
    Server server([](HttpRequest, std::shared_ptr<HttpReply> reply) {
        reply->begin_body(206, {{"X", "y"}}, 300'000);
        std::make_shared<Writing>(std::move(reply), 300'000)->next();
    });
    auto const peer = server.connect();
    peer.say("GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    auto const heard = peer.hear();
    CHECK(heard.starts_with("HTTP/1.1 206"));
    CHECK(heard.find("Content-Length: 300000") != heard.npos);
    CHECK(heard.find("chunked") == heard.npos);
    CHECK(heard.size() > 600'000);
    CHECK(heard.size() < 601'000);
}

TEST_CASE("http_stream: given a told length, when less or more is written, then the connection is cut and nothing passes as whole",
    "[wire][SB-9]")
{
    for (std::size_t const written : {5u, 15u}) {
        Server server([written](HttpRequest, std::shared_ptr<HttpReply> const& reply) {
            reply->begin_body(200, {}, 10);
            reply->write(std::string(written, 'z'));
            reply->end();
        });
        auto const peer = server.connect();
        peer.say("GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
        auto const heard = peer.hear();
        CHECK(heard.find("zzzzzzzzzz") == heard.npos);
        CHECK(heard.find("HTTP/1.1", 8) == heard.npos);
    }
}

TEST_CASE("http_stream: given a client that does not read, when an answer is written as it is welcome, then little is ahead of it",
    "[wire][T-02]")
{
    std::atomic<std::size_t> written{0};
    Server server([&written](HttpRequest, std::shared_ptr<HttpReply> reply) {
        reply->begin_body(200, {}, 64u << 20);
        auto const next = std::make_shared<std::function<void()>>();
        std::weak_ptr const weak(next);
        *next = [reply, weak, &written] {
            reply->write(std::string(32u << 10, 'y'));
            written += 32u << 10;
            if (auto const self = weak.lock()) reply->on_writable([self] { (*self)(); });
        };
        (*next)();
    });
    auto const peer = server.connect();
    peer.say("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    (void)peer.hear("\r\n\r\n");
    std::size_t before = 1;
    while (before != written) {  // until it stands still for a while
        before = written;
        pollfd nothing{-1, 0, 0};
        ::poll(&nothing, 1, 100);
    }
    CHECK(written < (2u << 20));
}

TEST_CASE("http_stream: given HEAD, when an answer of a told length is begun, then the length is said and no body follows", "[wire][SB-6]")
{
    Server server([](HttpRequest, std::shared_ptr<HttpReply> const& reply) {
        reply->begin_body(200, {}, 12345);
        reply->write("never");
        reply->end();
    });
    auto const peer = server.connect();
    peer.say("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    auto const heard = peer.hear();
    CHECK(heard.find("Content-Length: 12345") != heard.npos);
    CHECK(heard.ends_with("\r\n\r\n"));
}

}  // namespace test_http_stream
