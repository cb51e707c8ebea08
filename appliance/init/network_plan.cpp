// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/network_plan.h"

#include <algorithm>
#include <ranges>
#include <set>

#include "appliance/init/network_place.h"
#include "appliance/manifest/subnet.h"

namespace ocu::init {

using Verb = Operation::Verb;

namespace {

constexpr std::uint32_t kMetric = 100;
constexpr std::uint32_t kTableFirst = 100;      // + the interface's number
constexpr std::uint32_t kPriorityFirst = 1000;  // + the interface's number; rules from here to kPriorityEnd are ours
constexpr std::uint32_t kPriorityEnd = 1100;

// What is to be there on top of the links.
struct Wanted {
    std::vector<Operation> addresses;
    std::vector<Operation> routes;
    std::vector<Operation> rules;
};

class Planner {
public:
    Planner(manifest::Network const& wanted, Present const& present, Leases const& leases)
        : present_(present), leases_(leases), placement_(place(wanted, present))
    {}

    Plan plan()
    {
        for (auto& each : placement_.interfaces)
            each.strict = each.wanted.addressing == manifest::Interface::Addressing::fixed || leases_.contains(each.wanted.name);
        want_addresses();
        want_routes();
        remove_what_is_not_wanted();
        change_links();
        carry();
        add_what_is_missing();
        plan_.interfaces = std::move(placement_.interfaces);
        return std::move(plan_);
    }

private:
    std::vector<manifest::Address> addresses_of(Placed const& placed) const
    {
        if (placed.wanted.addressing == manifest::Interface::Addressing::fixed) return placed.wanted.addresses;
        auto const lease = leases_.find(placed.wanted.name);
        return lease == leases_.end() ? std::vector<manifest::Address>{} : std::vector{lease->second.address};
    }

    std::string gateway_of(Placed const& placed, bool ipv6) const
    {
        if (placed.wanted.addressing == manifest::Interface::Addressing::fixed)
            return ipv6 ? placed.wanted.gateway6 : placed.wanted.gateway4;
        auto const lease = leases_.find(placed.wanted.name);
        return lease == leases_.end() || ipv6 ? "" : lease->second.gateway;
    }

    void want_addresses()
    {
        for (auto const& placed : placement_.interfaces) {
            if (placed.device.empty()) continue;
            for (auto const& each : addresses_of(placed)) {
                Operation operation{.verb = Verb::add_address, .device = placed.device, .interface = placed.wanted.name};
                operation.address = {.link = 0, .address = each.address, .prefix = each.prefix, .ipv6 = each.ipv6};
                wanted_.addresses.push_back(std::move(operation));
            }
        }
    }

    void want_routes()
    {
        for (bool const ipv6 : {false, true}) {
            bool main_taken = false;
            for (auto const role : {manifest::Interface::Role::service, manifest::Interface::Role::operators}) {
                for (std::size_t i = 0; i < placement_.interfaces.size(); ++i) {
                    auto const& placed = placement_.interfaces[i];
                    if (placed.device.empty() || placed.wanted.role != role || gateway_of(placed, ipv6).empty()) continue;
                    want_default_route(placed, ipv6, main_taken ? kTableFirst + static_cast<std::uint32_t>(i) : netlink::kMainTable);
                    if (main_taken) want_own_table(placed, ipv6, static_cast<std::uint32_t>(i));
                    main_taken = true;
                }
            }
        }
    }

    void want_default_route(Placed const& placed, bool ipv6, std::uint32_t table)
    {
        Operation operation{.verb = Verb::add_route, .device = placed.device, .interface = placed.wanted.name};
        operation.route = {.destination = ipv6 ? "::/0" : "0.0.0.0/0", .gateway = gateway_of(placed, ipv6), .table = table, .metric = kMetric};
        for (auto const& each : addresses_of(placed))
            if (!ipv6 && !each.ipv6 && operation.route.source.empty()) operation.route.source = each.address;
        wanted_.routes.push_back(std::move(operation));
    }

