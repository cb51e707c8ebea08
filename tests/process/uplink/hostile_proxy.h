// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An HTTP proxy that connects to nothing and answers as the port says that it is asked for. Each connection is a process, so that one can be slow.

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace test_uplink_proxy {

constexpr std::uint16_t kProxyPort = 3128;
constexpr std::uint16_t kRefuses407 = 8001;
constexpr std::uint16_t kRefuses403 = 8002;
constexpr std::uint16_t kGarbage = 8003;
constexpr std::uint16_t kCloses = 8004;
constexpr std::uint16_t kSilent = 8005;
constexpr std::uint16_t kEndless = 8006;
constexpr std::uint16_t kSlow = 8007;
constexpr std::uint16_t kInterim = 8008;
constexpr std::uint16_t kWithLength = 8009;
constexpr std::uint16_t kFirstFails = 8010;  // which the first address of a name does
// All other ports: agrees.

inline bool say(int fd, std::string_view text)
{
    return ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

inline void until_it_goes(int fd, std::string_view piece, int pause_ms)
{
    pollfd entry{fd, POLLIN | POLLRDHUP, 0};
    while (::poll(&entry, 1, pause_ms) == 0)
        if (!piece.empty() && !say(fd, piece)) return;
}

inline void answer(int fd, std::string const& target)
{
    auto const port = static_cast<std::uint16_t>(std::strtoul(target.c_str() + target.rfind(':') + 1, nullptr, 10));
    std::string const yes = "HTTP/1.1 200 Connection established\r\n\r\n";
    switch (port) {
    case kRefuses407: say(fd, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno\n"); break;
    case kRefuses403: say(fd, "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno\n"); break;
    case kGarbage: say(fd, "220 mail.example ESMTP\r\n"); break;
    case kCloses: return;
    case kSilent: break;
    case kEndless: say(fd, "HTTP/1.1 200 OK\r\nx: "); return until_it_goes(fd, std::string(1000, 'a'), 1);
    case kSlow: say(fd, "HTTP/1.1 200 OK\r\nx: "); return until_it_goes(fd, "a", 50);
    case kInterim: say(fd, "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + yes); break;
    case kWithLength: say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"); break;
    case kFirstFails: say(fd, target.starts_with("11.1.1.1:") ? "HTTP/1.1 503 Service Unavailable\r\n\r\n" : yes); break;
    default: say(fd, yes + "220 ready\n");
    }
    until_it_goes(fd, {}, -1);
}

inline void serve_connection(int fd, int told)
{
    std::string request;
    char chunk[4096];
    while (!request.ends_with("\r\n\r\n")) {
        ssize_t const got = ::read(fd, chunk, sizeof chunk);
        if (got <= 0) return;
        request.append(chunk, static_cast<std::size_t>(got));
    }
    constexpr std::string_view kVerb = "CONNECT ";
    auto const target = request.substr(kVerb.size(), request.find(' ', kVerb.size()) - kVerb.size());
    bool const good = request == "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n\r\n";
    auto const line = good ? target + ' ' : "bad: " + request;
    if (::write(told, line.data(), line.size()) < 0) return;
    answer(fd, target);
}

// In a process of its own: does not return.
[[noreturn]] inline void serve_proxy(int listening, int told)
{
    std::signal(SIGCHLD, SIG_IGN);
    // Nothing else of the test's: whoever waits for the end of something must see it.
    if (::dup2(listening, 3) != 3 || ::dup2(told, 4) != 4 || ::close_range(5, ~0u, 0) != 0) ::_exit(1);
    listening = 3;
    told = 4;
    for (;;) {
        pollfd entry{listening, POLLIN, 0};
        ::poll(&entry, 1, -1);
        int const fd = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
        if (fd < 0) continue;
        if (::fork() == 0) {
            serve_connection(fd, told);
            ::_exit(0);
        }
        ::close(fd);
    }
}

}  // namespace test_uplink_proxy
