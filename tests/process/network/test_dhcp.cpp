// SPDX-License-Identifier: GPL-3.0-or-later
// The whole way of a lease: appliance/init/network starts the real helper (this program, executed anew; see main()), which speaks with a
// real server, dnsmasq, or with one that the test plays.

#include <catch2/catch_session.hpp>

#include "network_bench.h"

#include "helper/helper.h"
#include "network/helpers.h"
#include "proto/dhcp_to_init.h"
#include "support/helper_process.h"

namespace test_dhcp {

using namespace ocu;
using namespace ocu::init;
using namespace ocu::test;
using namespace std::chrono_literals;

struct DhcpTest {
    DhcpTest() : folder(std::filesystem::temp_directory_path() / ("ocu-dhcp." + std::to_string(::getpid())))
    {
        std::filesystem::create_directory(folder);
        log = folder / "log";
    }
    DhcpTest(DhcpTest const&) = delete;
    DhcpTest& operator=(DhcpTest const&) = delete;
    ~DhcpTest() { std::filesystem::remove_all(folder); }

    // Leases of two minutes, the least that it gives; asked to prolong after five seconds.
    pid_t serve(std::string const& range, std::string const& router)
    {
        return bench.start_in_world({"dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--interface=w0", "--user=root", "--group=root",
                                        "--pid-file=", "--dhcp-leasefile=" + (folder / "leases").string(), "--dhcp-authoritative", "--no-ping",
                                        "--log-dhcp", "--log-facility=-", "--dhcp-range=" + range + ",2m", "--dhcp-option-force=3," + router,
                                        "--dhcp-option-force=6,203.0.113.66", "--dhcp-option=option:T1,5"},
            log);
    }
    bool told(std::string_view word, std::size_t times)
    {
        return becomes(loop, 30s, [&] { return count_of(log, word) >= times; });
    }
    std::string address() const { return network.state().empty() || network.state()[0].addresses.empty() ? "" : network.state()[0].addresses[0]; }

    std::filesystem::path folder;
    std::string log;
    Bench bench;
    wire::Loop loop;
    SystemClock clock;
    Network network{loop, clock, [] {}};
};

}  // namespace test_dhcp

using namespace test_dhcp;

TEST_CASE_METHOD(DhcpTest,
    "dhcp: given a real server, when the machine starts, then it gets a lease, keeps it, and after a refusal another one",
    "[network][boot][T-20]")
{
    bench.cable("m0", "w0", {{0, "192.0.2.1", 24}});
    pid_t const first = serve("192.0.2.50,192.0.2.50,255.255.255.0", "192.0.2.1");
    REQUIRE(told("DHCP, IP range", 1));
    REQUIRE(network.apply({}));
    CHECK(network.state().at(0).trouble.contains("no"));  // no signal or no answer, yet
    REQUIRE(becomes(loop, 20s, [&] { return address() == "192.0.2.50/24"; }));
    CHECK(becomes(loop, 5s, [&] { return network.state()[0].trouble.empty(); }));
    auto const routes = bench.inside().routes().value();
    CHECK(std::ranges::any_of(routes, [](auto const& e) { return e.destination == "0.0.0.0/0" && e.gateway == "192.0.2.1" && e.source == "192.0.2.50"; }));
    CHECK(text_of("/proc/sys/net/ipv4/conf/m0/rp_filter") == "1\n");
    // Prolonged by the server that gave it, with the strict reverse path on.
    CHECK(told("DHCPACK", 2));
    CHECK(address() == "192.0.2.50/24");
    (void)becomes(loop, 1s, [] { return false; });  // the server writes before it sends
    // Gone, and another in its place that knows nothing of the lease: it refuses, and gives another.
    bench.end(first);
    std::filesystem::remove(folder / "leases");
    (void)serve("192.0.2.90,192.0.2.90,255.255.255.0", "192.0.2.1");
    CHECK(told("DHCPNAK", 1));
    CHECK(becomes(loop, 30s, [&] { return address() == "192.0.2.90/24"; }));
    CHECK(network.state()[0].addresses.size() == 1);
    // What else it offered is nobody's business.
    CHECK(count_of("/etc/resolv.conf", "203.0.113.66") == 0);
}

TEST_CASE_METHOD(DhcpTest, "dhcp: given a server that is silent, when its lease still runs, then the address stays", "[network][boot]")
{
    bench.cable("m0", "w0", {{0, "192.0.2.1", 24}});
    pid_t const server = serve("192.0.2.50,192.0.2.50,255.255.255.0", "192.0.2.1");
    REQUIRE(told("DHCP, IP range", 1));
    REQUIRE(network.apply({}));
    REQUIRE(becomes(loop, 20s, [&] { return address() == "192.0.2.50/24"; }));
    bench.end(server);
    CHECK_FALSE(becomes(loop, 8s, [&] { return address().empty(); }));  // past the moment at which it asks in vain
    // The kernel, too, knows when it ends.
    CHECK(bench.inside().addresses().value().size() >= 1);
}

