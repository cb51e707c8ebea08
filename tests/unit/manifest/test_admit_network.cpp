// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/manifest/admit_network, subnet, and what explain says of it. Each refusal with its key.

#include "appliance/manifest/admit.h"
#include "appliance/manifest/admit_network.h"
#include "appliance/manifest/explain.h"
#include "appliance/manifest/subnet.h"

namespace test_admit_network {

using namespace ocu;
using namespace ocu::manifest;

std::string with(std::string const& section) { return R"({"schema": "ocu-manifest/1", "serial": 7, "network": )" + section + "}"; }
std::string with_interfaces(std::string const& list) { return with(R"({"interfaces": [)" + list + "]}"); }

struct Row {
    std::string section;
    std::string key;
    std::string reason;  // part of it
};

void check_refused(std::vector<Row> const& rows)
{
    for (auto const& row : rows) {
        INFO(row.section);
        auto const admitted = admit(with(row.section));
        REQUIRE_FALSE(admitted);
        CHECK(admitted.error().key == "network." + row.key);
        INFO(admitted.error().reason);
        CHECK(admitted.error().reason.contains(row.reason));
    }
}

// One interface with these further members.
Row one(std::string const& members, std::string const& key, std::string const& reason)
{
    return {R"({"interfaces": [{"name": "a", )" + members + "}]}", "interfaces[0]" + key, reason};
}
// Two, the second of which is refused.
Row two(std::string const& first, std::string const& second, std::string const& key, std::string const& reason)
{
    return {R"({"interfaces": [{"name": "a", )" + first + R"(}, {"name": "b", )" + second + "}]}", "interfaces[1]" + key, reason};
}

TEST_CASE("network: given nothing, when it is admitted, then there is no interface and the machine takes DHCP", "[manifest][network]")
{
    for (auto const* const section : {"{}", R"({"interfaces": [], "dns": [], "time": []})", R"({"interfaces": {}, "dns": {}, "time": {}})"}) {
        auto const network = admit(with(section)).value().network;
        CHECK(network.interfaces.empty());
        CHECK(network.dns.empty());
        CHECK(network.not_before == 0);
    }
}

TEST_CASE("network: given every key, when it is admitted, then each reaches its place", "[manifest][network][AP-2]")
{
    auto const network = admit(with(R"({"interfaces": [
        {"name": "lan", "mac": "52:54:00:AB:cd:01", "addresses": ["192.0.2.7/24", "2001:DB8::7/64"], "gateway": "192.0.2.1", "gateway6": "fe80::1",
         "mtu": 9000},
        {"name": "ops", "role": "operator", "bond": ["enp2s0", "52:54:00:00:00:02"], "vlan": 12}],
        "dns": ["192.0.2.53", "2001:db8::53"],
        "time": [{"host": "NTP1.example", "address": "192.0.2.9", "ca": "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"}],
        "not_before": "2026-01-31T12:00:00Z"})"))
                             .value()
                             .network;
    REQUIRE(network.interfaces.size() == 2);
    auto const& lan = network.interfaces[0];
    CHECK(lan.name == "lan");
    CHECK(lan.role == Interface::Role::service);
    CHECK(lan.mac == "52:54:00:ab:cd:01");
    CHECK(lan.addressing == Interface::Addressing::fixed);
    REQUIRE(lan.addresses.size() == 2);
    CHECK(lan.addresses[0].address == "192.0.2.7");
    CHECK(lan.addresses[0].prefix == 24);
    CHECK(lan.addresses[1].address == "2001:db8::7");
    CHECK(lan.addresses[1].ipv6);
    CHECK(lan.gateway4 == "192.0.2.1");
    CHECK(lan.gateway6 == "fe80::1");
    CHECK(lan.mtu == 9000);
    auto const& ops = network.interfaces[1];
    CHECK(ops.role == Interface::Role::operators);
    CHECK(ops.bond == std::vector<std::string>{"52:54:00:00:00:02", "enp2s0"});
    CHECK(ops.vlan == 12);
    CHECK(ops.addressing == Interface::Addressing::dhcp);
    CHECK(ops.mtu == 1500);
    CHECK(network.dns == std::vector<std::string>{"192.0.2.53", "2001:db8::53"});
    REQUIRE(network.time.size() == 1);
    CHECK(network.time[0].host == "ntp1.example");
    CHECK(network.time[0].port == 4460);
    CHECK(network.not_before == 1'769'860'800);
}

TEST_CASE("network: given an interface that cannot work, when it is admitted, then it is refused by its key", "[manifest][network][T-15]")
{
    check_refused({
        {R"({"interfaces": [{}]})", "interfaces[0].name", "missing"},
        {R"({"interfaces": [1]})", "interfaces[0]", "type object"},
        one(R"("role": "both")", ".role", "one of"),
        one(R"("speed": 10)", ".speed", "not a key"),
        one(R"("mac": "52:54:00:12:34")", ".mac", "match"),
        one(R"("mac": "01:00:5e:00:00:01")", ".mac", "multicast"),
        one(R"("mac": "00:00:00:00:00:00")", ".mac", "no card"),
        one(R"("mac": "52:54:00:12:34:56", "device": "eth0")", ".device", "mac already"),
        one(R"("device": "../eth0")", ".device", "match"),
        one(R"("device": "lo")", ".device", "not a network card"),
        one(R"("bond": ["eth0", "eth0"])", ".bond[1]", "twice"),
        one(R"("bond": ["eth0"], "device": "eth1")", ".bond", "leave mac and device out"),
        one(R"("vlan": 0)", ".vlan", "between 1 and 4094"),
        one(R"("vlan": 4095)", ".vlan", "between 1 and 4094"),
        one(R"("mtu": 575)", ".mtu", "between"),
        one(R"("mtu": 1279, "addresses": ["2001:db8::7/64"])", ".mtu", "1280"),
        one(R"("addresses": "static")", ".addresses", "match"),
        one(R"("addresses": [])", ".addresses", "empty"),
        one(R"("addresses": ["192.0.2.7"])", ".addresses[0]", "match"),
        one(R"("addresses": ["300.0.2.7/24"])", ".addresses[0]", "numeric"),
        one(R"("addresses": ["192.0.2.7/7"])", ".addresses[0]", "between 8 and 32"),
        one(R"("addresses": ["192.0.2.7/33"])", ".addresses[0]", "between 8 and 32"),
        one(R"("addresses": ["192.0.2.0/24"])", ".addresses[0]", "network itself"),
        one(R"("addresses": ["192.0.2.255/24"])", ".addresses[0]", "broadcast"),
        one(R"("addresses": ["127.0.0.1/8"])", ".addresses[0]", "loopback"),
        one(R"("addresses": ["224.0.0.1/24"])", ".addresses[0]", "multicast"),
        one(R"("addresses": ["0.0.0.7/24"])", ".addresses[0]", "no address"),
        one(R"("addresses": ["255.255.255.255/32"])", ".addresses[0]", "not an address"),
        one(R"("addresses": ["::1/64"])", ".addresses[0]", "loopback"),
        one(R"("addresses": ["ff02::1/64"])", ".addresses[0]", "multicast"),
        one(R"("addresses": ["fe80::1/64"])", ".addresses[0]", "link-local"),
        one(R"("addresses": ["::ffff:192.0.2.7/96"])", ".addresses[0]", "disguise"),
        one(R"("addresses": ["2001:db8::7/129"])", ".addresses[0]", "between 16 and 128"),
        one(R"("gateway": "192.0.2.1")", ".gateway", "lease"),
        one(R"("addresses": ["192.0.2.7/24"], "gateway": "192.0.3.1")", ".gateway", "outside"),
        one(R"("addresses": ["192.0.2.7/24"], "gateway": "192.0.2.7")", ".gateway", "own address"),
        one(R"("addresses": ["192.0.2.7/24"], "gateway": "192.0.2.255")", ".gateway", "broadcast"),
        one(R"("addresses": ["192.0.2.7/24"], "gateway6": "2001:db8::1")", ".gateway6", "needs an address"),
        one(R"("addresses": ["2001:db8::7/64"], "gateway6": "2001:db9::1")", ".gateway6", "outside"),
        one(R"("addresses": ["2001:db8::7/64"], "gateway": "192.0.2.1")", ".gateway", "needs an address"),
    });
}

TEST_CASE("network: given two interfaces that get in each other's way, when they are admitted, then the second is refused by its key",
    "[manifest][network][T-03][T-15]")
{
    std::string const eth0 = R"("device": "eth0")";
    check_refused({
        {R"({"interfaces": [{"name": "a", "device": "eth0"}, {"name": "a", "device": "eth1"}]})", "interfaces[1].name", "twice"},
        two(eth0, eth0, ".device", "same VLAN"),
        two(eth0, eth0 + R"(, "role": "operator")", ".device", "service interface a"),
        two(R"("role": "operator", "mac": "52:54:00:00:00:01", "vlan": 5)", R"("mac": "52:54:00:00:00:01", "vlan": 5)", ".mac",
            "operator interface a"),
        two(R"("mac": "52:54:00:00:00:0A")", R"("mac": "52:54:00:00:00:0a")", ".mac", "same VLAN"),
        two(eth0, R"("vlan": 3)", "", "must name its card"),
        two(R"("vlan": 2)", R"("vlan": 3)", "", "must name its card"),
        two(R"("bond": ["eth0", "eth1"])", eth0, ".device", "belongs to a"),
        two(R"("bond": ["eth0", "eth1"])", R"("bond": ["eth1", "eth2"])", ".bond", "belongs to a"),
        two(R"("bond": ["eth0"])", eth0 + R"(, "vlan": 3)", ".device", "belongs to a"),
        two(eth0 + R"(, "addresses": ["192.0.2.7/24"])", R"("device": "eth1", "addresses": ["192.0.2.130/25"])", ".addresses[0]", "overlaps"),
        two(eth0 + R"(, "addresses": ["10.1.0.1/24", "192.0.2.7/24"])",
            R"("device": "eth1", "role": "operator", "addresses": ["10.2.0.1/24", "192.0.2.7/32"])", ".addresses[1]", "overlaps"),
        two(eth0 + R"(, "addresses": ["2001:db8::7/48"])", R"("device": "eth1", "addresses": ["2001:db8:0:1::7/64"])", ".addresses[0]",
            "overlaps"),
    });
    std::string nine;
    for (int i = 0; i < 9; ++i)
        nine += (i == 0 ? "" : ", ") + std::string(R"({"name": "n)") + std::to_string(i) + R"(", "device": "eth)" + std::to_string(i) + "\"}";
    check_refused({{R"({"interfaces": [)" + nine + "]}", "interfaces", "more than 8"}});
}

TEST_CASE("network: given interfaces that a VLAN tells apart, when they are admitted, then they may share a card or a bond", "[manifest][network]")
{
    CHECK(admit(with_interfaces(R"({"name": "a", "device": "eth0"}, {"name": "b", "role": "operator", "device": "eth0", "vlan": 7})")));
    CHECK(admit(with_interfaces(R"({"name": "a", "bond": ["eth0", "eth1"], "vlan": 6}, {"name": "b", "bond": ["eth1", "eth0"], "vlan": 7})")));
    CHECK(admit(with_interfaces(R"({"name": "a", "vlan": 6, "addresses": ["192.0.2.7/31"], "gateway": "192.0.2.6"})")));
}

TEST_CASE("network: given servers that cannot be, when they are admitted, then they are refused by their key", "[manifest][network][T-15][T-21]")
{
    std::string const ca = R"("ca": "-----BEGIN CERTIFICATE-----\n")";
    check_refused({
        {R"({"dns": ["resolver.example"]})", "dns[0]", "match"},
        {R"({"dns": ["127.0.0.53"]})", "dns[0]", "loopback"},
        {R"({"dns": ["192.0.2.1", "192.0.2.1"]})", "dns[1]", "twice"},
        {R"({"time": [{"address": "192.0.2.1", )" + ca + "}]}", "time[0].host", "missing"},
        {R"({"time": [{"host": "a", "address": "192.0.2.1"}]})", "time[0].ca", "missing"},
        {R"({"time": [{"host": "a", "address": "192.0.2.1", "ca": "x"}]})", "time[0].ca", "PEM"},
        {R"({"time": [{"host": "a", "address": "1.2.3.4.5", )" + ca + "}]}", "time[0].address", "numeric"},
        {R"({"time": [{"host": "a", "address": "224.0.1.1", )" + ca + "}]}", "time[0].address", "multicast"},
        {R"({"time": [{"host": "a", "address": "192.0.2.1", "port": 0, )" + ca + "}]}", "time[0].port", "between"},
        {R"({"not_before": "yesterday"})", "not_before", "RFC 3339"},
        {R"({"not_before": "1969-12-31T23:59:59Z"})", "not_before", "1970"},
        {R"({"not_before": -1})", "not_before", "between"},
    });
    CHECK(admit(with(R"({"not_before": 1769860800})"))->network.not_before == 1'769'860'800);
}

TEST_CASE("network: given interfaces, when the manifest is explained, then each has a line, and a host's own network is left alone",
    "[manifest][network][AP-2]")
{
    auto const text = explain(admit(with(R"({"interfaces": [
        {"name": "lan", "mac": "52:54:00:00:00:01", "vlan": 10, "addresses": ["192.0.2.7/24"], "gateway": "192.0.2.1"},
        {"name": "ops", "role": "operator", "bond": ["eth0", "eth1"]}], "dns": ["192.0.2.53"], "not_before": "2026-01-31T12:00:00Z"})"))
                                  .value());
    CHECK(text.contains("lan (service): the card 52:54:00:00:00:01, VLAN 10; 192.0.2.7/24, gateway 192.0.2.1; MTU 1500."));
    CHECK(text.contains("ops (operator): a bond of eth0, eth1; address and gateway from DHCP; MTU 1500."));
    CHECK(text.contains("leaves that host's network and clock alone"));
    CHECK(text.contains("resolved by 192.0.2.53"));
    CHECK(text.contains("2026-01-31T12:00:00Z"));
    CHECK(explain(admit(with("{}")).value()).contains("the only card; address and gateway from DHCP"));
}

}  // namespace test_admit_network
