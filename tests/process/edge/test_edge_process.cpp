// SPDX-License-Identifier: GPL-3.0-or-later
// The real helper, confined, on a lane made of loopback in a network namespace of the test's own: what a guest would see.

#include <catch2/catch_test_macros.hpp>

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "edge/helpers.h"
#include "proto/edge_helper_to_edge.h"
#include "support/helper_process.h"

namespace {

using namespace ocu;

constexpr std::uint16_t kPort = 8080;
constexpr std::uint32_t kSlot = 7;

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

// What comes before a per-session helper's configuration: which user it becomes.
struct Slotted {
    proto::EdgeConfig config;
    static void fields(auto& wire, auto& m) { wire(m.slot, m.config); }
    std::uint32_t slot = kSlot;
};

struct EdgeProcess {
    EdgeProcess()
    {
        enter_own_network();
        UniqueFd const space = test::empty_network();
        UniqueFd const tcp = make_socket(SOCK_STREAM, kPort);
        UniqueFd const dns = make_socket(SOCK_DGRAM, 53);
        auto channel = make_socket_pair().value();
        custody = std::move(channel.ours);
        UniqueFd const roots(::memfd_create("roots", MFD_CLOEXEC));
        helper.configure(Slotted{}, {space.get(), tcp.get(), dns.get(), channel.theirs.get(), roots.get()});
        helper.ready();
    }
    template <class Message>
    void send(Message const& message, std::vector<int> const& descriptors = {})
    {
        helper.send(message, descriptors);
    }
    // A connection of the guest that is spliced to the far end that is given back.
    UniqueFd spliced(UniqueFd const& guest)
    {
        REQUIRE(::send(guest.get(), "hello", 5, MSG_NOSIGNAL) == 5);
        auto const asked = helper.expect<proto::RouteAsked>();
        auto pair = make_socket_pair().value();
        send(proto::RouteOpened{asked.connection, proto::Handling::splice, {}}, {pair.theirs.get()});
        char bytes[8];
        pollfd entry{pair.ours.get(), POLLIN, 0};
        REQUIRE(::poll(&entry, 1, 5000) == 1);
        REQUIRE(::read(pair.ours.get(), bytes, sizeof bytes) == 5);
        return std::move(pair.ours);
    }

    UniqueFd custody;
    test::HelperProcess helper{"edge", edge::edge_main};
};

std::string const kQuery(
    "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05never\x07"
    "example\x00\x00\x01\x00\x01",
    31);

}  // namespace

TEST_CASE_METHOD(EdgeProcess, "edge: given an HTTP request, when its route is refused, then 403 with its reason and an orderly end",
    "[edge][T-05][EG-1][EG-6]")
{
    auto const fd = dial("127.9.8.7");
    std::string const request = "POST /x HTTP/1.1\r\nHost: example.org\r\nContent-Length: 100000\r\n\r\n" + std::string(100'000, 'b');
    REQUIRE(::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size()));
    ::shutdown(fd.get(), SHUT_WR);
    auto const asked = helper.expect<proto::RouteAsked>();
    CHECK(asked.protocol == proto::EgressProtocol::http);
    CHECK(asked.address.view() == "127.9.8.7");
    CHECK(asked.port == kPort);
    CHECK(asked.inner_name.view() == "example.org");
    send(proto::RouteRefused{asked.connection, proto::Reason::not_allowed});
    int error = 0;
    auto const answer = read_all(fd.get(), error);
    CHECK(error == 0);
    CHECK(answer.starts_with("HTTP/1.1 403 "));
    CHECK(answer.find("x-deny-reason: not_allowed\r\n") != std::string::npos);
    CHECK(answer.find("\"code\":\"not_allowed\"") != std::string::npos);
    CHECK(answer.find("127.9.8.7:8080") != std::string::npos);
}

TEST_CASE_METHOD(EdgeProcess, "edge: given what is no TLS though it begins so, when sent, then a reset at once and an event", "[edge][T-05][EG-5][EG-6]")
{
    auto const fd = dial("127.0.0.9");
    REQUIRE(::send(fd.get(), "\x16\x03\x01\x00\x05hello", 10, MSG_NOSIGNAL) == 10);
    int error = 0;
    CHECK(read_all(fd.get(), error).empty());
    CHECK(error == ECONNRESET);
    auto const event = helper.expect<proto::EgressDenied>();
    CHECK(event.protocol == proto::EgressProtocol::tls);
    CHECK(event.reason == proto::Reason::protocol_denied);
    CHECK(event.count == 1);
}