TEST_CASE_METHOD(DhcpTest, "dhcp: given a server that offers the operators' own subnet, when it does, then its lease is refused in plain words",
    "[network][boot][T-03][T-20]")
{
    bench.cable("m0", "w0", {{0, "198.51.100.1", 24}});
    bench.cable("m1", "w1");
    (void)serve("198.51.100.50,198.51.100.59,255.255.255.0", "198.51.100.1");
    REQUIRE(told("DHCP, IP range", 1));
    manifest::Network wanted;
    wanted.interfaces.push_back(leased("lan", "m0"));
    wanted.interfaces.push_back(fixed("ops", "m1", {{"198.51.100.7", 24, false}}));
    wanted.interfaces[1].role = manifest::Interface::Role::operators;
    REQUIRE(network.apply(wanted));
    CHECK(becomes(loop, 20s, [&] { return network.state()[0].trouble.contains("subnet of another interface"); }));
    CHECK(address().empty());
}

TEST_CASE_METHOD(DhcpTest, "dhcp: given an address on another card, when a server is looked for, then the question does not carry it",
    "[network][boot][T-03][T-20]")
{
    bench.cable("m0", "w0");
    bench.cable("m1", "w1");
    UniqueFd const server = bench.in_world([] {
        UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        sockaddr_in any{};
        any.sin_family = AF_INET;
        any.sin_port = htons(67);
        REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, "w0", 2) == 0);
        REQUIRE(::bind(socket.get(), reinterpret_cast<sockaddr const*>(&any), sizeof any) == 0);
        return socket;
    });
    manifest::Network wanted;
    wanted.interfaces.push_back(leased("lan", "m0"));
    wanted.interfaces.push_back(fixed("ops", "m1", {{"198.51.100.7", 24, false}}, "198.51.100.1"));
    REQUIRE(network.apply(wanted));
    std::array<std::byte, 1500> bytes;
    sockaddr_in from{};
    socklen_t length = sizeof from;
    ssize_t size = -1;
    REQUIRE(becomes(loop, 20s, [&] {
        size = ::recvfrom(server.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
        return size > 0;
    }));
    CHECK(size == 300);
    CHECK(ntohs(from.sin_port) == 68);
    CHECK(from.sin_addr.s_addr == 0);
}

TEST_CASE_METHOD(DhcpTest, "dhcp: given a helper that dies, when it does, then another one takes its place", "[network][boot][T-14]")
{
    bench.cable("m0", "w0", {{0, "192.0.2.1", 24}});
    (void)serve("192.0.2.50,192.0.2.59,255.255.255.0", "192.0.2.1");
    REQUIRE(told("DHCP, IP range", 1));
    REQUIRE(network.apply({}));
    REQUIRE(becomes(loop, 20s, [&] { return !address().empty(); }));
    auto const helper_of = [] {
        for (auto const& each : std::filesystem::directory_iterator("/proc")) {
            auto const status = text_of(each.path() / "stat");
            if (status.contains("(ocu:dhcp) ") && status.contains(") S " + std::to_string(::getpid()) + " ")) return std::stoi(each.path().filename());
        }
        return 0;
    };
    int const before = helper_of();
    REQUIRE(before > 0);
    // It stands in an empty namespace, as nobody, and may do nothing.
    auto const status = text_of("/proc/" + std::to_string(before) + "/status");
    CHECK(status.contains("CapEff:\t0000000000000000"));
    CHECK(status.contains("Seccomp:\t2"));
    CHECK(status.contains("NoNewPrivs:\t1"));
    CHECK_FALSE(status.contains("Uid:\t0"));
    CHECK_FALSE(text_of("/proc/" + std::to_string(before) + "/net/dev").contains("m0"));
    ::kill(before, SIGKILL);
    CHECK(becomes(loop, 10s, [&] { return helper_of() > 0 && helper_of() != before; }));
    CHECK(told("DHCPACK", 2));
    CHECK_FALSE(address().empty());
}

TEST_CASE("dhcp: given a helper without its socket, or one that is spoken to, when it hears that, then it ends", "[network][T-14]")
{
    {
        HelperProcess helper("dhcp", network::dhcp_main);
        helper.configure(proto::DhcpConfig{});
        CHECK(WEXITSTATUS(helper.wait()) == 1);
    }
    HelperProcess helper("dhcp", network::dhcp_main);
    UniqueFd const socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    helper.configure(proto::DhcpConfig{}, {socket.get()});
    (void)helper.ready();
    helper.send(proto::DhcpLost{});
    CHECK(WIFEXITED(helper.wait()));
}

int main(int argc, char** argv)
{
    if (argc == 3 && std::string_view(argv[1]) == "helper") {
        auto self = helper::Helper::begin(argv[2]);
        return self && std::string_view(argv[2]) == "dhcp" && network::dhcp_main(*self) ? 0 : 1;
    }
    return Catch::Session().run(argc, argv);
}
