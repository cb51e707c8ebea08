// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// From what the manifest wants and what the kernel has to what must be done, in order. Nothing is done twice: planned again right after
// it was carried out, the plan is empty. Pure.
//
// Which of our addresses speaks where (T-20, T-03):
//   - an IPv4 address is of link scope: the kernel lends it to no other card, not even for a DHCP server's benefit;
//   - the default route of the first interface that has one (service before operator) is in the main table and names its source;
//   - each further interface with a gateway has a table of its own for what comes from its addresses, so that answers leave by the card
//     on which the question came, and the strict reverse-path check can stay on.

#include <map>
#include <string>
#include <vector>

#include "appliance/manifest/network.h"
#include "netlink/session.h"

namespace ocu::init {

struct Present {
    std::vector<netlink::Link> links;
    std::vector<netlink::Address> addresses;
    std::vector<netlink::Route> routes;
    std::vector<netlink::Rule> rules;
    std::map<int, std::string> card_macs;  // by index: a card's own address, which it does not show while it is in a bond
};

// What a DHCP server gave, judged.
struct HeldLease {
    manifest::Address address;
    std::string gateway;  // or empty
};
using Leases = std::map<std::string, HeldLease>;  // by the interface's name in the manifest

struct Operation {
    enum class Verb : std::uint8_t {
        remove_link,
        add_bond,
        add_vlan,       // `other` below `device`, number = VLAN
        join,           // `device` into the bond `other`
        leave,
        set_mtu,        // number
        up,
        down,
        add_address,
        remove_address,
        add_route,
        remove_route,
        add_rule,
        remove_rule,
    };

    Verb verb{};
    std::string device{};   // the kernel's name; a link of `address` or `route` is left out and found by it
    std::string other{};
    std::uint32_t number = 0;
    netlink::Address address{};
    netlink::Route route{};
    netlink::Rule rule{};
    std::string interface{};  // for whom, empty for what goes

    bool operator==(Operation const&) const = default;
};

// Where an interface of the manifest is.
struct Placed {
    manifest::Interface wanted;
    std::string device;   // the kernel's name, of one that is there or will be; empty: none
    std::string trouble;  // empty, or in plain words
    bool ipv6 = false;
    bool strict = true;   // reverse path: off only until DHCP has brought an address
};

struct Plan {
    std::vector<Placed> interfaces;     // as in the manifest; without one, the only card as `service`
    std::vector<Operation> links;       // first: what goes, then links
    std::vector<Operation> addresses;   // after the settings of each device have been written
    bool empty() const { return links.empty() && addresses.empty(); }
};

Plan plan_network(manifest::Network const& wanted, Present const& present, Leases const& leases);

// "192.0.2.0/24" for 192.0.2.7/24.
std::string subnet_of(manifest::Address const& address);

}  // namespace ocu::init
