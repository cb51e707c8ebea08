// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Which device each interface of the manifest is: a card, a bond of cards, or a VLAN on either. Pure; half of network_plan.

#include "appliance/init/network_plan.h"

namespace ocu::init {

// A device as it is to be.
struct WantedDevice {
    std::string name{};
    std::string kind{};                // "", "bond", "vlan"
    std::vector<std::string> members{};  // of a bond: kernel names
    std::string parent{};                // of a VLAN
    std::uint16_t vlan = 0;
    std::uint32_t mtu = 0;
};

struct Placement {
    std::vector<Placed> interfaces;
    std::vector<WantedDevice> devices;  // parents before children
};

Placement place(manifest::Network const& wanted, Present const& present);

// A network card: on a machine that we boot, what is neither made by us nor a loopback. (A virtual cable is one too: in a container, the
// end that was handed in.)
bool is_card(netlink::Link const& link);

}  // namespace ocu::init
