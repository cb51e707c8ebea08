// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The real `storage-lane` in a process of its own, in a network namespace that has loopback alone, and a store there: a listener whose answers
// the test makes. Needs root.

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "edge/helpers.h"
#include "proto/storage_lane_to_edge.h"
#include "support/helper_process.h"

namespace ocu::test {

// For the thread that calls it, and the processes that it begins.
inline void enter_loopback_only()
{
    REQUIRE(::unshare(CLONE_NEWNET) == 0);
    UniqueFd const any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq card{.ifr_ifrn = {.ifrn_name = "lo"}, .ifr_ifru = {}};
    card.ifr_flags = IFF_UP;
    REQUIRE(::ioctl(any.get(), SIOCSIFFLAGS, &card) == 0);
}

struct StoreStand {
    StoreStand()
    {
        enter_loopback_only();
        listener = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&at), size) == 0);
        REQUIRE(::listen(listener.get(), 64) == 0);
        REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
        port = ntohs(at.sin_port);
    }
    UniqueFd accept() const
    {
        pollfd entry{listener.get(), POLLIN, 0};
        REQUIRE(::poll(&entry, 1, 5'000) == 1);
        return UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
    bool has_nobody() const
    {
        pollfd entry{listener.get(), POLLIN, 0};
        return ::poll(&entry, 1, 0) == 0;
    }
    UniqueFd listener;
    std::uint16_t port = 0;
};

class LaneProcess {
public:
    explicit LaneProcess(std::uint16_t port, bool own_addresses = true)
    {
        proto::StorageLaneConfig config{{{}, port, own_addresses}, {}};
        config.store.addresses.push("127.0.0.1");
        helper.configure(config);
        auto const report = wire::decode<proto::StorageLaneReport>(helper.ready());
        REQUIRE(report);
        CHECK(report->destinations == 1);
    }
    // The asker's end of a new channel.
    UniqueFd open(std::uint64_t lane)
    {
        auto pair = make_socket_pair().value();
        helper.send(proto::LaneOpen{proto::LaneId{lane}}, {pair.theirs.get()});
        return std::move(pair.ours);
    }
    HelperProcess helper{"storage-lane", edge::storage_lane_main};
};

}  // namespace ocu::test
