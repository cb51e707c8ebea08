// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/network_place.h"

#include <algorithm>

namespace ocu::init {

using manifest::Interface;

namespace {

constexpr std::size_t kCardsTold = 5;

struct Base {
    std::string device;
    std::string trouble;
};

class Placer {
public:
    Placer(manifest::Network const& wanted, Present const& present) : wanted_(wanted), present_(present) {}

    Placement place()
    {
        if (wanted_.interfaces.empty()) {
            Interface only;
            only.name = "service";
            add(only, 0);
        }
        for (std::size_t i = 0; i < wanted_.interfaces.size(); ++i) add(wanted_.interfaces[i], i);
        return std::move(out_);
    }

private:
    void add(Interface const& interface, std::size_t number)
    {
        Placed placed{interface, {}, {}, std::ranges::any_of(interface.addresses, &manifest::Address::ipv6), true};
        auto base = interface.bond.empty() ? card(interface) : bond(interface);
        placed.trouble = base.trouble;
        placed.device = base.device;
        if (!base.device.empty()) {
            device({.name = base.device, .mtu = interface.mtu});
            if (interface.vlan) placed.device = vlan(interface, base.device, number);
        }
        // Two interfaces may name one card in two ways, which a manifest alone does not show.
        auto const taken = std::ranges::find_if(
            out_.interfaces, [&placed](auto const& each) { return !each.device.empty() && each.device == placed.device; });
        if (taken != out_.interfaces.end()) {
            placed.trouble = "its card is that of " + taken->wanted.name + " already";
            placed.device.clear();
        }
        out_.interfaces.push_back(std::move(placed));
    }

    std::string const& mac_of(netlink::Link const& link) const
    {
        auto const own = present_.card_macs.find(link.index);
        return own == present_.card_macs.end() ? link.mac : own->second;
    }

    netlink::Link const* find_card(std::string const& mac_or_device) const
    {
        auto const found = std::ranges::find_if(
            present_.links, [&](auto const& each) { return is_card(each) && (each.name == mac_or_device || mac_of(each) == mac_or_device); });
        return found == present_.links.end() ? nullptr : &*found;
    }

    Base card(Interface const& interface) const
    {
        std::string const& name = interface.mac.empty() ? interface.device : interface.mac;
        if (name.empty()) return only_card();
        auto const* const link = find_card(name);
        if (link == nullptr) return {"", "no network card " + name + " is in this machine"};
        return {link->name, ""};
    }

    Base only_card() const
    {
        std::vector<netlink::Link const*> cards;
        for (auto const& each : present_.links)
            if (is_card(each)) cards.push_back(&each);
        if (cards.empty()) return {"", "this machine has no network card that is known here"};
        if (cards.size() == 1) return {cards.front()->name, ""};
        std::string told = "several network cards; the manifest must name one: ";
        for (std::size_t i = 0; i < cards.size() && i < kCardsTold; ++i)
            told += (i == 0 ? "" : ", ") + cards[i]->name + " " + mac_of(*cards[i]);
        return {"", told};
    }

    Base bond(Interface const& interface)
    {
        WantedDevice wanted{.name = "bond" + std::to_string(bond_number(interface)), .kind = "bond", .mtu = interface.mtu};
        std::string missing;
        for (auto const& each : interface.bond) {
            auto const* const link = find_card(each);
            if (link == nullptr)
                missing = each;
            else
                wanted.members.push_back(link->name);
        }
        if (wanted.members.empty()) return {"", "none of the cards of its bond is in this machine"};
        Base const base{wanted.name, missing.empty() ? "" : "its bond works without " + missing + ", which is not in this machine"};
        for (auto const& each : wanted.members) device({.name = each});
        device(std::move(wanted));
        return base;
    }

    // Interfaces on the same cards share one bond.
    std::size_t bond_number(Interface const& interface) const
    {
        auto const first = std::ranges::find(wanted_.interfaces, interface.bond, &Interface::bond);
        return static_cast<std::size_t>(first - wanted_.interfaces.begin());
    }

    std::string vlan(Interface const& interface, std::string const& parent, std::size_t number)
    {
        std::string const name = "vlan" + std::to_string(*interface.vlan) + "-" + std::to_string(number);
        device({.name = name, .kind = "vlan", .parent = parent, .vlan = *interface.vlan, .mtu = interface.mtu});
        return name;
    }

    // A device that carries several has the largest of their MTUs.
    void device(WantedDevice wanted)
    {
        auto const known = std::ranges::find(out_.devices, wanted.name, &WantedDevice::name);
        if (known == out_.devices.end())
            out_.devices.push_back(std::move(wanted));
        else
            known->mtu = std::max(known->mtu, wanted.mtu);
    }

    manifest::Network const& wanted_;
    Present const& present_;
    Placement out_;
};

}  // namespace

bool is_card(netlink::Link const& link) { return link.ethernet && !link.loopback && (link.kind.empty() || link.kind == "veth"); }

Placement place(manifest::Network const& wanted, Present const& present) { return Placer(wanted, present).place(); }

}  // namespace ocu::init
