// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// IP addresses as values, and the deny set (EG-3, SX-7): what is never dialled unless a rule names the range. Pure.

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "proto/edge_to_uplink.h"

namespace ocu::edge {

// 16 bytes in network order; IPv4 as ::ffff:a.b.c.d.
using Address = std::array<std::uint8_t, 16>;

// Strict numeric notation only (inet_pton): no octal, hex, short or zoned forms. Errors: malformed.
Result<Address> parse_address(std::string_view text);
// "192.0.2.1" or RFC 5952 text.
std::string text_of(Address const& address);
bool is_ipv4(Address const& address);

// "192.0.2.0/24", "2001:db8::/32", or an address alone. Errors: malformed (also when bits beyond the prefix are set).
Result<proto::AddressRange> parse_range(std::string_view text);
bool lies_in(Address const& address, proto::AddressRange const& range);

// Why an address is not a public one: "private", "loopback", "link-local", "metadata", "multicast", "embedded IPv4", ...; nothing if it is.
// An IPv4 address inside an IPv6 one (mapped, compatible, 6to4, Teredo, NAT64 well-known and local) is judged itself.
std::optional<std::string_view> not_public(Address const& address);

// What may be dialled: with ranges, what lies in one of them; without, what is public.
bool may_dial(Address const& address, std::span<proto::AddressRange const> ranges);

}  // namespace ocu::edge
