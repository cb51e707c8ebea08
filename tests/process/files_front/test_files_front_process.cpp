// SPDX-License-Identifier: GPL-3.0-or-later
// The real files front under its real profile, asked over a loopback socket.

#include <catch2/catch_test_macros.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

#include "helper/frame.h"
#include "proto/files_front_to_storage.h"
#include "storage/helpers.h"

namespace {

using namespace ocu;

struct FilesFrontTest {
    FilesFrontTest()
    {
        UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        socklen_t size = sizeof address;
        REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
        REQUIRE(::listen(listener.get(), 16) == 0);
        auto pair = make_socket_pair().value();
        child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            ::dup2(pair.theirs.get(), helper::kLinkFd);
            auto self = helper::Helper::begin("files-front");
            ::_exit(self && storage::files_front_main(*self) ? 0 : 1);
        }
        link = std::move(pair.ours);
        proto::FilesFrontConfig config;
        config.hosts.push("ours:1");
        REQUIRE(helper::write_frame(link.get(), helper::kConfigureType, wire::encode(config), std::array{listener.get()}));
        auto const ready = helper::read_frame(link.get(), 64, std::chrono::seconds(5));
        REQUIRE(ready.has_value());
    }
    FilesFrontTest(FilesFrontTest const&) = delete;
    FilesFrontTest& operator=(FilesFrontTest const&) = delete;
    ~FilesFrontTest()
    {
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
    }
    std::string ask(std::string const& request)
    {
        UniqueFd const socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::connect(socket.get(), reinterpret_cast<sockaddr const*>(&address), sizeof address) == 0);
        REQUIRE(::write(socket.get(), request.data(), request.size()) == static_cast<ssize_t>(request.size()));
        std::string out;
        std::array<char, 4096> bytes;
        pollfd readable{socket.get(), POLLIN, 0};
        while (::poll(&readable, 1, 5'000) == 1) {
            auto const got = ::read(socket.get(), bytes.data(), bytes.size());
            if (got <= 0) break;
            out.append(bytes.data(), static_cast<std::size_t>(got));
        }
        return out;
    }

    sockaddr_in address{};
    UniqueFd link;
    pid_t child = -1;
};

}  // namespace

TEST_CASE_METHOD(FilesFrontTest,
    "files_front: given the running front, when it is asked, then health is answered and the rest refused in words",
    "[storage][T-02][AP-8]")
{
    auto const healthy = ask("GET /health HTTP/1.1\r\nHost: ours:1\r\nConnection: close\r\n\r\n");
    CHECK(healthy.starts_with("HTTP/1.1 200"));
    CHECK(healthy.ends_with(R"({"status":"healthy"})"));
    CHECK(ask("GET /health HTTP/1.1\r\nHost: theirs\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 403"));
    auto const missing = ask("GET /files/1 HTTP/1.1\r\nHost: ours:1\r\nConnection: close\r\n\r\n");
    CHECK(missing.starts_with("HTTP/1.1 404"));
    CHECK(missing.find("not_found") != missing.npos);
    CHECK(ask("nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
    CHECK(
        ask("POST /health HTTP/1.1\r\nHost: ours:1\r\nContent-Length: 99999999\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 413"));
    CHECK(::waitpid(child, nullptr, WNOHANG) == 0);
}
