// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>

namespace ocu::edge {

namespace {

constexpr std::size_t kMappedBytes = 12;
constexpr unsigned kMappedBits = 96;
constexpr std::array<std::uint8_t, kMappedBytes> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct Block4 {
    std::uint32_t first;
    unsigned bits;
    std::string_view what;
};

constexpr std::uint32_t quad(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d) { return a << 24 | b << 16 | c << 8 | d; }

// The first that fits names the address, so the narrow ones stand first. IANA's special-purpose registry, and where clouds keep the
// addresses that hand out a machine's own credentials (T-05), one of them in public space.
constexpr Block4 kBlocks4[] = {
    {quad(169, 254, 169, 254), 32, "metadata"},
    {quad(169, 254, 170, 2), 32, "metadata"},
    {quad(169, 254, 170, 23), 32, "metadata"},
    {quad(100, 100, 100, 200), 32, "metadata"},
    {quad(192, 0, 0, 192), 32, "metadata"},
    {quad(168, 63, 129, 16), 32, "metadata"},
    {quad(0, 0, 0, 0), 8, "this network"},
    {quad(10, 0, 0, 0), 8, "private"},
    {quad(100, 64, 0, 0), 10, "shared"},
    {quad(127, 0, 0, 0), 8, "loopback"},
    {quad(169, 254, 0, 0), 16, "link-local"},
    {quad(172, 16, 0, 0), 12, "private"},
    {quad(192, 0, 0, 0), 24, "protocol assignments"},
    {quad(192, 0, 2, 0), 24, "documentation"},
    {quad(192, 88, 99, 0), 24, "6to4 relay"},
    {quad(192, 168, 0, 0), 16, "private"},
    {quad(198, 18, 0, 0), 15, "benchmarking"},
    {quad(198, 51, 100, 0), 24, "documentation"},
    {quad(203, 0, 113, 0), 24, "documentation"},
    {quad(224, 0, 0, 0), 4, "multicast"},
    {quad(255, 255, 255, 255), 32, "broadcast"},
    {quad(240, 0, 0, 0), 4, "reserved"},
};

struct Block6 {
    Address first;
    unsigned bits;
    std::string_view what;
};

constexpr Block6 kBlocks6[] = {
    {{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128, "metadata"},
    {{0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x23}, 128, "metadata"},
    {{0xfd, 0x20, 0x00, 0xce, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54}, 128, "metadata"},
    {{}, 128, "this network"},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, "loopback"},
    {{0xfc}, 7, "private"},
    {{0xfe, 0x80}, 10, "link-local"},
    {{0xfe, 0xc0}, 10, "site-local"},
    {{0xff}, 8, "multicast"},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "documentation"},
    {{0x3f, 0xff}, 20, "documentation"},
    {{0x01, 0x00}, 64, "discard"},
    {{0x5f, 0x00}, 16, "segment routing"},
    {{0x20, 0x01}, 23, "protocol assignments"},
};

constexpr Block6 kGlobalUnicast{{0x20}, 3, ""};

bool same_bits(Address const& one, Address const& other, unsigned bits)
{
    unsigned const whole = bits / 8, rest = bits % 8;
    if (!std::equal(one.begin(), one.begin() + whole, other.begin())) return false;
    return rest == 0 || ((one[whole] ^ other[whole]) >> (8 - rest)) == 0;
}

std::uint32_t word(Address const& address, std::size_t at) { return quad(address[at], address[at + 1], address[at + 2], address[at + 3]); }

Address mapped(std::uint32_t four)
{
    Address out{};
    std::ranges::copy(kMapped, out.begin());
    for (std::size_t i = 0; i < 4; ++i) out[kMappedBytes + i] = static_cast<std::uint8_t>(four >> (24 - 8 * i));
    return out;
}

std::optional<std::string_view> not_public4(std::uint32_t four)
{
    for (auto const& block : kBlocks4)
        if (((four ^ block.first) >> (32 - block.bits)) == 0) return block.what;
    return std::nullopt;
}

// The IPv4 address inside, wherever packets to the outer one would be carried to it.
//
//      form        first bits            IPv4 at byte
//      NAT64       64:ff9b::/96          12            the only one that carries public traffic today
//      NAT64       64:ff9b:1::/48        12            as this house prints it; the block is local whatever is inside
//      6to4        2002::/16             2
//      Teredo      2001::/32             12, inverted
//      compatible  ::/96                 12
//      ISATAP      (any)::[02]00:5efe    12
struct Embedded {
    std::uint32_t four;
    bool reachable;  // as an address of the internet, if the one inside is
};

std::optional<Embedded> embedded(Address const& address)
{
    std::uint32_t const first = word(address, 0), last = word(address, 12);
    if (first == 0x0064ff9b && word(address, 4) == 0 && word(address, 8) == 0) return Embedded{last, true};
    if (first == 0x0064ff9b && word(address, 4) >> 16 == 1) return Embedded{last, false};
    if (first >> 16 == 0x2002) return Embedded{word(address, 2), false};
    if (first == 0x20010000) return Embedded{~last, false};
    // :: and ::1 are in the compatible block and mean something else.
    if (first == 0 && word(address, 4) == 0 && word(address, 8) == 0 && last > 1) return Embedded{last, false};
    if (word(address, 8) == 0x00005efe || word(address, 8) == 0x02005efe) return Embedded{last, false};
    return std::nullopt;
}

bool range_is_ipv4(proto::AddressRange const& range)
{
    return range.bits >= kMappedBits && std::equal(kMapped.begin(), kMapped.end(), range.address.begin());
}

// What a broad range never opens: naming the network is not yet naming the machine that hands out credentials, or this one (T-05).
bool must_be_named_exactly(std::string_view what)
{
    constexpr std::string_view kAlone[] = {"metadata", "loopback", "this network", "multicast", "broadcast"};
    return std::ranges::find(kAlone, what) != std::end(kAlone);
}

bool in_any(Address const& address, std::span<proto::AddressRange const> ranges)
{
    return std::ranges::any_of(ranges, [&](auto const& range) { return lies_in(address, range); });
}

}  // namespace

