// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/network.h"

#include <algorithm>
#include <set>

#include "appliance/init/network_dhcp.h"
#include "appliance/init/network_lease.h"
#include "appliance/init/network_plan.h"
#include "appliance/init/network_tuning.h"
#include "base/log.h"
#include "netlink/session.h"

namespace ocu::init {

using Verb = Operation::Verb;

namespace {

constexpr std::chrono::milliseconds kSettle{100};    // news of links comes in bursts
constexpr std::chrono::milliseconds kTryAgain{5'000};

std::string_view name_of(manifest::Interface::Role role) { return role == manifest::Interface::Role::service ? "service" : "operator"; }

// What it is in the eyes of somebody who looks at the console.
std::string_view trouble_of(Verb verb)
{
    switch (verb) {
    case Verb::add_bond:
    case Verb::join:
    case Verb::leave: return "its bond could not be made";
    case Verb::add_vlan: return "its VLAN could not be made";
    case Verb::set_mtu: return "the card refuses its MTU";
    case Verb::add_address: return "an address could not be set";
    case Verb::add_route:
    case Verb::add_rule: return "its gateway could not be set";
    default: return "it could not be set up";
    }
}

}  // namespace

struct Network::Impl {
    struct Held {
        HeldLease lease;
        std::uint32_t valid_s = 0;
        Monotonic ends;
    };

    Impl(wire::Loop& loop_in, Clock const& clock_in, std::function<void()> on_change_in)
        : loop(loop_in), clock(clock_in), on_change(std::move(on_change_in))
    {}

    Result<void> apply(manifest::Network const& network)
    {
        wanted = network;
        // A lease that goes on is kept: a new manifest that changes something else does not cut connections.
        std::erase_if(leases, [this](auto const& each) { return !wants_dhcp(each.first); });
        refused.clear();
        applied = true;
        if (!session) session = OCU_TRY(netlink::Session::open());
        if (!monitor) {
            monitor = OCU_TRY(netlink::open_monitor());
            news = loop.on_readable(monitor.get(), [this] {
                netlink::drain_monitor(monitor.get());
                later(kSettle);
            });
        }
        OCU_CHECK(tune_machine());
        return sync();
    }

    void later(std::chrono::milliseconds delay)
    {
        if (!applied || settle) return;
        settle = loop.after(delay, [this] {
            settle.reset();
            if (auto const synced = sync(); !synced) {
                log::failure("the network could not be looked at", synced.error());
                try_again();
            }
        });
    }

    void try_again()
    {
        retry = loop.after(kTryAgain, [this] { later(std::chrono::milliseconds(0)); });
    }

    bool wants_dhcp(std::string const& name) const
    {
        if (wanted.interfaces.empty()) return true;
        auto const found = std::ranges::find(wanted.interfaces, name, &manifest::Interface::name);
        return found != wanted.interfaces.end() && found->addressing == manifest::Interface::Addressing::dhcp;
    }

    Result<Present> look()
    {
        Present present{OCU_TRY(session->links()), OCU_TRY(session->addresses()), OCU_TRY(session->routes()), OCU_TRY(session->rules()), {}};
        std::map<int, std::string> macs;
        // As it was when it was first seen alone.
        for (auto const& each : present.links) {
            auto const known = card_macs.find(each.index);
            macs[each.index] = known == card_macs.end() || each.master == 0 ? each.mac : known->second;
        }
        card_macs = macs;
        present.card_macs = std::move(macs);
        return present;
    }

    // Makes what is into what is wanted, as far as it goes, and tells.
    Result<void> sync()
    {
        drop_ended_leases();
        auto const plan = plan_network(wanted, OCU_TRY(look()), held_leases());
        std::map<std::string, std::string_view> failed;
        for (auto const& each : plan.links) carry_out(each, failed);
        for (auto const& each : plan.interfaces) tune(each, failed);
        for (auto const& each : plan.addresses) carry_out(each, failed);
        auto const present = OCU_TRY(look());
        keep_dhcp(plan, present);
        tell(plan, present, failed);
        if (!failed.empty()) try_again();
        return {};
    }

    void tune(Placed const& placed, std::map<std::string, std::string_view>& failed)
    {
        if (placed.device.empty()) return;
        auto const tuned = tune_device(
            placed.device, placed.strict ? ReversePath::strict : ReversePath::off, placed.ipv6 ? Ipv6::on : Ipv6::off);
        if (tuned) return;
        log::failure("a network card could not be set up", tuned.error());
        failed.emplace(placed.wanted.name, "the kernel's settings for it could not be made");
    }

