// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: edge/address, edge/host_name. The deny set in every notation that reaches it.

#include <catch2/catch_test_macros.hpp>

#include "edge/address.h"
#include "edge/host_name.h"

namespace test_address {

using namespace ocu;
using namespace ocu::edge;

Address address(std::string_view text)
{
    auto const parsed = parse_address(text);
    INFO(text);
    REQUIRE(parsed);
    return *parsed;
}

std::vector<proto::AddressRange> ranges(std::vector<std::string_view> const& texts)
{
    std::vector<proto::AddressRange> out;
    for (auto const text : texts) out.push_back(parse_range(text).value());
    return out;
}

struct Row {
    std::string_view text;
    std::string_view what;  // empty: public
};

constexpr Row kRows[] = {
    // public, and just outside of each block
    {"1.1.1.1", ""},
    {"9.255.255.255", ""},
    {"11.0.0.0", ""},
    {"100.63.255.255", ""},
    {"100.128.0.0", ""},
    {"126.255.255.255", ""},
    {"128.0.0.0", ""},
    {"169.253.255.255", ""},
    {"169.255.0.0", ""},
    {"172.15.255.255", ""},
    {"172.32.0.0", ""},
    {"192.0.1.0", ""},
    {"192.88.98.255", ""},
    {"192.167.255.255", ""},
    {"192.169.0.0", ""},
    {"198.17.255.255", ""},
    {"198.20.0.0", ""},
    {"223.255.255.255", ""},
    {"2606:4700::1111", ""},
    {"2001:200::1", ""},
    {"2003::1", ""},
    {"3ffe:ffff::1", ""},
    // IPv4
    {"0.0.0.0", "this network"},
    {"0.255.255.255", "this network"},
    {"10.0.0.1", "private"},
    {"10.255.255.255", "private"},
    {"100.64.0.1", "shared"},
    {"100.127.255.255", "shared"},
    {"127.0.0.1", "loopback"},
    {"127.255.255.254", "loopback"},
    {"169.254.0.1", "link-local"},
    {"172.16.0.1", "private"},
    {"172.31.255.255", "private"},
    {"192.0.0.8", "protocol assignments"},
    {"192.0.2.1", "documentation"},
    {"192.88.99.1", "6to4 relay"},
    {"192.168.1.1", "private"},
    {"198.18.0.1", "benchmarking"},
    {"198.19.255.255", "benchmarking"},
    {"198.51.100.1", "documentation"},
    {"203.0.113.1", "documentation"},
    {"224.0.0.1", "multicast"},
    {"239.255.255.255", "multicast"},
    {"240.0.0.1", "reserved"},
    {"255.255.255.255", "broadcast"},
    // where machines' own credentials are
    {"169.254.169.254", "metadata"},
    {"169.254.170.2", "metadata"},
    {"100.100.100.200", "metadata"},
    {"192.0.0.192", "metadata"},
    {"168.63.129.16", "metadata"},
    {"fd00:ec2::254", "metadata"},
    {"fd20:ce::254", "metadata"},
    // IPv6
    {"::", "this network"},
    {"::1", "loopback"},
    {"fc00::1", "private"},
    {"fdff::1", "private"},
    {"fe80::1", "link-local"},
    {"febf::1", "link-local"},
    {"fec0::1", "site-local"},
    {"ff02::1", "multicast"},
    {"2001:db8::1", "documentation"},
    {"3fff:fff::1", "documentation"},
    {"100::1", "discard"},
    {"5f00::1", "segment routing"},
    {"2001:1::1", "protocol assignments"},
    {"2001:10::1", "protocol assignments"},
    {"4000::1", "reserved"},
    {"200::1", "reserved"},
    {"fe00::1", "reserved"},
    // IPv4 inside: mapped, compatible, 6to4, Teredo (inverted), NAT64 of both kinds, ISATAP
    {"::ffff:1.1.1.1", ""},
    {"::ffff:127.0.0.1", "loopback"},
    {"::ffff:a9fe:a9fe", "metadata"},
    {"::127.0.0.1", "loopback"},
    {"::10.0.0.1", "private"},
    {"::1.1.1.1", "embedded IPv4"},
    {"::2", "this network"},
    {"2002:7f00:1::", "loopback"},
    {"2002:a9fe:a9fe::1", "metadata"},
    {"2002:101:101::1", "embedded IPv4"},
    {"2001:0:1:2:3:4:80ff:fffe", "loopback"},
    {"2001::f5ff:fffe", "private"},
    {"2001::fefe:fefe", "embedded IPv4"},
    {"64:ff9b::1.1.1.1", ""},
    {"64:ff9b::10.0.0.1", "private"},
    {"64:ff9b::169.254.169.254", "metadata"},
    {"64:ff9b:1::10.0.0.1", "private"},
    {"64:ff9b:1::1.1.1.1", "embedded IPv4"},
    {"64:ff9b:1:ffff::1.1.1.1", "embedded IPv4"},
    {"64:ff9b:2::1.1.1.1", "reserved"},
    {"2a00:1::5efe:10.0.0.1", "private"},
    {"2a00:1::200:5efe:192.168.0.1", "private"},
    {"2a00:1::5efe:1.1.1.1", "embedded IPv4"},
};

TEST_CASE("address: given one of each block and its neighbours, when it is judged, then what it is", "[edge][T-05][EG-3]")
{
    for (auto const& row : kRows) {
        INFO(row.text);
        CHECK(not_public(address(row.text)).value_or("") == row.what);
        CHECK(may_dial(address(row.text), {}) == row.what.empty());
    }
}

TEST_CASE("address: given what is no strict notation, when it is parsed, then malformed", "[edge][T-05][EG-3]")
{
    for (std::string_view const text : {"", "1", "127.1", "0x7f.0.0.1", "2130706433", "0177.0.0.1", "1.2.3.04", "1.2.3.4.", " 1.2.3.4",
             "1.2.3.4 ", "1.2.3.256", "fe80::1%eth0", "[::1]", "::1::", "1.2.3.4/24", "localhost", "::ffff:1.2.3", "1:2:3:4:5:6:7:8:9"}) {
        INFO(text);
        auto const parsed = parse_address(text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().fault == Fault::malformed);
    }
    CHECK_FALSE(parse_address(std::string_view("1.1.1.1\0x", 9)));
    CHECK_FALSE(parse_address(std::string(100, '1')));
}

TEST_CASE("address: given an address, when it is printed, then it is read as the same one", "[edge]")
{
    CHECK(text_of(address("::ffff:192.0.2.1")) == "192.0.2.1");
    CHECK(text_of(address("2001:DB8:0:0::1")) == "2001:db8::1");
    for (auto const& row : kRows) CHECK(address(text_of(address(row.text))) == address(row.text));
}

TEST_CASE("range: given a range, when addresses are looked for, then those inside it and of its family", "[edge][EG-3]")
{
    auto const in = [](std::string_view text, std::string_view range) { return lies_in(address(text), parse_range(range).value()); };
    CHECK(in("192.0.2.255", "192.0.2.0/24"));
    CHECK_FALSE(in("192.0.3.0", "192.0.2.0/24"));
    CHECK(in("10.1.2.3", "10.1.2.3"));
    CHECK_FALSE(in("10.1.2.4", "10.1.2.3"));
    CHECK(in("172.31.0.1", "172.16.0.0/12"));
    CHECK_FALSE(in("172.32.0.1", "172.16.0.0/12"));
    CHECK(in("2001:db8:1::5", "2001:db8::/32"));
    CHECK_FALSE(in("2001:db9::5", "2001:db8::/32"));
    CHECK_FALSE(in("10.0.0.1", "::/0"));
    CHECK(in("2001:db8::1", "::/0"));
    CHECK(in("10.0.0.1", "0.0.0.0/0"));
    CHECK_FALSE(in("2001:db8::1", "0.0.0.0/0"));
    CHECK_FALSE(lies_in(address("::1"), proto::AddressRange{{}, 129}));
}

TEST_CASE("range: given what is no range, when it is parsed, then malformed", "[edge][EG-3]")
{
    for (std::string_view const text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/8 ",
             "10.0.0.0/8/8", "2001:db8::/129", "2001:db8::1/32", "10/8", "::ffff:10.0.0.0/95"}) {
        INFO(text);
        auto const parsed = parse_range(text);
        REQUIRE_FALSE(parsed);
        CHECK(parsed.error().fault == Fault::malformed);
    }
}

