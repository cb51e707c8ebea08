// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The machine's own network, as the manifest's `network` section says: interfaces by netlink (static addresses, DHCP, VLANs, bonds),
// routes, and what the world may not do with them (no forwarding, no redirects, strict reverse path). What DHCP servers send is parsed by
// the `dhcp` helper; this class gets a checked lease. Nothing here reads a foreign byte. Threading: the loop's thread only.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "appliance/manifest/network.h"
#include "base/clock.h"
#include "wire/loop.h"

namespace ocu::init {

// One interface as it is now, for the console and the report.
struct InterfaceState {
    std::string name;                    // as in the manifest
    std::string role;                    // "service" or "operator"
    std::string device;                  // kernel name, or empty while none matches
    bool carrier = false;
    std::vector<std::string> addresses;  // "192.0.2.7/24"
    std::string trouble;                 // empty, or what is wrong in plain words
};

class Network {
public:
    // `on_change`: something of state() is different now.
    Network(wire::Loop& loop, Clock const& clock, std::function<void()> on_change);
    ~Network();

    // Makes the machine's network what `wanted` says; what was there before and is not wanted goes. Never blocks for long: addresses that
    // DHCP brings, and devices that appear later (hot plug, slow firmware), are told by on_change. Errors: os, for what cannot ever work.
    Result<void> apply(manifest::Network const& wanted);
    // The kernel has a new interface, or one less (uevent).
    void devices_changed();

    std::vector<InterfaceState> const& state() const;
    // The first address of the first `service` interface, without prefix; empty until there is one.
    std::string service_address() const;
    std::string operator_address() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ocu::init