TEST_CASE_METHOD(EdgeProcess, "edge: given a guest that is silent, when the look is over, then asked for as tcp, and reset when refused",
    "[edge][T-05][EG-6]")
{
    auto const started = std::chrono::steady_clock::now();
    auto const fd = dial("127.0.0.9");
    auto const asked = helper.expect<proto::RouteAsked>();
    CHECK(asked.protocol == proto::EgressProtocol::tcp);
    send(proto::RouteRefused{asked.connection, proto::Reason::not_allowed});
    int error = 0;
    CHECK(read_all(fd.get(), error).empty());
    CHECK(error == ECONNRESET);
    CHECK(std::chrono::steady_clock::now() - started < std::chrono::seconds(1));
}

TEST_CASE_METHOD(EdgeProcess, "edge: given a name, when refused, then NXDOMAIN from the address asked; when allowed, what stands for it",
    "[edge][T-05][EG-4]")
{
    UniqueFd const fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    auto const to = address("127.5.5.5", 53);
    timeval const wait{5, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    // Connected: the kernel drops an answer that comes from another address.
    REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr const*>(&to), sizeof to) == 0);
    for (auto const reason : {proto::Reason::not_allowed, proto::Reason::none}) {
        REQUIRE(::send(fd.get(), kQuery.data(), kQuery.size(), 0) == static_cast<ssize_t>(kQuery.size()));
        auto const asked = helper.expect<proto::NameAsked>();
        CHECK(asked.name.view() == "never.example");
        send(proto::NameDecided{asked.request, reason});
        unsigned char reply[512];
        ssize_t const got = ::recv(fd.get(), reply, sizeof reply, 0);
        REQUIRE(got >= 12);
        CHECK((reply[3] & 0x0f) == (reason == proto::Reason::none ? 0 : 3));
        CHECK(reply[7] == (reason == proto::Reason::none ? 1 : 0));
    }
}

TEST_CASE_METHOD(EdgeProcess, "edge: given a route that opens, when bytes go, then both ways, and its end is told with their count", "[edge][EG-1]")
{
    auto const guest = dial("127.0.0.9");
    auto const far = spliced(guest);
    REQUIRE(::write(far.get(), "answer", 6) == 6);
    ::shutdown(far.get(), SHUT_WR);
    ::shutdown(guest.get(), SHUT_WR);
    int error = 0;
    CHECK(read_all(guest.get(), error) == "answer");
    CHECK(error == 0);
    auto const ended = helper.expect<proto::ConnectionEnded>();
    CHECK(ended.bytes_up == 5);
    CHECK(ended.bytes_down == 6);
}

TEST_CASE_METHOD(EdgeProcess, "edge: given an open route, when it is cut, then the guest sees a reset and the end is told", "[edge][T-17]")
{
    auto const guest = dial("127.0.0.9");
    auto const far = spliced(guest);
    send(proto::ConnectionCut{ConnectionId{1}});
    int error = 0;
    CHECK(read_all(guest.get(), error).empty());
    CHECK(error == ECONNRESET);
    (void)helper.expect<proto::ConnectionEnded>();
}

TEST_CASE_METHOD(EdgeProcess, "edge: given more connections than a session may have, when they come, then those beyond are reset and all counted",
    "[edge][T-06]")
{
    constexpr std::uint32_t kConnections = 300;
    std::vector<UniqueFd> held;
    for (std::uint32_t i = 0; i < kConnections; ++i) held.push_back(dial("127.0.0.9"));
    std::uint32_t asked = 0, beyond = 0, events = 0;
    while (asked + beyond < kConnections) {
        auto const frame = helper.receive();
        REQUIRE(frame);
        if (frame->type == static_cast<std::uint16_t>(proto::Type::route_asked)) {
            ++asked;
            continue;
        }
        auto const event = wire::decode<proto::EgressDenied>(frame->body);
        REQUIRE(event);
        CHECK(event->reason == proto::Reason::rate_exceeded);
        beyond += event->count;
        ++events;
    }
    CHECK(asked == 256);
    CHECK(beyond == kConnections - 256);
    CHECK(events < 20);
}

TEST_CASE_METHOD(EdgeProcess, "edge: given a frame that it does not know, when it arrives, then the helper ends", "[edge][T-14]")
{
    REQUIRE(helper.receive(std::chrono::milliseconds(1)).error().fault == Fault::unavailable);
    helper.send(proto::NameAsked{RequestId{1}, "a"});
    CHECK(WIFEXITED(helper.wait()));
}

TEST_CASE_METHOD(EdgeProcess, "edge: given custody goes away, when nothing else happens, then bytes still pass", "[edge][EG-12]")
{
    custody.reset();
    auto const guest = dial("127.0.0.9");
    auto const far = spliced(guest);
    REQUIRE(::write(far.get(), "x", 1) == 1);
    char byte{};
    CHECK(::read(guest.get(), &byte, 1) == 1);
}

TEST_CASE_METHOD(EdgeProcess, "edge: given its link closes, when nothing else happens, then it ends in order", "[edge][T-13]")
{
    int const status = helper.end();
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}