    // Subnets first in it: without them, neighbours would be spoken to through the gateway.
    void want_own_table(Placed const& placed, bool ipv6, std::uint32_t number)
    {
        for (auto const& each : addresses_of(placed)) {
            if (each.ipv6 != ipv6) continue;
            Operation subnet{.verb = Verb::add_route, .device = placed.device, .interface = placed.wanted.name};
            subnet.route = {.destination = subnet_of(each), .source = ipv6 ? "" : each.address, .table = kTableFirst + number, .metric = kMetric};
            subnet.route.scope = ipv6 ? netlink::RouteScope::universe : netlink::RouteScope::link;
            // Before the default route, which needs it to find its gateway.
            wanted_.routes.insert(wanted_.routes.end() - 1, std::move(subnet));
            Operation rule{.verb = Verb::add_rule, .interface = placed.wanted.name};
            rule.rule = {each.address, kTableFirst + number, kPriorityFirst + number};
            wanted_.rules.push_back(std::move(rule));
        }
    }

    netlink::Link const* link_at(int index) const
    {
        auto const found = std::ranges::find(present_.links, index, &netlink::Link::index);
        return found == present_.links.end() ? nullptr : &*found;
    }
    netlink::Link const* link_named(std::string const& name) const
    {
        auto const found = std::ranges::find(present_.links, name, &netlink::Link::name);
        return found == present_.links.end() ? nullptr : &*found;
    }
    WantedDevice const* device_named(std::string const& name) const
    {
        auto const found = std::ranges::find(placement_.devices, name, &WantedDevice::name);
        return found == placement_.devices.end() ? nullptr : &*found;
    }
    static bool is_made_by_us(netlink::Link const& link) { return link.kind == "bond" || link.kind == "vlan"; }
    static bool is_managed(netlink::Link const* link) { return link != nullptr && (is_card(*link) || is_made_by_us(*link)); }

    // As it is, is it the one that is wanted?
    bool fits(netlink::Link const& link) const
    {
        auto const* const wanted = device_named(link.name);
        if (wanted == nullptr || wanted->kind != link.kind) return false;
        if (wanted->kind == "bond") return true;
        auto const* const parent = link_at(link.parent);
        return parent != nullptr && parent->name == wanted->parent && link.vlan == wanted->vlan && !goes_away(*parent);
    }
    bool goes_away(netlink::Link const& link) const { return is_made_by_us(link) && !fits(link); }

    static bool same_route(Operation const& wanted, netlink::Route const& found, std::string const& device)
    {
        return wanted.device == device && wanted.route.destination == found.destination && wanted.route.gateway == found.gateway &&
               wanted.route.source == found.source && wanted.route.table == found.table && wanted.route.metric == found.metric;
    }
    static bool same_address(Operation const& wanted, netlink::Address const& found, std::string const& device)
    {
        return wanted.device == device && wanted.address.address == found.address && wanted.address.prefix == found.prefix;
    }

    void remove_what_is_not_wanted()
    {
        for (auto const& each : present_.rules) {
            bool const ours = each.priority >= kPriorityFirst && each.priority < kPriorityEnd;
            if (ours && !std::ranges::contains(wanted_.rules, each, &Operation::rule))
                plan_.links.push_back({.verb = Verb::remove_rule, .rule = each});
        }
        for (auto const& each : present_.routes) {
            auto const* const link = link_at(each.link);
            if (!each.ours || !is_managed(link)) continue;
            if (std::ranges::any_of(wanted_.routes, [&](auto const& wanted) { return same_route(wanted, each, link->name); })) continue;
            plan_.links.push_back({.verb = Verb::remove_route, .device = link->name, .route = each});
        }
        for (auto const& each : present_.addresses) {
            auto const* const link = link_at(each.link);
            if (!is_managed(link) || each.link_local || goes_away(*link)) continue;
            if (std::ranges::any_of(wanted_.addresses, [&](auto const& wanted) { return same_address(wanted, each, link->name); })) continue;
            plan_.links.push_back({.verb = Verb::remove_address, .device = link->name, .address = each});
        }
    }

