// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/subnet.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

namespace ocu::manifest {

namespace {

bool bit(Number const& number, std::size_t at) { return (number.bytes[at / 8] >> (7 - at % 8) & 1) != 0; }

bool all_host_bits_are(Number const& number, std::size_t prefix, std::uint8_t value)
{
    for (std::size_t at = prefix; at < number.bits(); ++at)
        if (bit(number, at) != (value != 0)) return false;
    return true;
}

std::string_view unusable_ipv6(std::array<std::uint8_t, 16> const& bytes)
{
    if (std::ranges::all_of(bytes, [](auto each) { return each == 0; })) return "is no address";
    if (std::ranges::all_of(bytes.begin(), bytes.end() - 1, [](auto each) { return each == 0; }) && bytes[15] == 1)
        return "is a loopback address";
    if (bytes[0] == 0xff) return "is a multicast address";
    if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80) return "is a link-local address";
    if (std::ranges::all_of(bytes.begin(), bytes.begin() + 10, [](auto each) { return each == 0; })) return "is an IPv4 address in disguise";
    return {};
}

}  // namespace

std::optional<Number> parse_number(std::string_view text)
{
    Number number;
    std::string const terminated(text);
    number.ipv6 = text.contains(':');
    if (::inet_pton(number.ipv6 ? AF_INET6 : AF_INET, terminated.c_str(), number.bytes.data()) != 1) return std::nullopt;
    return number;
}

std::string print(Number const& number)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    (void)::inet_ntop(number.ipv6 ? AF_INET6 : AF_INET, number.bytes.data(), text.data(), text.size());
    return text.data();
}

bool same_subnet(Number const& one, Number const& other, std::size_t prefix)
{
    if (one.ipv6 != other.ipv6) return false;
    for (std::size_t at = 0; at < prefix && at < one.bits(); ++at)
        if (bit(one, at) != bit(other, at)) return false;
    return true;
}

bool overlap(Address const& one, Address const& other)
{
    auto const mine = parse_number(one.address);
    auto const theirs = parse_number(other.address);
    return mine && theirs && same_subnet(*mine, *theirs, std::min(one.prefix, other.prefix));
}

bool contains(Address const& subnet, Number const& number)
{
    auto const mine = parse_number(subnet.address);
    return mine && same_subnet(*mine, number, subnet.prefix);
}

std::string_view unusable_as_host(Number const& number)
{
    if (number.ipv6) return unusable_ipv6(number.bytes);
    if (number.bytes[0] == 0) return "is no address";
    if (number.bytes[0] == 127) return "is a loopback address";
    if (number.bytes[0] >= 224 && number.bytes[0] < 240) return "is a multicast address";
    if (number.bytes[0] >= 240) return "is not an address that a machine can have";
    return {};
}

std::string_view unusable_as_host(Number const& number, std::size_t prefix)
{
    if (auto const why = unusable_as_host(number); !why.empty()) return why;
    if (number.ipv6 || prefix > 30) return {};
    if (all_host_bits_are(number, prefix, 0)) return "is the address of the network itself";
    if (all_host_bits_are(number, prefix, 1)) return "is the network's broadcast address";
    return {};
}

}  // namespace ocu::manifest
