// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An HTTP server on a thread of its own, and a peer that blocks in the test's.

#include <poll.h>
#include <sys/socket.h>

#include <future>
#include <thread>

#include <catch2/catch_test_macros.hpp>

#include "wire/http.h"

namespace http_stand {

using namespace ocu;
using namespace ocu::wire;

class Peer {
public:
    explicit Peer(UniqueFd fd) : fd_(std::move(fd)) {}

    void say(std::string_view text) const
    {
        while (!text.empty()) {
            auto const sent = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) return;
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    // Until `end` has come, or the other side closed.
    std::string hear(std::string_view end = {}) const
    {
        std::string heard;
        char block[4096];
        while (end.empty() || heard.find(end) == std::string::npos) {
            auto const got = ::recv(fd_.get(), block, sizeof block, 0);
            if (got <= 0) break;
            heard.append(block, static_cast<std::size_t>(got));
        }
        return heard;
    }
    void leave() { fd_.reset(); }
    int fd() const { return fd_.get(); }

private:
    UniqueFd fd_;
};

struct Server {
    explicit Server(HttpHandler handler, HttpServer::Options options = {})
        : http(std::in_place, loop, std::move(options), std::move(handler))
    {
        run();
    }
    Server(UniqueFd listener, HttpHandler handler, HttpServer::Options options)
        : http(std::in_place, loop, std::move(listener), std::move(options), std::move(handler))
    {
        run();
    }
    ~Server()
    {
        loop.stop();
        thread.join();
        http.reset();
    }
    void run()
    {
        thread = std::thread([this] { loop.run(); });
    }
    Peer connect()
    {
        int pair[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        auto given = std::make_shared<UniqueFd>(pair[0]);
        loop.post([this, given] { http->adopt(std::move(*given), ConnectionId{++last}); });
        return Peer(UniqueFd(pair[1]));
    }
    std::size_t connections()
    {
        std::promise<std::size_t> count;
        loop.post([&] { count.set_value(http->connections()); });
        return count.get_future().get();
    }

    Loop loop;
    std::optional<HttpServer> http;
    std::uint64_t last = 0;
    std::thread thread;
};

}  // namespace http_stand
