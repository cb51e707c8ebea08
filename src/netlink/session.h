// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The kernel's links, addresses, routes and rules, by libnl: the only folder that includes it. Used by the launcher, for the cables of
// sandboxes, and by the first process of the booted machine, for its cards. It speaks to the kernel only and reads no foreign byte.
//
// Errors everywhere: os; and, where a caller can do something about it: conflict (it is there already), not_found (no such thing),
// unavailable (this kernel has no such kind of thing).

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"

struct nl_sock;

namespace ocu::netlink {

struct Link {
    int index = 0;
    std::string name;
    std::string kind;            // "veth", "vlan", "bond", ...; empty for a card
    std::string mac;             // "52:54:00:12:34:56", empty if it has none
    bool ethernet = false;
    bool loopback = false;
    bool up = false;             // by us
    bool carrier = false;        // by the other end of the cable
    std::uint32_t mtu = 0;
    int master = 0;              // the bond that it belongs to, 0 = none
    int parent = 0;              // of a VLAN
    std::uint16_t vlan = 0;
};

struct Address {
    int link = 0;
    std::string address{};  // numeric
    std::uint8_t prefix = 0;
    bool ipv6 = false;
    bool link_local = false;  // IPv6, made by the kernel itself

    bool operator==(Address const&) const = default;
};

enum class RouteKind { unicast, local };
enum class RouteScope { universe, link, host };

struct Route {
    std::string destination{};    // "192.0.2.0/24"; with a family of its own, so "0.0.0.0/0" and "::/0" for everything
    int link = 0;
    std::string gateway{};        // or empty
    std::string source{};         // which of our addresses it speaks from, or empty
    std::uint32_t table = 254;    // main
    std::uint32_t metric = 0;
    RouteKind kind = RouteKind::unicast;
    RouteScope scope = RouteScope::universe;
    bool ours = true;             // as found: added by a program such as this one, not by the kernel for an address

    bool operator==(Route const&) const = default;
};

// What comes from `source` is routed by `table`.
struct Rule {
    std::string source;  // one address, numeric
    std::uint32_t table = 0;
    std::uint32_t priority = 0;

    bool operator==(Rule const&) const = default;
};

inline constexpr std::uint32_t kMainTable = 254;
inline constexpr std::uint32_t kLocalTable = 255;
inline constexpr std::uint32_t kForEver = 0xffff'ffff;

struct Lifetime {
    std::uint32_t valid_s = kForEver;
    std::uint32_t preferred_s = kForEver;
};

// `lent`: the kernel may speak from this address on other links too, as it does by default. `own`: on its own link only (IPv4).
enum class AddressUse { lent, own };
enum class Carrying { down, up };

// A socket in the network namespace in which the thread was when it was opened; it stays there. Movable. Not thread-safe.
class Session {
public:
    static Result<Session> open();

    Result<std::vector<Link>> links();
    Result<std::vector<Address>> addresses();
    Result<std::vector<Route>> routes();  // unicast, of all tables but `local`
    Result<std::vector<Rule>> rules();    // those that have a source address of full length
    Result<int> index_of(std::string const& name);

    // Both ends, the peer in another namespace.
    Result<void> add_veth(std::string const& name, std::string const& peer, int peer_namespace);
    Result<void> add_vlan(std::string const& name, int parent, std::uint16_t id);
    // Active-backup: one card carries, the others wait; links are looked at every 100 ms; the bond has the address of its first card.
    Result<void> add_bond(std::string const& name);
    Result<void> remove_link(int index);
    Result<void> set_carrying(int index, Carrying carrying);
    Result<void> set_mtu(int index, std::uint32_t mtu);
    Result<void> set_master(int index, int bond);  // 0: none
    // Replaces lifetimes if the address is there already.
    Result<void> add_address(Address const& address, AddressUse use, Lifetime lifetime = {});
    Result<void> remove_address(Address const& address);
    Result<void> add_route(Route const& route);
    Result<void> remove_route(Route const& route);
    Result<void> add_rule(Rule const& rule);
    Result<void> remove_rule(Rule const& rule);

private:
    struct Freer {
        void operator()(nl_sock* socket) const;
    };
    explicit Session(nl_sock* socket) : socket_(socket) {}

    std::unique_ptr<nl_sock, Freer> socket_;
};

// Readable when a link or an address has changed. What changed is asked anew: nothing that it says is kept.
Result<UniqueFd> open_monitor();
void drain_monitor(int fd);

}  // namespace ocu::netlink