    void carry_out(Operation const& operation, std::map<std::string, std::string_view>& failed)
    {
        auto const done = try_out(operation);
        if (done) return;
        // What is there already, or gone already, is as it should be: something else was quicker.
        if (done.error().fault == Fault::conflict || done.error().fault == Fault::not_found) {
            if (operation.interface.empty()) return;
        }
        log::failure("network", done.error());
        for (auto const& each : state)
            if (each.name == operation.interface || each.device == operation.device) failed.emplace(each.name, trouble_of(operation.verb));
        if (!operation.interface.empty()) failed.emplace(operation.interface, trouble_of(operation.verb));
        failed.emplace("", trouble_of(operation.verb));  // and nobody's in particular: it is tried again
    }

    Result<void> try_out(Operation const& operation)
    {
        auto const index = [this](std::string const& name) { return session->index_of(name); };
        switch (operation.verb) {
        case Verb::add_bond: return session->add_bond(operation.device);
        case Verb::add_vlan:
            return session->add_vlan(operation.device, OCU_TRY(index(operation.other)), static_cast<std::uint16_t>(operation.number));
        case Verb::remove_link: return session->remove_link(OCU_TRY(index(operation.device)));
        case Verb::join: return session->set_master(OCU_TRY(index(operation.device)), OCU_TRY(index(operation.other)));
        case Verb::leave: return session->set_master(OCU_TRY(index(operation.device)), 0);
        case Verb::set_mtu: return session->set_mtu(OCU_TRY(index(operation.device)), operation.number);
        case Verb::up: return session->set_carrying(OCU_TRY(index(operation.device)), netlink::Carrying::up);
        case Verb::down: return session->set_carrying(OCU_TRY(index(operation.device)), netlink::Carrying::down);
        case Verb::add_address: return add_address(operation);
        case Verb::remove_address: return session->remove_address(operation.address);
        case Verb::add_route: {
            auto route = operation.route;
            route.link = OCU_TRY(index(operation.device));
            return session->add_route(route);
        }
        case Verb::remove_route: return session->remove_route(operation.route);
        case Verb::add_rule: return session->add_rule(operation.rule);
        case Verb::remove_rule: return session->remove_rule(operation.rule);
        }
        return {};
    }

    Result<void> add_address(Operation const& operation)
    {
        auto address = operation.address;
        address.link = OCU_TRY(session->index_of(operation.device));
        netlink::Lifetime lifetime;
        if (auto const held = leases.find(operation.interface); held != leases.end()) {
            auto const left = std::chrono::ceil<std::chrono::seconds>(held->second.ends - clock.now()).count();
            lifetime = {static_cast<std::uint32_t>(std::max<std::int64_t>(left, 1)), static_cast<std::uint32_t>(std::max<std::int64_t>(left, 1))};
        }
        return session->add_address(address, netlink::AddressUse::own, lifetime);
    }

    Leases held_leases() const
    {
        Leases out;
        for (auto const& [name, held] : leases) out.emplace(name, held.lease);
        return out;
    }

    void drop_ended_leases()
    {
        auto const now = clock.now();
        std::erase_if(leases, [now](auto const& each) { return each.second.ends <= now; });
        expiry.reset();
        auto const next = std::ranges::min_element(leases, {}, [](auto const& each) { return each.second.ends; });
        if (next != leases.end())
            expiry = loop.after(std::chrono::ceil<std::chrono::milliseconds>(next->second.ends - now), [this] { later(std::chrono::milliseconds(0)); });
    }

    // One helper for each interface that wants one and whose cable carries; a new one when the device or its address is another.
    void keep_dhcp(Plan const& plan, Present const& present)
    {
        std::set<std::string> kept;
        for (auto const& placed : plan.interfaces) {
            if (placed.device.empty() || placed.wanted.addressing != manifest::Interface::Addressing::dhcp) continue;
            auto const link = std::ranges::find(present.links, placed.device, &netlink::Link::name);
            if (link == present.links.end()) continue;
            std::string const& name = placed.wanted.name;
            auto const line = lines.find(name);
            bool const same = line != lines.end() && line->second->device() == link->name && line->second->mac() == link->mac;
            if (line != lines.end() && !same) {
                lines.erase(line);
                leases.erase(name);
                later(std::chrono::milliseconds(0));
            }
            if (!lines.contains(name) && !link->carrier) continue;
            kept.insert(name);
            if (!same) start_dhcp(name, *link);
        }
        std::erase_if(lines, [&kept](auto const& each) { return !kept.contains(each.first); });
    }

    void start_dhcp(std::string const& name, netlink::Link const& link)
    {
        lines[name] = std::make_unique<DhcpLine>(loop, link.name, link.mac,
            DhcpLine::Events{.on_lease = [this, name](proto::DhcpLease const& lease) { take_lease(name, lease); },
                .on_lost = [this, name](proto::DhcpLoss) {
                    leases.erase(name);
                    later(std::chrono::milliseconds(0));
                }});
    }