TEST_CASE(
    "may_dial: given ranges, when an address is judged, then only what they name, and nothing special by a broad one", "[edge][T-05][EG-3]")
{
    auto const private_networks = ranges({"10.0.0.0/8", "fd00::/16"});
    CHECK(may_dial(address("10.1.2.3"), private_networks));
    CHECK(may_dial(address("fd00::5"), private_networks));
    CHECK_FALSE(may_dial(address("1.1.1.1"), private_networks));
    CHECK_FALSE(may_dial(address("fd00:ec2::254"), private_networks));
    CHECK_FALSE(may_dial(address("64:ff9b::10.0.0.1"), private_networks));
    CHECK_FALSE(may_dial(address("169.254.169.254"), ranges({"169.254.0.0/16"})));
    CHECK(may_dial(address("169.254.0.1"), ranges({"169.254.0.0/16"})));
    CHECK(may_dial(address("169.254.169.254"), ranges({"169.254.169.254"})));
    CHECK_FALSE(may_dial(address("127.0.0.1"), ranges({"127.0.0.0/8"})));
    CHECK(may_dial(address("127.0.0.1"), ranges({"127.0.0.1/32"})));
    CHECK_FALSE(may_dial(address("0.0.0.0"), ranges({"0.0.0.0/8"})));
}

