// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit_network.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "appliance/manifest/subnet.h"
#include "base/moment.h"

namespace ocu::manifest {

using wire::JsonView;

namespace {

constexpr std::uint16_t kIpv6MtuMin = 1280;
constexpr std::uint8_t kIpv4PrefixMin = 8;
constexpr std::uint8_t kIpv6PrefixMin = 16;

std::string text_of(JsonView section, std::string_view key) { return std::string(section[key].string().value_or("")); }

std::string lower(std::string text)
{
    std::ranges::transform(text, text.begin(), [](char each) { return each >= 'A' && each <= 'Z' ? static_cast<char>(each + 32) : each; });
    return text;
}

Admission<std::string> admit_card(std::string const& key, std::string const& text)
{
    std::string const card = lower(text);
    if (!card.contains(':')) return card;
    if (card == "00:00:00:00:00:00") return refuse(key, "is no card's address");
    unsigned first = 0;
    std::from_chars(card.data(), card.data() + 2, first, 16);
    if ((first & 1) != 0) return refuse(key, "is a multicast address, which no card has");
    return card;
}

Admission<Address> admit_address(std::string const& key, std::string_view text)
{
    std::size_t const slash = text.find('/');
    auto const number = parse_number(text.substr(0, slash));
    if (!number) return refuse(key, "is not a numeric address");
    unsigned prefix = 0;
    std::from_chars(text.data() + slash + 1, text.data() + text.size(), prefix);
    if (prefix < (number->ipv6 ? kIpv6PrefixMin : kIpv4PrefixMin) || prefix > number->bits())
        return refuse(key, number->ipv6 ? "the prefix must lie between 16 and 128" : "the prefix must lie between 8 and 32");
    if (auto const why = unusable_as_host(*number, prefix); !why.empty()) return refuse(key, std::string(why));
    return Address{print(*number), static_cast<std::uint8_t>(prefix), number->ipv6};
}

Admission<std::string> admit_gateway_of(std::string const& key, std::string const& text, Interface const& interface, bool ipv6)
{
    if (text.empty()) return text;
    if (interface.addressing == Interface::Addressing::dhcp) return refuse(key, "comes with the lease when addresses is dhcp");
    auto const number = parse_number(text);
    if (!number || number->ipv6 != ipv6) return refuse(key, ipv6 ? "is not a numeric IPv6 address" : "is not a numeric IPv4 address");
    bool const has_family = std::ranges::any_of(interface.addresses, [&](auto const& each) { return each.ipv6 == ipv6; });
    if (!has_family) return refuse(key, "needs an address of the same kind on this interface");
    // A router is often known by its link-local address only.
    bool const link_local = ipv6 && number->bytes[0] == 0xfe && (number->bytes[1] & 0xc0) == 0x80;
    if (link_local) return print(*number);
    bool own = false;
    auto const around = std::ranges::find_if(interface.addresses, [&](auto const& each) {
        own = own || parse_number(each.address) == number;
        return contains(each, *number);
    });
    if (around == interface.addresses.end()) return refuse(key, "is outside of the interface's own subnets");
    if (own || parse_number(around->address) == number) return refuse(key, "is this machine's own address");
    if (auto const why = unusable_as_host(*number, around->prefix); !why.empty()) return refuse(key, std::string(why));
    return print(*number);
}

Admission<void> admit_cards(std::string const& key, JsonView wanted, Interface& interface)
{
    auto mac = admit_card(key + ".mac", text_of(wanted, "mac"));
    if (!mac) return std::unexpected(mac.error());
    interface.mac = std::move(*mac);
    interface.device = text_of(wanted, "device");
    if (!interface.mac.empty() && !interface.device.empty()) return refuse(key + ".device", "the card is named by mac already");
    JsonView const bond = wanted["bond"];
    for (std::size_t i = 0; i < bond.size(); ++i) {
        auto member = admit_card(key + ".bond[" + std::to_string(i) + "]", std::string(bond.at(i).string().value_or("")));
        if (!member) return std::unexpected(member.error());
        if (std::ranges::contains(interface.bond, *member)) return refuse(key + ".bond[" + std::to_string(i) + "]", "is there twice");
        interface.bond.push_back(std::move(*member));
    }
    if (!interface.bond.empty() && !(interface.mac.empty() && interface.device.empty()))
        return refuse(key + ".bond", "a bond names its cards itself: leave mac and device out");
    std::ranges::sort(interface.bond);
    if (interface.device == "lo" || std::ranges::contains(interface.bond, "lo")) return refuse(key + ".device", "is not a network card");
    return {};
}

Admission<void> admit_addresses(std::string const& key, JsonView wanted, Interface& interface)
{
    JsonView const list = wanted["addresses"];
    interface.addressing = list.is_array() ? Interface::Addressing::fixed : Interface::Addressing::dhcp;
    if (list.is_array() && list.size() == 0) return refuse(key + ".addresses", "is empty: name an address, or dhcp");
    for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
        auto address = admit_address(key + ".addresses[" + std::to_string(i) + "]", list.at(i).string().value_or(""));
        if (!address) return std::unexpected(address.error());
        interface.addresses.push_back(std::move(*address));
    }
    auto gateway4 = admit_gateway_of(key + ".gateway", text_of(wanted, "gateway"), interface, false);
    if (!gateway4) return std::unexpected(gateway4.error());
    interface.gateway4 = std::move(*gateway4);
    auto gateway6 = admit_gateway_of(key + ".gateway6", text_of(wanted, "gateway6"), interface, true);
    if (!gateway6) return std::unexpected(gateway6.error());
    interface.gateway6 = std::move(*gateway6);
    bool const ipv6 = std::ranges::any_of(interface.addresses, &Address::ipv6);
    if (ipv6 && interface.mtu < kIpv6MtuMin) return refuse(key + ".mtu", "must be 1280 at least for IPv6");
    return {};
}

Admission<Interface> admit_interface(std::string const& key, JsonView wanted)
{
    Interface interface;
    interface.name = text_of(wanted, "name");
    interface.role = wanted["role"].string() == "operator" ? Interface::Role::operators : Interface::Role::service;
    interface.mtu = static_cast<std::uint16_t>(wanted["mtu"].integer().value_or(1500));
    if (auto const vlan = wanted["vlan"].integer()) interface.vlan = static_cast<std::uint16_t>(*vlan);
    if (auto verdict = admit_cards(key, wanted, interface); !verdict) return std::unexpected(verdict.error());
    if (auto verdict = admit_addresses(key, wanted, interface); !verdict) return std::unexpected(verdict.error());
    return interface;
}

std::vector<std::string> cards_of(Interface const& interface)
{
    if (!interface.bond.empty()) return interface.bond;
    return {interface.mac.empty() ? interface.device : interface.mac};
}

bool bonds_share_all_or_nothing(Interface const& one, Interface const& other)
{
    auto const mine = cards_of(one);
    auto const theirs = cards_of(other);
    bool const shared = std::ranges::any_of(mine, [&](auto const& each) { return std::ranges::contains(theirs, each); });
    return !shared || (mine == theirs && one.bond.empty() == other.bond.empty());
}

// Two interfaces beside each other; `key` is the second one's.
Admission<void> admit_pair(std::string const& key, Interface const& earlier, Interface const& later)
{
    if (earlier.name == later.name) return refuse(key + ".name", "is there twice");
    std::string const card = key + (later.bond.empty() ? (later.mac.empty() ? ".device" : ".mac") : ".bond");
    if (cards_of(earlier) == std::vector<std::string>{""} || cards_of(later) == std::vector<std::string>{""})
        return refuse(key, "there is more than one interface, so each must name its card: by mac, device or bond");
    if (!bonds_share_all_or_nothing(earlier, later)) return refuse(card, "a card of it belongs to " + earlier.name + " already");
    bool const same = cards_of(earlier) == cards_of(later) && earlier.vlan == later.vlan;
    // What the agents' network can reach and what operators use must not be one wire (T-03).
    if (same && earlier.role != later.role)
        return refuse(card, "is the " + std::string(earlier.role == Interface::Role::service ? "service" : "operator") + " interface " +
                                earlier.name + " already: operators need a card or a VLAN of their own");
    if (same) return refuse(card, "is, with the same VLAN, " + earlier.name + " already");
    for (std::size_t i = 0; i < later.addresses.size(); ++i) {
        if (std::ranges::any_of(earlier.addresses, [&](auto const& each) { return overlap(each, later.addresses[i]); }))
            return refuse(key + ".addresses[" + std::to_string(i) + "]", "its subnet overlaps with one of " + earlier.name);
    }
    return {};
}

Admission<std::vector<std::string>> admit_dns(JsonView list)
{
    std::vector<std::string> out;
    for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
        std::string const key = "network.dns[" + std::to_string(i) + "]";
        auto const number = parse_number(list.at(i).string().value_or(""));
        if (!number) return refuse(key, "is not a numeric address");
        if (auto const why = unusable_as_host(*number); !why.empty()) return refuse(key, std::string(why));
        if (std::ranges::contains(out, print(*number))) return refuse(key, "is there twice");
        out.push_back(print(*number));
    }
    return out;
}

