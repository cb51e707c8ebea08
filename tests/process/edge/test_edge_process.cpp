// SPDX-License-Identifier: GPL-3.0-or-later
// The real helper, confined, on a lane made of loopback in a network namespace of the test's own: what a guest would see.

#include <catch2/catch_test_macros.hpp>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "edge/helpers.h"
#include "proto/edge_helper_to_edge.h"
#include "proto/storage_lane_to_edge.h"
#include "support/helper_process.h"

namespace {

using namespace ocu;

constexpr std::uint16_t kPort = 8080;
constexpr SessionId kSession{77};

void enter_own_network()
{
    static bool const entered = [] {
        if (::unshare(CLONE_NEWNET) != 0) return false;
        UniqueFd const any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        ifreq request{};
        std::strcpy(request.ifr_name, "lo");
        request.ifr_flags = IFF_UP | IFF_RUNNING;
        return ::ioctl(any.get(), SIOCSIFFLAGS, &request) == 0;
    }();
    REQUIRE(entered);
}

UniqueFd make_socket(int type, std::uint16_t port)
{
    UniqueFd fd(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
    int const on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(port);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&any), sizeof any) == 0);
    if (type == SOCK_STREAM) REQUIRE(::listen(fd.get(), 512) == 0);
    return fd;
}

sockaddr_in address(char const* text, std::uint16_t port)
{
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    REQUIRE(::inet_pton(AF_INET, text, &out.sin_addr) == 1);
    return out;
}

UniqueFd dial(char const* text)
{
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    timeval const wait{5, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    auto const to = address(text, kPort);
    REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr const*>(&to), sizeof to) == 0);
    return fd;
}

// All bytes until the end; `error` is errno of what ended it, 0 for an orderly end.
std::string read_all(int fd, int& error)
{
    std::string out;
    char chunk[4096];
    for (;;) {
        ssize_t const got = ::read(fd, chunk, sizeof chunk);
        error = got < 0 ? errno : 0;
        if (got <= 0) return out;
        out.append(chunk, static_cast<std::size_t>(got));
    }
}

struct EdgeProcess {
    EdgeProcess()
    {
        enter_own_network();
        helper.configure(proto::EdgeConfig{});
        helper.ready();
    }
    void open_lane()
    {
        UniqueFd const tcp = make_socket(SOCK_STREAM, kPort);
        UniqueFd const dns = make_socket(SOCK_DGRAM, 53);
        helper.send(proto::LaneOpen{kSession}, {tcp.get(), dns.get()});
    }
    proto::EgressDenied denied() { return helper.expect<proto::EgressDenied>(); }

    test::HelperProcess helper{"edge", edge::edge_main};
};

std::string ask(char const* to_text, std::string const& query)
{
    UniqueFd const fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    timeval const wait{5, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    auto const to = address(to_text, 53);
    // Connected: the kernel drops an answer that comes from another address.
    REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr const*>(&to), sizeof to) == 0);
    REQUIRE(::send(fd.get(), query.data(), query.size(), 0) == static_cast<ssize_t>(query.size()));
    char reply[512];
    ssize_t const got = ::recv(fd.get(), reply, sizeof reply, 0);
    REQUIRE(got > 0);
    return {reply, static_cast<std::size_t>(got)};
}

std::string const kQuery(
    "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05never\x07"
    "example\x00\x00\x01\x00\x01",
    31);

}  // namespace

TEST_CASE_METHOD(EdgeProcess,
    "edge: given a lane, when a guest sends an HTTP request, then 403 with its reason, an orderly end and an event",
    "[edge][T-05][EG-1][EG-6]")
{
    open_lane();
    auto const fd = dial("127.9.8.7");
    std::string const request = "POST /x HTTP/1.1\r\nHost: example.org\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'b');
    REQUIRE(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()));
    ::shutdown(fd.get(), SHUT_WR);
    int error = 0;
    auto const answer = read_all(fd.get(), error);
    CHECK(error == 0);
    CHECK(answer.starts_with("HTTP/1.1 403 "));
    CHECK(answer.find("x-deny-reason: not_allowed\r\n") != std::string::npos);
    CHECK(answer.find("\"code\":\"not_allowed\"") != std::string::npos);
    CHECK(answer.find("127.9.8.7:8080") != std::string::npos);
    auto const event = denied();
    CHECK(event.session == kSession);
    CHECK(event.protocol == proto::EgressProtocol::http);
    CHECK(event.reason == proto::Reason::not_allowed);
    CHECK(event.destination.view() == "127.9.8.7");
    CHECK(event.port == kPort);
    CHECK(event.name.view() == "example.org");
    CHECK(event.count == 1);
}

