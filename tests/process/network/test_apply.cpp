// SPDX-License-Identifier: GPL-3.0-or-later
// appliance/init/network in a namespace of its own, against the real kernel: what is wanted is there, what was there and is not wanted
// goes, and no card speaks for another.

#include "network_bench.h"

namespace test_apply {

using namespace ocu;
using namespace ocu::init;
using namespace ocu::test;
using namespace std::chrono_literals;

struct ApplyTest {
    Bench bench;
    wire::Loop loop;
    SystemClock clock;
    int changes = 0;
    Network network{loop, clock, [this] { ++changes; }};

    bool has_address(std::string const& device, std::string const& address, std::uint8_t prefix)
    {
        auto const link = bench.inside().index_of(device);
        if (!link) return false;
        auto const all = bench.inside().addresses().value();
        return std::ranges::any_of(all, [&](auto const& e) { return e.link == *link && e.address == address && e.prefix == prefix; });
    }
    std::size_t addresses_on(std::string const& device)
    {
        auto const link = bench.inside().index_of(device).value();
        auto const all = bench.inside().addresses().value();
        return static_cast<std::size_t>(std::ranges::count_if(all, [&](auto const& e) { return e.link == link && !e.link_local; }));
    }
    std::optional<netlink::Route> default_route(std::uint32_t table, std::string const& destination = "0.0.0.0/0")
    {
        auto const all = bench.inside().routes().value();
        auto const found = std::ranges::find_if(all, [&](auto const& e) { return e.table == table && e.destination == destination; });
        return found == all.end() ? std::nullopt : std::optional(*found);
    }
    netlink::Link link(std::string const& device)
    {
        auto const all = bench.inside().links().value();
        auto const found = std::ranges::find(all, device, &netlink::Link::name);
        return found == all.end() ? netlink::Link{} : *found;
    }
    std::string setting(std::string const& name)
    {
        auto text = text_of("/proc/sys/net/" + name);
        return text.substr(0, text.find('\n'));
    }
    // Errno of a connection to a port on which nobody listens.
    int knock(std::string const& address)
    {
        return bench.in_world([&] {
            UniqueFd const socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            sockaddr_in to{};
            to.sin_family = AF_INET;
            to.sin_port = htons(9);
            ::inet_pton(AF_INET, address.c_str(), &to.sin_addr);
            return ::connect(socket.get(), reinterpret_cast<sockaddr const*>(&to), sizeof to) == 0 ? 0 : errno;
        });
    }
};

manifest::Network two_cards()
{
    manifest::Network wanted;
    wanted.interfaces.push_back(fixed("lan", "m0", {{"192.0.2.7", 24, false}, {"2001:db8::7", 64, true}}, "192.0.2.1"));
    wanted.interfaces[0].gateway6 = "2001:db8::1";
    wanted.interfaces.push_back(fixed("ops", "m1", {{"198.51.100.7", 24, false}}, "198.51.100.1"));
    wanted.interfaces[1].role = manifest::Interface::Role::operators;
    return wanted;
}

}  // namespace test_apply

using namespace test_apply;

TEST_CASE_METHOD(ApplyTest, "network: given addresses and gateways, when they are applied, then they are there, and once only", "[network][boot]")
{
    bench.cable("m0", "w0");
    bench.cable("m1", "w1");
    REQUIRE(network.apply(two_cards()));
    CHECK(has_address("m0", "192.0.2.7", 24));
    CHECK(has_address("m0", "2001:db8::7", 64));
    CHECK(has_address("m1", "198.51.100.7", 24));
    auto const main = default_route(netlink::kMainTable);
    REQUIRE(main);
    CHECK(main->gateway == "192.0.2.1");
    CHECK(main->source == "192.0.2.7");
    CHECK(default_route(netlink::kMainTable, "::/0")->gateway == "2001:db8::1");
    // What comes from the operators' address leaves by the operators' card.
    auto const rules = bench.inside().rules().value();
    REQUIRE(rules.size() == 1);
    CHECK(rules[0].source == "198.51.100.7");
    REQUIRE(default_route(rules[0].table));
    CHECK(default_route(rules[0].table)->gateway == "198.51.100.1");
    CHECK(default_route(rules[0].table, "198.51.100.0/24"));
    REQUIRE(becomes(loop, 5s, [this] { return network.state().size() == 2 && network.state()[1].carrier; }));
    CHECK(network.state()[0].addresses == std::vector<std::string>{"192.0.2.7/24", "2001:db8::7/64"});
    CHECK(network.state()[0].trouble.empty());
    CHECK(network.service_address() == "192.0.2.7");
    CHECK(network.operator_address() == "198.51.100.7");
    CHECK(becomes(loop, 5s, [this] { return changes > 0; }));
    // Nothing more to be done: the kernel's next news are our own doing, and then there are none.
    auto const routes = bench.inside().routes().value();
    REQUIRE(network.apply(two_cards()));
    CHECK(bench.inside().routes().value() == routes);
}