TEST_CASE("may_dial: given a range of translated addresses, when one has a private address inside, then only if that is named too",
    "[edge][T-05][EG-3]")
{
    CHECK(may_dial(address("64:ff9b::1.1.1.1"), ranges({"64:ff9b::/96"})));
    CHECK_FALSE(may_dial(address("64:ff9b::10.0.0.1"), ranges({"64:ff9b::/96"})));
    CHECK(may_dial(address("64:ff9b::10.0.0.1"), ranges({"64:ff9b::/96", "10.0.0.0/8"})));
}

TEST_CASE("host name: given names and what looks like them, when they are judged, then only names", "[edge][T-05]")
{
    for (std::string_view const good :
        {"a", "example.com", "_srv.example.com", "xn--bcher-kva.example", "1.2.3.4.example", "0x7f.example", "a-b.c1"})
        CHECK(is_host_name(good));
    std::string const long_label(64, 'a');
    for (std::string_view const bad : {std::string_view(""), std::string_view("."), std::string_view("a."), std::string_view(".a"),
             std::string_view("a..b"), std::string_view("A.b"), std::string_view("a b"), std::string_view("127.0.0.1"),
             std::string_view("127.1"), std::string_view("2130706433"), std::string_view("0x7f.0x1"), std::string_view("0x7f000001"),
             std::string_view("0x"), std::string_view("::1"), std::string_view("a:80"),
             std::string_view("b\xc3\xbc"
                              "cher.example"),
             std::string_view("a/b"), std::string_view("*.example.com"), std::string_view("a\0b", 3), std::string_view(long_label)})
        CHECK_FALSE(is_host_name(bad));
    std::string longest;
    while (longest.size() < 252) longest += "a.";
    CHECK(is_host_name(longest + "a"));
    CHECK_FALSE(is_host_name(longest + "aa"));
}

TEST_CASE("host pattern: given a wildcard, when names are matched, then those below it and not itself", "[edge][EG-1]")
{
    CHECK(host_matches("*.example.com", "a.example.com"));
    CHECK(host_matches("*.example.com", "a.b.example.com"));
    CHECK_FALSE(host_matches("*.example.com", "example.com"));
    CHECK_FALSE(host_matches("*.example.com", ".example.com"));
    CHECK_FALSE(host_matches("*.example.com", "badexample.com"));
    CHECK_FALSE(host_matches("*.example.com", "a.example.com.evil.org"));
    CHECK(host_matches("example.com", "example.com"));
    CHECK_FALSE(host_matches("example.com", "a.example.com"));
}

}  // namespace test_address