Result<Address> parse_address(std::string_view text)
{
    // inet_pton wants an end; a text with a NUL inside would end early and be another one.
    if (text.size() >= INET6_ADDRSTRLEN || text.contains('\0')) return fail(Fault::malformed, "not an address");
    std::string const terminated(text);
    if (!text.contains(':')) {
        in_addr four{};
        if (::inet_pton(AF_INET, terminated.c_str(), &four) != 1) return fail(Fault::malformed, "not an address");
        return mapped(ntohl(four.s_addr));
    }
    Address six{};
    if (::inet_pton(AF_INET6, terminated.c_str(), six.data()) != 1) return fail(Fault::malformed, "not an address");
    return six;
}

bool is_ipv4(Address const& address) { return std::equal(kMapped.begin(), kMapped.end(), address.begin()); }

std::string text_of(Address const& address)
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    bool const four = is_ipv4(address);
    (void)::inet_ntop(four ? AF_INET : AF_INET6, address.data() + (four ? kMappedBytes : 0), text.data(), text.size());
    return text.data();
}

Result<proto::AddressRange> parse_range(std::string_view text)
{
    auto const slash = text.find('/');
    auto const address = OCU_TRY(parse_address(text.substr(0, slash)));
    bool const four = !text.substr(0, slash).contains(':');
    unsigned bits = four ? 32 : 128;
    if (slash != std::string_view::npos) {
        auto const digits = text.substr(slash + 1);
        unsigned value = 0;
        auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
        bool const whole = error == std::errc{} && end == digits.data() + digits.size();
        if (!whole || value > bits || (digits.size() > 1 && digits.front() == '0')) return fail(Fault::malformed, "not a prefix length");
        bits = value;
    }
    proto::AddressRange range{address, static_cast<std::uint8_t>(four ? bits + kMappedBits : bits)};
    for (unsigned at = range.bits; at < 128; ++at)
        if ((address[at / 8] >> (7 - at % 8) & 1) != 0) return fail(Fault::malformed, "bits beyond the prefix are set");
    return range;
}

bool lies_in(Address const& address, proto::AddressRange const& range)
{
    // An IPv6 range never holds an IPv4 address, however short its prefix: it was written by someone who thought of IPv6.
    return range.bits <= 128 && is_ipv4(address) == range_is_ipv4(range) && same_bits(address, range.address, range.bits);
}

std::optional<std::string_view> not_public(Address const& address)
{
    if (is_ipv4(address)) return not_public4(word(address, kMappedBytes));
    if (auto const inside = embedded(address)) {
        if (auto const what = not_public4(inside->four)) return what;
        if (inside->reachable) return std::nullopt;
        return "embedded IPv4";
    }
    for (auto const& block : kBlocks6)
        if (same_bits(address, block.first, block.bits)) return block.what;
    if (!same_bits(address, kGlobalUnicast.first, kGlobalUnicast.bits)) return "reserved";
    return std::nullopt;
}

bool may_dial(Address const& address, std::span<proto::AddressRange const> ranges)
{
    auto const what = not_public(address);
    if (ranges.empty()) return !what;
    if (std::ranges::any_of(ranges, [&](auto const& range) { return range.bits == 128 && range.address == address; })) return true;
    if (!in_any(address, ranges) || (what && must_be_named_exactly(*what))) return false;
    // A range of translated addresses opens no network behind the translator that is not named itself.
    auto const inside = embedded(address);
    return !inside || !not_public4(inside->four) || in_any(mapped(inside->four), ranges);
}

}  // namespace ocu::edge