TEST_CASE_METHOD(ApplyTest, "network: given another manifest, when it is applied, then what only the first one wanted is gone", "[network][boot]")
{
    bench.cable("m0", "w0");
    bench.cable("m1", "w1");
    REQUIRE(network.apply(two_cards()));
    manifest::Network wanted;
    wanted.interfaces.push_back(fixed("lan", "m0", {{"192.0.2.8", 25, false}}));
    wanted.interfaces[0].mtu = 1400;
    REQUIRE(network.apply(wanted));
    CHECK(has_address("m0", "192.0.2.8", 25));
    CHECK(addresses_on("m0") == 1);
    CHECK(addresses_on("m1") == 0);
    CHECK(link("m0").mtu == 1400);
    CHECK_FALSE(link("m1").up);
    CHECK(bench.inside().rules().value().empty());
    CHECK_FALSE(default_route(netlink::kMainTable));
    CHECK_FALSE(default_route(netlink::kMainTable, "::/0"));
    CHECK(setting("ipv6/conf/m0/disable_ipv6") == "1");
    CHECK(network.operator_address().empty());
}

TEST_CASE_METHOD(ApplyTest, "network: given what somebody else changed, when the kernel tells, then it is put right", "[network][boot]")
{
    bench.cable("m0", "w0");
    manifest::Network wanted;
    wanted.interfaces.push_back(fixed("lan", "m0", {{"192.0.2.7", 24, false}}, "192.0.2.1"));
    REQUIRE(network.apply(wanted));
    int const index = bench.inside().index_of("m0").value();
    REQUIRE(bench.inside().remove_address({index, "192.0.2.7", 24}));
    REQUIRE(bench.inside().add_address({index, "203.0.113.7", 24}, netlink::AddressUse::lent));
    CHECK(becomes(loop, 5s, [&] { return has_address("m0", "192.0.2.7", 24) && !has_address("m0", "203.0.113.7", 24) && default_route(netlink::kMainTable); }));
}

TEST_CASE_METHOD(ApplyTest, "network: given a card that comes later, when it appears, then it gets its address", "[network][boot]")
{
    manifest::Network wanted;
    wanted.interfaces.push_back(fixed("lan", "m0", {{"192.0.2.7", 24, false}}));
    REQUIRE(network.apply(wanted));
    REQUIRE(network.state().size() == 1);
    CHECK(network.state()[0].trouble == "no network card m0 is in this machine");
    CHECK(network.service_address().empty());
    bench.cable("m0", "w0");
    network.devices_changed();
    CHECK(becomes(loop, 5s, [&] { return network.service_address() == "192.0.2.7"; }));
}

TEST_CASE_METHOD(ApplyTest, "network: given no manifest and several cards, when it is applied, then their names and addresses are told", "[network][boot]")
{
    bench.cable("m0", "w0");
    bench.cable("m1", "w1");
    REQUIRE(network.apply({}));
    REQUIRE(network.state().size() == 1);
    CHECK(network.state()[0].trouble.contains("the manifest must name one"));
    CHECK(network.state()[0].trouble.contains("m0 " + link("m0").mac));
    CHECK(network.state()[0].trouble.contains("m1 " + link("m1").mac));
}

TEST_CASE_METHOD(ApplyTest, "network: given cards that are set up, when their settings are read, then each is the strict one", "[network][boot][T-03][T-20]")
{
    bench.cable("m0", "w0");
    bench.cable("m1", "w1");
    REQUIRE(network.apply(two_cards()));
    CHECK(setting("ipv4/ip_forward") == "0");
    CHECK(setting("ipv6/conf/all/forwarding") == "0");
    for (std::string const card : {"m0", "m1"}) {
        INFO(card);
        CHECK(setting("ipv4/conf/" + card + "/rp_filter") == "1");
        CHECK(setting("ipv4/conf/" + card + "/arp_ignore") == "1");
        CHECK(setting("ipv4/conf/" + card + "/arp_announce") == "2");
        for (auto const* const each : {"accept_redirects", "send_redirects", "accept_source_route", "secure_redirects", "proxy_arp"})
            CHECK(setting("ipv4/conf/" + card + "/" + each) == "0");
        for (auto const* const each : {"accept_ra", "autoconf", "accept_redirects"}) CHECK(setting("ipv6/conf/" + card + "/" + each) == "0");
    }
    CHECK(setting("ipv6/conf/m0/disable_ipv6") == "0");
    CHECK(setting("ipv6/conf/m1/disable_ipv6") == "1");
}