Admission<std::vector<TimeServer>> admit_time(JsonView list)
{
    std::vector<TimeServer> out;
    for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
        std::string const key = "network.time[" + std::to_string(i) + "]";
        JsonView const wanted = list.at(i);
        auto const number = parse_number(text_of(wanted, "address"));
        if (!number) return refuse(key + ".address", "is not a numeric address");
        if (auto const why = unusable_as_host(*number); !why.empty()) return refuse(key + ".address", std::string(why));
        std::string ca = text_of(wanted, "ca");
        if (!ca.contains("-----BEGIN CERTIFICATE-----")) return refuse(key + ".ca", "holds no certificate in PEM form");
        auto const port = static_cast<std::uint16_t>(wanted["port"].integer().value_or(4460));
        out.push_back({lower(text_of(wanted, "host")), print(*number), port, std::move(ca)});
    }
    return out;
}

Admission<std::int64_t> admit_moment(JsonView wanted)
{
    if (auto const seconds = wanted.integer()) return *seconds;
    auto const text = wanted.string();
    if (!text) return 0;
    auto const moment = parse_moment(*text);
    if (!moment) return refuse("network.not_before", moment.error());
    if (*moment < 0) return refuse("network.not_before", "lies before 1970");
    return *moment;
}

}  // namespace

Admission<Network> admit_network(JsonView section)
{
    Network network;
    JsonView const list = section["interfaces"];
    for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
        std::string const key = "network.interfaces[" + std::to_string(i) + "]";
        auto interface = admit_interface(key, list.at(i));
        if (!interface) return std::unexpected(interface.error());
        for (auto const& earlier : network.interfaces)
            if (auto verdict = admit_pair(key, earlier, *interface); !verdict) return std::unexpected(verdict.error());
        network.interfaces.push_back(std::move(*interface));
    }
    auto dns = admit_dns(section["dns"]);
    if (!dns) return std::unexpected(dns.error());
    network.dns = std::move(*dns);
    auto time = admit_time(section["time"]);
    if (!time) return std::unexpected(time.error());
    network.time = std::move(*time);
    auto const moment = admit_moment(section["not_before"]);
    if (!moment) return std::unexpected(moment.error());
    network.not_before = *moment;
    return network;
}

}  // namespace ocu::manifest