TEST_CASE_METHOD(EdgeProcess, "edge: given a lane, when a guest sends a TLS hello, then a reset at once and an event", "[edge][T-05][EG-6]")
{
    open_lane();
    auto const fd = dial("127.0.0.9");
    REQUIRE(::send(fd.get(), "\x16\x03\x01\x00\x05hello", 10, MSG_NOSIGNAL) == 10);
    int error = 0;
    CHECK(read_all(fd.get(), error).empty());
    CHECK(error == ECONNRESET);
    CHECK(denied().protocol == proto::EgressProtocol::tls);
}

TEST_CASE_METHOD(
    EdgeProcess, "edge: given a lane, when a guest connects and is silent, then a reset within a second and an event", "[edge][T-05][EG-6]")
{
    open_lane();
    auto const started = std::chrono::steady_clock::now();
    auto const fd = dial("127.0.0.9");
    int error = 0;
    CHECK(read_all(fd.get(), error).empty());
    CHECK(error == ECONNRESET);
    CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds(1));
    CHECK(denied().protocol == proto::EgressProtocol::tcp);
}

TEST_CASE_METHOD(EdgeProcess, "edge: given a lane, when a guest asks for a name, then NXDOMAIN from the address asked and an event",
    "[edge][T-05][EG-4]")
{
    open_lane();
    auto const reply = ask("127.5.5.5", kQuery);
    REQUIRE(reply.size() >= 12);
    CHECK(reply.substr(0, 2) == kQuery.substr(0, 2));
    CHECK((static_cast<unsigned char>(reply[2]) & 0x80) != 0);
    CHECK((static_cast<unsigned char>(reply[3]) & 0x0f) == 3);
    auto const event = denied();
    CHECK(event.protocol == proto::EgressProtocol::dns);
    CHECK(event.name.view() == "never.example");
}

TEST_CASE_METHOD(EdgeProcess,
    "edge: given more connections than a lane may hold, when they stay silent, then those beyond are reset at once and all are counted",
    "[edge][T-06]")
{
    open_lane();
    constexpr std::uint32_t kConnections = 300;
    std::vector<UniqueFd> held;
    for (std::uint32_t i = 0; i < kConnections; ++i) held.push_back(dial("127.0.0.9"));
    std::uint32_t silent = 0, beyond = 0, events = 0;
    while (silent + beyond < kConnections) {
        auto const event = denied();
        ++events;
        (event.reason == proto::Reason::rate_exceeded ? beyond : silent) += event.count;
    }
    CHECK(silent + beyond == kConnections);
    CHECK(beyond > 0);
    CHECK(events < 20);
}

TEST_CASE_METHOD(EdgeProcess,
    "edge: given a lane that is closed, when a guest's connection was open, then it is reset and the listener is gone", "[edge][T-13]")
{
    open_lane();
    auto const fd = dial("127.0.0.9");
    helper.send(proto::LaneClose{kSession});
    CHECK(helper.expect<proto::LaneClosed>().session == kSession);
    int error = 0;
    CHECK(read_all(fd.get(), error).empty());
    CHECK(error == ECONNRESET);
    UniqueFd const again(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto const to = address("127.0.0.9", kPort);
    CHECK(::connect(again.get(), reinterpret_cast<sockaddr const*>(&to), sizeof to) != 0);
    CHECK(errno == ECONNREFUSED);
}

TEST_CASE_METHOD(EdgeProcess, "edge: given a frame that it does not know, when it arrives, then the helper ends", "[edge][T-14]")
{
    REQUIRE(helper.receive(std::chrono::milliseconds(1)).error().fault == Fault::unavailable);
    helper.send(proto::LaneClosed{kSession});
    CHECK(WIFEXITED(helper.wait()));
}

TEST_CASE_METHOD(EdgeProcess, "edge: given its link closes, when nothing else happens, then it ends in order", "[edge][T-13]")
{
    int const status = helper.end();
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("storage_lane: given no destination, when started, then it serves its link until that closes", "[edge][T-14]")
{
    test::HelperProcess helper("storage-lane", edge::storage_lane_main);
    helper.configure(proto::StorageLaneConfig{});
    auto const report = wire::decode<proto::StorageLaneReport>(helper.ready());
    REQUIRE(report);
    CHECK(report->destinations == 0);
    CHECK(helper.end() == 0);
}

TEST_CASE("storage_lane: given a destination, when started, then it refuses to serve", "[edge][T-14]")
{
    test::HelperProcess helper("storage-lane", edge::storage_lane_main);
    proto::StorageLaneConfig config;
    config.destinations.push("192.0.2.1:443");
    helper.configure(config);
    CHECK(WEXITSTATUS(helper.wait()) == 1);
}
