// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Numeric addresses and the subnets around them, for admission and for what DHCP servers say. Pure.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "appliance/manifest/network.h"

namespace ocu::manifest {

struct Number {
    bool ipv6 = false;
    std::array<std::uint8_t, 16> bytes{};  // IPv4: the first four

    bool operator==(Number const&) const = default;
    std::size_t bits() const { return ipv6 ? 128 : 32; }
};

std::optional<Number> parse_number(std::string_view text);  // no prefix, no scope
std::string print(Number const& number);
bool same_subnet(Number const& one, Number const& other, std::size_t prefix);
bool overlap(Address const& one, Address const& other);
bool contains(Address const& subnet, Number const& number);

// Empty, or why no interface can have this as its address: "is a loopback address", ...
std::string_view unusable_as_host(Number const& number);
// As above, and what the prefix adds: the address of the network itself, or its broadcast address.
std::string_view unusable_as_host(Number const& number, std::size_t prefix);

}  // namespace ocu::manifest
