// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The `dhcp` helper of one interface, kept running: it is started again, with growing pauses, when it dies or breaks the grammar of its
// link. Threading: the loop's thread only.

#include <functional>
#include <memory>
#include <string>

#include "helper/spawner.h"
#include "proto/dhcp_to_init.h"
#include "wire/link.h"

namespace ocu::init {

class DhcpLine {
public:
    struct Events {
        std::function<void(proto::DhcpLease const&)> on_lease;
        std::function<void(proto::DhcpLoss)> on_lost;
    };

    // `mac`: "52:54:00:12:34:56", of the device. Starts at once.
    DhcpLine(wire::Loop& loop, std::string device, std::string mac, Events events);
    ~DhcpLine();

    std::string const& device() const { return device_; }
    std::string const& mac() const { return mac_; }

private:
    void start();
    Result<void> try_start();
    void heard(wire::Link::Frame const& frame);
    void ended();

    wire::Loop& loop_;
    std::string device_;
    std::string mac_;
    Events events_;
    helper::Child child_;
    std::unique_ptr<wire::Link> link_;
    wire::Watch retry_;
    int ends_ = 0;  // since the last lease
};

}  // namespace ocu::init
