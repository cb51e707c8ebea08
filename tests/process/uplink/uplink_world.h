// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The real `uplink`, confined, in a network namespace of the test's own, with a world beyond a cable: a resolver that lies, and listeners at
// addresses of every kind.

#include "hostile_resolver.h"
#include "process/network/network_bench.h"

#include <poll.h>

#include <map>
#include <set>

#include "edge/address.h"
#include "edge/dialler.h"
#include "edge/helpers.h"
#include "proto/edge_to_uplink.h"
#include "support/helper_process.h"

namespace test_uplink_process {

using namespace ocu;
using namespace ocu::test;
using proto::DialFailure;

constexpr std::uint16_t kEverywhere = 7000;  // listened on at every address of the world
constexpr std::uint16_t kSecondOnly = 7001;  // at 11.1.1.2 alone
constexpr std::uint16_t kNowhere = 7002;

struct Answer {
    std::optional<proto::Dialled> dialled;
    UniqueFd socket;
    std::optional<proto::DialFailed> failed;
};

inline UniqueFd listener(char const* address, std::uint16_t port)
{
    UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in6 at{};
    at.sin6_family = AF_INET6;
    at.sin6_port = htons(port);
    REQUIRE(::inet_pton(AF_INET6, address, &at.sin6_addr) == 1);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(fd.get(), 16) == 0);
    return fd;
}

inline void no_waiting_for_duplicates()
{
    for (auto const* name : {"all", "default"}) {
        std::ofstream file(std::string("/proc/sys/net/ipv6/conf/") + name + "/accept_dad");
        file << "0";
    }
}

struct World {
    World()
    {
        no_waiting_for_duplicates();
        bench.in_world([] { return no_waiting_for_duplicates(), 0; });
        bench.cable("u0", "w0", {{0, "11.0.0.2", 24, false}, {0, "2a00:1::2", 64, true}});
        int const card = bench.inside().index_of("u0").value();
        for (netlink::Address each : {netlink::Address{card, "11.0.0.1", 24, false}, netlink::Address{card, "2a00:1::1", 64, true}})
            REQUIRE(bench.inside().add_address(each, netlink::AddressUse::lent));
        REQUIRE(bench.inside().set_carrying(bench.inside().index_of("lo").value(), netlink::Carrying::up));
        REQUIRE(bench.inside().set_carrying(card, netlink::Carrying::up));
        REQUIRE(bench.inside().add_route({.destination = "0.0.0.0/0", .link = card, .gateway = "11.0.0.2"}));
        REQUIRE(bench.inside().add_route({.destination = "::/0", .link = card, .gateway = "2a00:1::2"}));
        int const lo = bench.outside().index_of("lo").value();
        for (auto const* address : {"11.1.1.1", "11.1.1.2", "10.9.9.9", "169.254.169.254"})
            REQUIRE(bench.outside().add_address({lo, address, 32, false}, netlink::AddressUse::lent));
        REQUIRE(bench.outside().add_address({lo, "2a00:2::1", 128, true}, netlink::AddressUse::lent));
        everywhere = bench.in_world([] { return listener("::", kEverywhere); });
        second = bench.in_world([] { return listener("::ffff:11.1.1.2", kSecondOnly); });
        start_liar();
    }
    ~World()
    {
        ::kill(liar, SIGKILL);
        ::waitpid(liar, nullptr, 0);
    }

    void start_liar()
    {
        auto const socket = bench.in_world([] {
            UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
            sockaddr_in at{};
            at.sin_family = AF_INET;
            at.sin_port = htons(5300);
            REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
            return fd;
        });
        liar = ::fork();
        REQUIRE(liar >= 0);
        if (liar == 0) serve_lies(socket.get());
    }
    // How many connections arrived since the last time.
    int arrived() const
    {
        int count = 0;
        while (UniqueFd(::accept4(everywhere.get(), nullptr, nullptr, SOCK_CLOEXEC))) ++count;
        return count;
    }

    Bench bench;
    UniqueFd everywhere;
    UniqueFd second;
    pid_t liar = -1;
};

struct UplinkProcess : World {
    void begin(std::vector<std::string> const& resolvers = {"11.0.0.2:5300"}, proto::ChainedProxy proxy = {})
    {
        proto::UplinkConfig config;
        config.proxy = std::move(proxy);
        for (auto const& each : resolvers) config.resolvers.push(wire::Text<64>(each));
        helper.configure(config);
        helper.ready();
    }
    proto::Dial to(std::string const& name, std::vector<char const*> const& ranges = {}, std::uint16_t port = kEverywhere)
    {
        proto::Dial dial;
        dial.request = RequestId{++requests};
        (edge::parse_address(name) ? dial.address = wire::Text<45>(name), 0 : (dial.name = wire::Text<253>(name), 0));
        dial.port = port;
        for (auto const* each : ranges) dial.ranges.push(edge::parse_range(each).value());
        return dial;
    }
    Answer answer(std::chrono::milliseconds wait = std::chrono::seconds(20))
    {
        Answer out;
        auto frame = helper.receive(wait);
        REQUIRE(frame);
        if (frame->type == static_cast<std::uint16_t>(proto::Type::dialled)) {
            out.dialled = wire::decode<proto::Dialled>(frame->body).value();
            REQUIRE(frame->descriptors.size() == 1);
            out.socket = std::move(frame->descriptors[0]);
        } else {
            REQUIRE(frame->type == static_cast<std::uint16_t>(proto::Type::dial_failed));
            out.failed = wire::decode<proto::DialFailed>(frame->body).value();
        }
        return out;
    }
    Answer ask(proto::Dial const& dial)
    {
        helper.send(dial);
        auto out = answer();
        CHECK((out.dialled ? out.dialled->request : out.failed->request) == dial.request);
        return out;
    }
    // The address that was dialled, or the failure in words.
    std::string ask_word(proto::Dial const& dial)
    {
        auto const out = ask(dial);
        return out.dialled ? out.dialled->address.str() : std::string(name_of(out.failed->failure));
    }

    test::HelperProcess helper{"uplink", edge::uplink_main};
    std::uint64_t requests = 0;
};

inline std::string peer_of(int fd)
{
    sockaddr_in six{};
    socklen_t size = sizeof six;
    char text[INET_ADDRSTRLEN] = "";
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&six), &size) == 0) ::inet_ntop(AF_INET, &six.sin_addr, text, sizeof text);
    return text;
}

}  // namespace test_uplink_process
