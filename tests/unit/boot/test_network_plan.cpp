// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/init/network_plan, network_place, network_lease. What is wanted against what is there, and what is to be done about it.

#include "appliance/init/network_lease.h"
#include "appliance/init/network_place.h"
#include "appliance/init/network_plan.h"

namespace test_network_plan {

using namespace ocu;
using namespace ocu::init;
using Verb = Operation::Verb;

constexpr char kMac0[] = "52:54:00:00:00:00";
constexpr char kMac1[] = "52:54:00:00:00:01";

netlink::Link card(int index, std::string name, std::string mac)
{
    netlink::Link link;
    link.index = index;
    link.name = std::move(name);
    link.mac = std::move(mac);
    link.ethernet = true;
    link.mtu = 1500;
    return link;
}

Present machine(std::size_t cards = 2)
{
    Present present;
    auto lo = card(1, "lo", "");
    lo.loopback = true;
    lo.up = true;
    present.links.push_back(lo);
    if (cards > 0) present.links.push_back(card(2, "eth0", kMac0));
    if (cards > 1) present.links.push_back(card(3, "eth1", kMac1));
    return present;
}

manifest::Interface interface(std::string name, std::string mac, std::vector<manifest::Address> addresses, std::string gateway = "")
{
    manifest::Interface out;
    out.name = std::move(name);
    out.mac = std::move(mac);
    out.addressing = addresses.empty() ? manifest::Interface::Addressing::dhcp : manifest::Interface::Addressing::fixed;
    out.addresses = std::move(addresses);
    out.gateway4 = std::move(gateway);
    return out;
}

manifest::Network network(std::vector<manifest::Interface> interfaces)
{
    manifest::Network out;
    out.interfaces = std::move(interfaces);
    return out;
}

std::vector<std::string> words(std::vector<Operation> const& operations)
{
    constexpr char const* kNames[] = {"remove_link", "add_bond", "add_vlan", "join", "leave", "set_mtu", "up", "down", "add_address",
        "remove_address", "add_route", "remove_route", "add_rule", "remove_rule"};
    std::vector<std::string> out;
    for (auto const& each : operations) {
        std::string word = kNames[static_cast<std::size_t>(each.verb)];
        for (auto const& part : {each.device, each.other, each.address.address, each.route.destination, each.route.gateway, each.rule.source})
            if (!part.empty()) word += " " + part;
        if (each.number != 0) word += " " + std::to_string(each.number);
        if (each.route.table != netlink::kMainTable) word += " table " + std::to_string(each.route.table);
        out.push_back(word);
    }
    return out;
}
using Words = std::vector<std::string>;

// The kernel, as far as a plan sees it: carries out what it is told.
void carry_out(Present& present, std::vector<Operation> const& operations)
{
    auto const find = [&present](std::string const& name) { return std::ranges::find(present.links, name, &netlink::Link::name); };
    auto const index = [&](std::string const& name) { return find(name) == present.links.end() ? 0 : find(name)->index; };
    for (auto const& each : operations) {
        auto address = each.address;
        auto route = each.route;
        if (address.link == 0) address.link = index(each.device);
        if (route.link == 0) route.link = index(each.device);
        route.scope = netlink::RouteScope::universe;
        switch (each.verb) {
        case Verb::remove_link: {
            int const gone = index(each.device);
            std::erase_if(present.links, [gone](auto const& link) { return link.index == gone || link.parent == gone; });
            for (auto& link : present.links)
                if (link.master == gone) link.master = 0;
            std::erase_if(present.addresses, [gone](auto const& a) { return a.link == gone; });
            std::erase_if(present.routes, [gone](auto const& r) { return r.link == gone; });
            break;
        }
        case Verb::add_bond:
        case Verb::add_vlan: {
            auto link = card(std::ranges::max_element(present.links, {}, &netlink::Link::index)->index + 1, each.device, kMac0);
            link.kind = each.verb == Verb::add_bond ? "bond" : "vlan";
            link.parent = each.verb == Verb::add_vlan ? index(each.other) : 0;
            link.vlan = static_cast<std::uint16_t>(each.verb == Verb::add_vlan ? each.number : 0);
            present.links.push_back(link);
            break;
        }
        case Verb::join:
            find(each.device)->master = index(each.other);
            find(each.device)->mac = kMac0;
            find(each.device)->up = true;
            break;
        case Verb::leave: find(each.device)->master = 0; break;
        case Verb::set_mtu: find(each.device)->mtu = each.number; break;
        case Verb::up: find(each.device)->up = true; break;
        case Verb::down: find(each.device)->up = false; break;
        case Verb::add_address: present.addresses.push_back(address); break;
        case Verb::remove_address: std::erase(present.addresses, address); break;
        case Verb::add_route: present.routes.push_back(route); break;
        case Verb::remove_route: std::erase(present.routes, route); break;
        case Verb::add_rule: present.rules.push_back(each.rule); break;
        case Verb::remove_rule: std::erase(present.rules, each.rule); break;
        }
    }
}

// Plans, carries out, and plans again: then nothing may be left to do.
Plan settle(manifest::Network const& wanted, Present& present, Leases const& leases = {})
{
    auto plan = plan_network(wanted, present, leases);
    carry_out(present, plan.links);
    carry_out(present, plan.addresses);
    auto const again = plan_network(wanted, present, leases);
    CHECK(words(again.links) == Words{});
    CHECK(words(again.addresses) == Words{});
    return plan;
}

TEST_CASE("network_plan: given one card and no manifest, when it is planned, then the card goes up and waits for DHCP", "[boot][network]")
{
    auto present = machine(1);
    auto const plan = settle({}, present);
    CHECK(plan.links.empty());
    CHECK(words(plan.addresses) == Words{"up eth0"});
    REQUIRE(plan.interfaces.size() == 1);
    CHECK(plan.interfaces[0].device == "eth0");
    CHECK(plan.interfaces[0].wanted.role == manifest::Interface::Role::service);
    CHECK_FALSE(plan.interfaces[0].strict);
    CHECK_FALSE(plan.interfaces[0].ipv6);
}

TEST_CASE("network_plan: given no card, or several and no manifest, when it is planned, then nothing is done, and why is said", "[boot][network]")
{
    auto none = machine(0);
    CHECK(settle({}, none).interfaces.at(0).trouble == "this machine has no network card that is known here");
    auto two = machine(2);
    auto const plan = settle({}, two);
    CHECK(plan.empty());
    CHECK(plan.interfaces.at(0).trouble ==
          "several network cards; the manifest must name one: eth0 52:54:00:00:00:00, eth1 52:54:00:00:00:01");
}

TEST_CASE("network_plan: given addresses and a gateway, when it is planned, then the card comes up before them, and the gateway last", "[boot][network]")
{
    auto present = machine();
    auto const plan = settle(network({interface("lan", kMac1, {{"192.0.2.7", 24, false}}, "192.0.2.1")}), present);
    CHECK(words(plan.addresses) == Words{"up eth1", "add_address eth1 192.0.2.7", "add_route eth1 0.0.0.0/0 192.0.2.1"});
    CHECK(plan.addresses[2].route.source == "192.0.2.7");
    CHECK(plan.interfaces[0].strict);
}

TEST_CASE("network_plan: given what nobody wants, when it is planned, then it goes: addresses, routes, rules, links, and a card is put down",
    "[boot][network][T-20]")
{
    auto present = machine();
    present.links[1].up = true;
    present.links[2].up = true;
    auto vlan = card(9, "vlan4-0", kMac0);
    vlan.kind = "vlan";
    vlan.parent = 8;
    auto bond = card(8, "bond0", kMac0);
    bond.kind = "bond";
    present.links.push_back(bond);
    present.links.push_back(vlan);
    present.addresses = {{2, "192.0.2.7", 24}, {2, "203.0.113.9", 24}, {3, "198.51.100.7", 24}, {1, "127.0.0.1", 8}, {9, "10.0.0.1", 8},
        {3, "fe80::1", 64, true, true}};
    netlink::Route rogue{.destination = "0.0.0.0/0", .link = 3, .gateway = "198.51.100.66"};
    netlink::Route kernels{.destination = "192.0.2.0/24", .link = 2};
    kernels.ours = false;
    present.routes = {rogue, kernels};
    present.rules = {{"198.51.100.7", 101, 1001}, {"10.9.9.9", 7, 5000}};
    auto const plan = settle(network({interface("lan", kMac0, {{"192.0.2.7", 24, false}})}), present);
    CHECK(words(plan.links) == Words{"remove_rule 198.51.100.7", "remove_route eth1 0.0.0.0/0 198.51.100.66", "remove_address eth0 203.0.113.9",
                                   "remove_address eth1 198.51.100.7", "remove_link vlan4-0", "remove_link bond0", "down eth1"});
    CHECK(plan.addresses.empty());
}

TEST_CASE("network_plan: given an address whose prefix is another now, when it is planned, then the old one goes before the new one comes", "[boot][network]")
{
    auto present = machine(1);
    (void)settle(network({interface("lan", kMac0, {{"192.0.2.7", 24, false}})}), present);
    auto const plan = settle(network({interface("lan", kMac0, {{"192.0.2.7", 25, false}})}), present);
    CHECK(words(plan.links) == Words{"remove_address eth0 192.0.2.7"});
    CHECK(words(plan.addresses) == Words{"add_address eth0 192.0.2.7"});
}

TEST_CASE("network_plan: given two gateways, when it is planned, then the service side has the default, and the other answers by its own",
    "[boot][network][T-03]")
{
    auto present = machine();
    auto ops = interface("ops", kMac0, {{"198.51.100.7", 24, false}}, "198.51.100.1");
    ops.role = manifest::Interface::Role::operators;
    auto const plan = settle(network({ops, interface("lan", kMac1, {{"192.0.2.7", 24, false}}, "192.0.2.1")}), present);
    CHECK(words(plan.addresses) == Words{"up eth0", "up eth1", "add_address eth0 198.51.100.7", "add_address eth1 192.0.2.7",
                                       "add_route eth1 0.0.0.0/0 192.0.2.1", "add_route eth0 198.51.100.0/24 table 100",
                                       "add_route eth0 0.0.0.0/0 198.51.100.1 table 100", "add_rule 198.51.100.7"});
    CHECK(plan.addresses.back().rule.table == 100);
}

TEST_CASE("network_plan: given VLANs on one card, when it is planned, then each is made on it, and remade when its number changes", "[boot][network]")
{
    auto present = machine(1);
    auto one = interface("lan", "", {{"192.0.2.7", 24, false}});
    one.device = "eth0";
    one.vlan = 10;
    auto two = interface("ops", "", {{"198.51.100.7", 24, false}});
    two.device = "eth0";
    two.vlan = 20;
    two.mtu = 9000;
    auto const plan = settle(network({one, two}), present);
    // The card has the larger MTU of the two, and has it first.
    CHECK(words(plan.links) == Words{"set_mtu eth0 9000", "add_vlan vlan10-0 eth0 10", "set_mtu vlan10-0 1500", "add_vlan vlan20-1 eth0 20",
                                   "set_mtu vlan20-1 9000"});
    CHECK(words(plan.addresses) ==
          Words{"up eth0", "up vlan10-0", "up vlan20-1", "add_address vlan10-0 192.0.2.7", "add_address vlan20-1 198.51.100.7"});
    one.vlan = 11;
    auto const changed = settle(network({one, two}), present);
    CHECK(words(changed.links) == Words{"remove_link vlan10-0", "add_vlan vlan11-0 eth0 11", "set_mtu vlan11-0 1500"});
}

TEST_CASE("network_plan: given a bond, when it is planned, then its cards join it, are found again, and leave it when they are not wanted", "[boot][network]")
{
    auto present = machine();
    present.links[1].up = true;
    for (auto const& each : present.links) present.card_macs[each.index] = each.mac;
    auto lan = interface("lan", "", {{"192.0.2.7", 24, false}});
    lan.bond = {kMac0, kMac1};
    auto const plan = settle(network({lan}), present);
    CHECK(words(plan.links) == Words{"add_bond bond0", "down eth0", "join eth0 bond0", "join eth1 bond0", "set_mtu bond0 1500"});
    CHECK(words(plan.addresses) == Words{"up bond0", "add_address bond0 192.0.2.7"});
    CHECK(plan.interfaces[0].trouble.empty());
    lan.bond = {kMac0};
    CHECK(words(settle(network({lan}), present).links) == Words{"leave eth1", "down eth1"});
    lan.bond = {kMac0, "eth7"};
    CHECK(plan_network(network({lan}), present, {}).interfaces[0].trouble == "its bond works without eth7, which is not in this machine");
    lan.bond.clear();
    lan.mac = kMac0;
    CHECK(words(settle(network({lan}), present).links) == Words{"remove_link bond0"});
}

TEST_CASE("network_plan: given one card under two names, when it is planned, then the second interface gets nothing", "[boot][network][T-03]")
{
    auto present = machine(1);
    auto lan = interface("lan", kMac0, {{"192.0.2.7", 24, false}});
    auto ops = interface("ops", "", {{"198.51.100.7", 24, false}});
    ops.device = "eth0";
    auto const plan = settle(network({lan, ops}), present);
    CHECK(plan.interfaces[1].device.empty());
    CHECK(plan.interfaces[1].trouble == "its card is that of lan already");
    CHECK(words(plan.addresses) == Words{"up eth0", "add_address eth0 192.0.2.7"});
}

TEST_CASE("network_plan: given a lease, when it is planned, then its address and gateway come, the reverse path is strict, and all goes with it",
    "[boot][network][T-20]")
{
    auto present = machine(1);
    (void)settle({}, present);
    Leases const leases{{"service", {{"192.0.2.50", 24, false}, "192.0.2.1"}}};
    auto const plan = settle({}, present, leases);
    CHECK(words(plan.addresses) == Words{"add_address eth0 192.0.2.50", "add_route eth0 0.0.0.0/0 192.0.2.1"});
    CHECK(plan.interfaces[0].strict);
    auto const over = settle({}, present);
    CHECK(words(over.links) == Words{"remove_route eth0 0.0.0.0/0 192.0.2.1", "remove_address eth0 192.0.2.50"});
    CHECK_FALSE(over.interfaces[0].strict);
}

TEST_CASE("network_plan: given IPv6, when it is planned, then it is on where an address of it is wanted", "[boot][network]")
{
    auto present = machine();
    auto lan = interface("lan", kMac0, {{"2001:db8::7", 64, true}});
    lan.gateway6 = "fe80::1";
    auto const plan = settle(network({lan, interface("two", kMac1, {{"192.0.2.7", 24, false}})}), present);
    CHECK(plan.interfaces[0].ipv6);
    CHECK_FALSE(plan.interfaces[1].ipv6);
    CHECK(words(plan.addresses).back() == "add_route eth0 ::/0 fe80::1");
    CHECK(subnet_of({"2001:db8:1:2:3::7", 60, true}) == "2001:db8:1::/60");
    CHECK(subnet_of({"192.0.2.200", 26, false}) == "192.0.2.192/26");
}

proto::DhcpLease told() { return {0xc0000232, 24, 0xc0000201, 0xc0000201, 3600}; }

TEST_CASE("network_lease: given what the helper says, when it is judged, then what is sane is taken as it is", "[boot][network][T-20]")
{
    auto const lease = judge_lease(told(), {{"198.51.100.7", 24, false}}).value();
    CHECK(lease.address.address == "192.0.2.50");
    CHECK(lease.address.prefix == 24);
    CHECK(lease.gateway == "192.0.2.1");
    auto without = told();
    without.gateway = 0;
    CHECK(judge_lease(without, {})->gateway.empty());
}

TEST_CASE("network_lease: given a helper that is somebody else's by now, when it lies, then each lie is refused", "[boot][network][T-20][T-14]")
{
    auto const refused = [](auto&& change, std::vector<manifest::Address> const& elsewhere = {}) {
        auto lie = told();
        change(lie);
        auto const judged = judge_lease(lie, elsewhere);
        return !judged && judged.error().fault == Fault::denied;
    };
    for (std::uint32_t const address : {0u, 0x7f000001u, 0xe0000001u, 0xffffffffu, 0xc0000200u, 0xc00002ffu})
        CHECK(refused([&](auto& l) { l.address = address; l.gateway = 0; }));
    for (int const prefix : {0, 7, 31, 32, 33, 255}) CHECK(refused([&](auto& l) { l.prefix = static_cast<std::uint8_t>(prefix); l.gateway = 0; }));
    for (std::uint32_t const gateway : {0xc0000301u, 0xc0000232u, 0xc0000200u, 0xc00002ffu, 0x7f000001u})
        CHECK(refused([&](auto& l) { l.gateway = gateway; }));
    CHECK(refused([](auto& l) { l.valid_s = 0; }));
    CHECK(refused([](auto& l) { l.valid_s = 30 * 86'400 + 1; }));
    CHECK(refused([](auto&) {}, {{"192.0.2.200", 25, false}, {"192.0.2.7", 32, false}}));
    CHECK(refused([](auto&) {}, {{"192.0.0.1", 16, false}}));
}

}  // namespace test_network_plan