    void take_lease(std::string const& name, proto::DhcpLease const& told)
    {
        auto judged = judge_lease(told, subnets_but_of(name));
        if (judged) {
            refused.erase(name);
            leases[name] = {std::move(*judged), told.valid_s, clock.now() + std::chrono::seconds(told.valid_s)};
            renew_address(name);
        } else {
            log::failure("a DHCP lease is refused", judged.error());
            refused[name] = judged.error().what.view();
            leases.erase(name);
        }
        later(std::chrono::milliseconds(0));
    }

    // A plan does not see lifetimes: an address that is there already gets its new one here.
    void renew_address(std::string const& name)
    {
        auto const known = std::ranges::find(state, name, &InterfaceState::name);
        auto const& address = leases[name].lease.address;
        std::string const text = address.address + "/" + std::to_string(address.prefix);
        if (known == state.end() || !std::ranges::contains(known->addresses, text)) return;
        Operation operation{.verb = Verb::add_address, .device = known->device, .interface = name};
        operation.address = {.link = 0, .address = address.address, .prefix = address.prefix};
        if (auto const done = add_address(operation); !done) log::failure("an address could not be prolonged", done.error());
    }

    std::vector<manifest::Address> subnets_but_of(std::string const& name) const
    {
        std::vector<manifest::Address> out;
        for (auto const& each : wanted.interfaces)
            if (each.name != name) out.insert(out.end(), each.addresses.begin(), each.addresses.end());
        for (auto const& [other, held] : leases)
            if (other != name) out.push_back(held.lease.address);
        return out;
    }

    void tell(Plan const& plan, Present const& present, std::map<std::string, std::string_view> const& failed)
    {
        std::vector<InterfaceState> now;
        for (auto const& placed : plan.interfaces) {
            InterfaceState each;
            each.name = placed.wanted.name;
            each.role = name_of(placed.wanted.role);
            auto const link = std::ranges::find(present.links, placed.device, &netlink::Link::name);
            if (link != present.links.end()) {
                each.device = link->name;
                each.carrier = link->carrier;
                for (auto const& address : present.addresses)
                    if (address.link == link->index && !address.link_local)
                        each.addresses.push_back(address.address + "/" + std::to_string(address.prefix));
            }
            each.trouble = trouble_with(placed, each, failed);
            now.push_back(std::move(each));
        }
        if (same(now, state)) return;
        state = std::move(now);
        // Later: whoever is told may ask for another network.
        loop.post([weak = std::weak_ptr(alive), this] {
            if (!weak.expired()) on_change();
        });
    }

    std::string trouble_with(Placed const& placed, InterfaceState const& now, std::map<std::string, std::string_view> const& failed) const
    {
        if (placed.device.empty()) return placed.trouble;
        if (auto const each = failed.find(placed.wanted.name); each != failed.end()) return std::string(each->second);
        if (!now.carrier) return "no signal: is the cable in?";
        if (auto const each = refused.find(placed.wanted.name); each != refused.end()) return std::string(each->second);
        bool const dhcp = placed.wanted.addressing == manifest::Interface::Addressing::dhcp;
        if (dhcp && !leases.contains(placed.wanted.name)) return "no DHCP server has answered yet";
        return placed.trouble;
    }

    static bool same(std::vector<InterfaceState> const& one, std::vector<InterfaceState> const& other)
    {
        return std::ranges::equal(one, other, [](auto const& a, auto const& b) {
            return a.name == b.name && a.role == b.role && a.device == b.device && a.carrier == b.carrier && a.addresses == b.addresses &&
                   a.trouble == b.trouble;
        });
    }

    std::string first_address(std::string_view role) const
    {
        for (auto const& each : state)
            if (each.role == role && !each.addresses.empty()) return each.addresses.front().substr(0, each.addresses.front().find('/'));
        return {};
    }

    wire::Loop& loop;
    Clock const& clock;
    std::function<void()> on_change;
    manifest::Network wanted;
    bool applied = false;
    std::optional<netlink::Session> session;
    UniqueFd monitor;
    std::map<int, std::string> card_macs;
    std::map<std::string, Held> leases;               // by the interface's name
    std::map<std::string, std::string_view> refused;  // why the last offer was not taken
    std::vector<InterfaceState> state;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);  // owners: this, and weakly what is posted
    wire::Watch news;
    wire::Watch settle;
    wire::Watch retry;
    wire::Watch expiry;
    std::map<std::string, std::unique_ptr<DhcpLine>> lines;
};

Network::Network(wire::Loop& loop, Clock const& clock, std::function<void()> on_change)
    : impl_(std::make_unique<Impl>(loop, clock, std::move(on_change)))
{}
Network::~Network() = default;

Result<void> Network::apply(manifest::Network const& wanted) { return impl_->apply(wanted); }
void Network::devices_changed() { impl_->later(kSettle); }
std::vector<InterfaceState> const& Network::state() const { return impl_->state; }
std::string Network::service_address() const { return impl_->first_address("service"); }
std::string Network::operator_address() const { return impl_->first_address("operator"); }

}  // namespace ocu::init