    void change_links()
    {
        // A VLAN goes before what it lies on, which would take it along.
        for (std::string_view const kind : {"vlan", "bond"})
            for (auto const& each : present_.links)
                if (each.kind == kind && goes_away(each)) plan_.links.push_back({.verb = Verb::remove_link, .device = each.name});
        for (auto const& each : present_.links) {
            if (!is_card(each)) continue;
            auto const* const bond = link_at(each.master);
            bool const stays = bond != nullptr && !goes_away(*bond);
            if (stays && !is_member(bond->name, each.name)) plan_.links.push_back({.verb = Verb::leave, .device = each.name});
            if (device_named(each.name) == nullptr && each.up) plan_.links.push_back({.verb = Verb::down, .device = each.name});
        }
        for (auto const& each : placement_.devices) make(each);
    }

    bool is_member(std::string const& bond, std::string const& card) const
    {
        auto const* const wanted = device_named(bond);
        return wanted != nullptr && std::ranges::contains(wanted->members, card);
    }

    // The link as it will be when what goes has gone.
    netlink::Link const* kept(std::string const& name) const
    {
        auto const* const link = link_named(name);
        return link != nullptr && !goes_away(*link) ? link : nullptr;
    }

    void make(WantedDevice const& wanted)
    {
        auto const* const link = kept(wanted.name);
        if (link == nullptr && wanted.kind == "bond") plan_.links.push_back({.verb = Verb::add_bond, .device = wanted.name});
        if (link == nullptr && wanted.kind == "vlan")
            plan_.links.push_back({.verb = Verb::add_vlan, .device = wanted.name, .other = wanted.parent, .number = wanted.vlan});
        for (auto const& each : wanted.members) {
            auto const* const card = link_named(each);
            if (link != nullptr && card != nullptr && card->master == link->index) continue;
            if (card != nullptr && card->up) plan_.links.push_back({.verb = Verb::down, .device = each});  // a bond takes no other
            plan_.links.push_back({.verb = Verb::join, .device = each, .other = wanted.name});
        }
        std::uint32_t const mtu = link == nullptr ? 0 : link->mtu;
        if (wanted.mtu != 0 && mtu != wanted.mtu)
            plan_.links.push_back({.verb = Verb::set_mtu, .device = wanted.name, .number = wanted.mtu});
    }

    void carry()
    {
        for (auto const& each : present_.links)
            if (each.loopback && !each.up) plan_.addresses.push_back({.verb = Verb::up, .device = each.name});
        for (auto const& each : placement_.devices) {
            auto const* const link = kept(each.name);
            // One that joins a bond is brought up by it.
            if (std::ranges::any_of(plan_.links, [&](auto const& o) { return o.verb == Verb::join && o.device == each.name; })) continue;
            if (link == nullptr || !link->up) plan_.addresses.push_back({.verb = Verb::up, .device = each.name});
        }
    }

    void add_what_is_missing()
    {
        for (auto const& each : wanted_.addresses) {
            bool const there = std::ranges::any_of(present_.addresses, [&](auto const& found) {
                auto const* const link = link_at(found.link);
                return link != nullptr && !goes_away(*link) && same_address(each, found, link->name);
            });
            if (!there) plan_.addresses.push_back(each);
        }
        for (auto const& each : wanted_.routes) {
            bool const there = std::ranges::any_of(present_.routes, [&](auto const& found) {
                auto const* const link = link_at(found.link);
                return link != nullptr && !goes_away(*link) && same_route(each, found, link->name);
            });
            if (!there) plan_.addresses.push_back(each);
        }
        for (auto const& each : wanted_.rules)
            if (!std::ranges::contains(present_.rules, each.rule)) plan_.addresses.push_back(each);
    }

    Present const& present_;
    Leases const& leases_;
    Placement placement_;
    Wanted wanted_;
    Plan plan_;
};

}  // namespace

std::string subnet_of(manifest::Address const& address)
{
    auto number = manifest::parse_number(address.address);
    if (!number) return {};
    for (std::size_t at = address.prefix; at < number->bits(); ++at)
        number->bytes[at / 8] = static_cast<std::uint8_t>(number->bytes[at / 8] & ~(0x80u >> (at % 8)));
    return manifest::print(*number) + "/" + std::to_string(address.prefix);
}

Plan plan_network(manifest::Network const& wanted, Present const& present, Leases const& leases)
{
    return Planner(wanted, present, leases).plan();
}

}  // namespace ocu::init
