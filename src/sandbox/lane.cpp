// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/lane.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "base/assert.h"
#include "netlink/session.h"
#include "sandbox/lane_program.h"

namespace ocu::sandbox {

namespace {

constexpr char kGuestLink[] = "eth0";
constexpr char kLaneLink[] = "lane0";
constexpr std::uint16_t kListenPort = 4000;  // any: the program decides what arrives here
constexpr std::uint16_t kDnsBoundPort = 53;   // a resolver takes an answer only from where it asked
constexpr int kListenBacklog = 1024;
constexpr std::uint8_t kPrefix4 = 30;
constexpr std::uint8_t kPrefix6 = 126;

enum class Families { ipv4, both };

Result<UniqueFd> current_namespace()
{
    UniqueFd fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!fd) return fail_os("open network namespace");
    return fd;
}

// Brings the thread back to where it was. Not being able to is the end of the process: what it did next would be in the wrong place.
class Return {
public:
    explicit Return(UniqueFd home) : home_(std::move(home)) {}
    ~Return() { OCU_ASSERT(::setns(home_.get(), CLONE_NEWNET) == 0); }
    Return(Return const&) = delete;
    Return& operator=(Return const&) = delete;

private:
    UniqueFd home_;
};

Result<UniqueFd> enter_new_namespace()
{
    if (::unshare(CLONE_NEWNET) != 0) return fail_os("new network namespace");
    return current_namespace();
}

Result<void> set_sysctl(std::string const& name, std::string_view value)
{
    UniqueFd const file(::open(("/proc/sys/net/" + name).c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) {
        if (errno == ENOENT) return {};  // a kernel without IPv6 needs it switched off no further
        return fail_os("open network setting");
    }
    if (::write(file.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) return fail_os("write network setting");
    return {};
}

// Two ends that know each other need no discovery, no router's word and no search for doubles; without these a new address waits a second.
Result<void> tune_ipv6()
{
    for (auto const* which : {"all", "default"}) {
        std::string const folder = std::string("ipv6/conf/") + which;
        OCU_CHECK(set_sysctl(folder + "/disable_ipv6", "0"));
        OCU_CHECK(set_sysctl(folder + "/accept_ra", "0"));
        OCU_CHECK(set_sysctl(folder + "/accept_redirects", "0"));
        OCU_CHECK(set_sysctl(folder + "/autoconf", "0"));
        OCU_CHECK(set_sysctl(folder + "/accept_dad", "0"));
        OCU_CHECK(set_sysctl(folder + "/dad_transmits", "0"));
        OCU_CHECK(set_sysctl(folder + "/router_solicitations", "0"));
        OCU_CHECK(set_sysctl(folder + "/addr_gen_mode", "1"));  // no address but ours
    }
    return {};
}

Result<void> tune_lane()
{
    OCU_CHECK(set_sysctl("ipv4/ip_unprivileged_port_start", "0"));
    OCU_CHECK(set_sysctl("ipv4/conf/default/rp_filter", "1"));
    OCU_CHECK(set_sysctl("ipv4/conf/all/rp_filter", "1"));
    OCU_CHECK(set_sysctl("ipv4/conf/default/accept_redirects", "0"));
    OCU_CHECK(set_sysctl("ipv4/conf/default/send_redirects", "0"));
    OCU_CHECK(set_sysctl("ipv4/icmp_ratelimit", "0"));        // a refused datagram is refused at once, every time
    OCU_CHECK(set_sysctl("ipv4/icmp_echo_ignore_all", "1"));  // an address that is not there does not answer
    OCU_CHECK(set_sysctl("ipv6/icmp/ratelimit", "0"));
    OCU_CHECK(set_sysctl("ipv6/icmp/echo_ignore_all", "1"));
    OCU_CHECK(set_sysctl("ipv6/conf/all/forwarding", "0"));
    return tune_ipv6();
}

Result<void> tune_guest()
{
    OCU_CHECK(tune_ipv6());
    return set_sysctl("ipv4/ip_unprivileged_port_start", "0");  // its own loopback: port 80 there is nobody else's
}

Result<UniqueFd> bound_socket(Families families, int type, std::uint16_t port)
{
    bool const both = families == Families::both;
    UniqueFd socket(::socket(both ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return fail_os("lane socket");
    int const off = 0;
    if (both && ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) return fail_os("IPV6_V6ONLY");
    sockaddr_in6 any6{};
    any6.sin6_family = AF_INET6;
    any6.sin6_port = htons(port);
    sockaddr_in any4{};
    any4.sin_family = AF_INET;
    any4.sin_port = htons(port);
    int const bound = both ? ::bind(socket.get(), reinterpret_cast<sockaddr const*>(&any6), sizeof any6)
                           : ::bind(socket.get(), reinterpret_cast<sockaddr const*>(&any4), sizeof any4);
    if (bound != 0) return fail_os("bind lane socket");
    return socket;
}

Families families_here()
{
    UniqueFd const probe(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return probe ? Families::both : Families::ipv4;
}

Result<void> open_sockets(Lane& lane, Families families)
{
    lane.tcp_listener = OCU_TRY(bound_socket(families, SOCK_STREAM, kListenPort));
    if (::listen(lane.tcp_listener.get(), kListenBacklog) != 0) return fail_os("listen in lane");
    lane.dns_socket = OCU_TRY(bound_socket(families, SOCK_DGRAM, kDnsBoundPort));
    return {};
}

Result<void> bring_up(netlink::Session& session, std::string const& name)
{
    return session.set_carrying(OCU_TRY(session.index_of(name)), netlink::Carrying::up);
}

struct Addresses {
    char const* v4;
    char const* v6;
};

Result<int> bring_up_with(netlink::Session& session, std::string const& name, Addresses addresses, Families families)
{
    int const index = OCU_TRY(session.index_of(name));
    OCU_CHECK(session.add_address({.link = index, .address = addresses.v4, .prefix = kPrefix4}, netlink::AddressUse::lent));
    if (families == Families::both)
        OCU_CHECK(session.add_address({.link = index, .address = addresses.v6, .prefix = kPrefix6, .ipv6 = true}, netlink::AddressUse::lent));
    OCU_CHECK(session.set_carrying(index, netlink::Carrying::up));
    return index;
}

// Both in table local. Without the guest's own address there, answers to it would be delivered to ourselves.
Result<void> catch_all(netlink::Session& session, std::string const& guest_address, std::string const& everything, int lane, int loopback)
{
    netlink::Route guest{.destination = guest_address, .link = lane, .table = netlink::kLocalTable};
    guest.scope = netlink::RouteScope::link;
    OCU_CHECK(session.add_route(guest));
    netlink::Route all{.destination = everything, .link = loopback, .table = netlink::kLocalTable};
    all.kind = netlink::RouteKind::local;
    all.scope = netlink::RouteScope::host;
    return session.add_route(all);
}

Result<void> cable_lane_side(netlink::Session& session, Families families)
{
    OCU_CHECK(bring_up(session, "lo"));
    int const lane = OCU_TRY(bring_up_with(session, kLaneLink, {proto::kLaneAddress4, proto::kLaneAddress6}, families));
    int const loopback = OCU_TRY(session.index_of("lo"));
    OCU_CHECK(catch_all(session, std::string(kGuestAddress4) + "/32", "0.0.0.0/0", lane, loopback));
    if (families == Families::ipv4) return {};
    return catch_all(session, std::string(kGuestAddress6) + "/128", "::/0", lane, loopback);
}

Result<void> cable_guest_side(netlink::Session& session, Families families)
{
    OCU_CHECK(bring_up(session, "lo"));
    int const guest = OCU_TRY(bring_up_with(session, kGuestLink, {kGuestAddress4, kGuestAddress6}, families));
    OCU_CHECK(session.add_route({.destination = "0.0.0.0/0", .link = guest, .gateway = proto::kLaneAddress4}));
    if (families == Families::ipv4) return {};
    return session.add_route({.destination = "::/0", .link = guest, .gateway = proto::kLaneAddress6});
}

}  // namespace

Result<Lane> make_lane()
{
    Return const home(OCU_TRY(current_namespace()));
    Lane lane;
    UniqueFd const lane_namespace = OCU_TRY(enter_new_namespace());
    auto in_lane = OCU_TRY(netlink::Session::open());
    OCU_CHECK(tune_lane());
    auto const families = families_here();
    OCU_CHECK(open_sockets(lane, families));
    lane.guest_namespace = OCU_TRY(enter_new_namespace());
    auto in_guest = OCU_TRY(netlink::Session::open());
    OCU_CHECK(tune_guest());
    OCU_CHECK(in_guest.add_veth(kGuestLink, kLaneLink, lane_namespace.get()));
    OCU_CHECK(cable_guest_side(in_guest, families));
    OCU_CHECK(cable_lane_side(in_lane, families));
    lane.program = OCU_TRY(attach_lane_program(lane_namespace.get(), lane.tcp_listener.get(), lane.dns_socket.get()));
    return lane;
}

}  // namespace ocu::sandbox
