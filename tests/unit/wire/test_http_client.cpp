// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: http_client where it connects by itself. Over given streams: tests/unit/storage/test_s3_asking.cpp.
#include "wire/http_client.h"

#include <catch2/catch_test_macros.hpp>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstdlib>

namespace test_http_client {

using namespace ocu;
using namespace ocu::wire;

namespace {

// Listens, or only has a port that nobody else has.
struct Port {
    explicit Port(bool listens)
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
        if (listens) REQUIRE(::listen(fd.get(), 4) == 0);
        socklen_t size = sizeof address;
        REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
        url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    }
    bool has_caller() const
    {
        pollfd each{fd.get(), POLLIN, 0};
        return ::poll(&each, 1, 0) == 1;
    }
    UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::string url;
};

}  // namespace

TEST_CASE("http_client: given a proxy in the environment, when an address is asked, then the proxy is not", "[wire][SB-8]")
{
    REQUIRE(http_begin().has_value());
    Port const proxy(true);
    Port const nobody(false);
    for (auto const* const name : {"http_proxy", "all_proxy", "ALL_PROXY"}) ::setenv(name, proxy.url.c_str(), 1);
    HttpClient client({});
    auto const got = client.ask({.method = "GET", .url = nobody.url, .time = std::chrono::milliseconds(2'000)});
    for (auto const* const name : {"http_proxy", "all_proxy", "ALL_PROXY"}) ::unsetenv(name);
    CHECK(got.failure == HttpFailure::unreachable);
    CHECK_FALSE(proxy.has_caller());
}

}  // namespace test_http_client