TEST_CASE_METHOD(ApplyTest, "network: given a neighbour on the service side, when it asks for the operators' address, then nobody answers",
    "[network][boot][T-03]")
{
    bench.cable("m0", "w0", {{0, "192.0.2.1", 24}});
    bench.cable("m1", "w1");
    auto wanted = two_cards();
    wanted.interfaces[1].gateway4.clear();
    REQUIRE(network.apply(wanted));
    // It believes that the operators' subnet is on its own wire.
    int const w0 = bench.outside().index_of("w0").value();
    netlink::Route route{.destination = "198.51.100.0/24", .link = w0};
    route.scope = netlink::RouteScope::link;
    REQUIRE(bench.outside().add_route(route));
    CHECK(knock("192.0.2.7") == ECONNREFUSED);
    CHECK(knock("198.51.100.7") == EHOSTUNREACH);
}

TEST_CASE_METHOD(ApplyTest, "network: given a VLAN, when it is applied and then not wanted, then it is there and then it is gone", "[network][boot]")
{
    bench.cable("m0", "w0");
    auto const probe = bench.inside().add_vlan("probe", bench.inside().index_of("m0").value(), 9);
    if (!probe && probe.error().fault == Fault::unavailable) SKIP("this kernel has no VLANs; the booted machine's has");
    REQUIRE(probe);
    auto wanted = two_cards();
    wanted.interfaces[1].device = "m0";
    wanted.interfaces[1].vlan = 12;
    REQUIRE(network.apply(wanted));
    CHECK(link("vlan12-1").vlan == 12);
    CHECK(link("vlan12-1").up);
    CHECK(link("probe").index == 0);  // nobody wanted it
    CHECK(has_address("vlan12-1", "198.51.100.7", 24));
    CHECK(has_address("m0", "192.0.2.7", 24));
    // A new number is a new link.
    wanted.interfaces[1].vlan = 13;
    REQUIRE(network.apply(wanted));
    CHECK(link("vlan12-1").index == 0);
    CHECK(has_address("vlan13-1", "198.51.100.7", 24));
    wanted.interfaces.pop_back();
    REQUIRE(network.apply(wanted));
    CHECK(link("vlan13-1").index == 0);
    CHECK(network.operator_address().empty());
}

TEST_CASE_METHOD(ApplyTest, "network: given a bond, when one of its cables is pulled, then the address is still there; unwanted, it goes", "[network][boot]")
{
    bench.cable("m0", "w0");
    bench.cable("m1", "w1");
    auto const probe = bench.inside().add_bond("probe");
    if (!probe && probe.error().fault == Fault::unavailable) SKIP("this kernel has no bonds; the booted machine's has");
    REQUIRE(probe);
    manifest::Network wanted;
    wanted.interfaces.push_back(fixed("lan", "", {{"192.0.2.7", 24, false}}));
    wanted.interfaces[0].bond = {link("m0").mac, link("m1").mac};
    wanted.interfaces[0].mtu = 1400;
    REQUIRE(network.apply(wanted));
    CHECK(link("probe").index == 0);
    CHECK(link("bond0").kind == "bond");
    CHECK(link("m0").master == link("bond0").index);
    CHECK(link("m1").master == link("bond0").index);
    CHECK(link("bond0").mtu == 1400);
    REQUIRE(becomes(loop, 5s, [&] { return network.state()[0].carrier; }));
    REQUIRE(bench.outside().set_carrying(bench.outside().index_of("w0").value(), netlink::Carrying::down));
    CHECK_FALSE(becomes(loop, 1s, [&] { return !network.state()[0].carrier; }));
    CHECK(network.service_address() == "192.0.2.7");
    // Found again by their own addresses, although the bond gave them its own.
    REQUIRE(network.apply(wanted));
    CHECK(network.state()[0].trouble.empty());
    wanted.interfaces[0].bond.clear();
    wanted.interfaces[0].device = "m1";
    REQUIRE(network.apply(wanted));
    CHECK(link("bond0").index == 0);
    CHECK(has_address("m1", "192.0.2.7", 24));
    CHECK_FALSE(link("m0").up);
}
