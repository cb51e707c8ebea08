// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/lane.h"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <memory>
#include <string>

#include "base/assert.h"
#include "sandbox/lane_program.h"

namespace ocu::sandbox {

namespace {

constexpr char kGuestLink[] = "eth0";
constexpr char kLaneLink[] = "lane0";
constexpr std::uint16_t kListenPort = 4000;  // any: the program decides what arrives here
constexpr std::uint16_t kDnsBoundPort = 53;   // a resolver takes an answer only from where it asked
constexpr int kListenBacklog = 1024;

template <auto Free>
struct Freer {
    void operator()(auto* object) const { Free(object); }
};
using Socket = std::unique_ptr<nl_sock, Freer<nl_socket_free>>;
using LinkObject = std::unique_ptr<rtnl_link, Freer<rtnl_link_put>>;
using AddressObject = std::unique_ptr<rtnl_addr, Freer<rtnl_addr_put>>;
using RouteObject = std::unique_ptr<rtnl_route, Freer<rtnl_route_put>>;
using NetAddress = std::unique_ptr<nl_addr, Freer<nl_addr_put>>;

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

Result<Socket> netlink_here()
{
    Socket socket(nl_socket_alloc());
    if (!socket || nl_connect(socket.get(), NETLINK_ROUTE) < 0) return fail(Fault::os, "netlink socket");
    return socket;
}

Result<void> made(int code)
{
    if (code < 0) return fail(Fault::os, "netlink request");
    return {};
}

NetAddress parse(char const* text)
{
    nl_addr* address = nullptr;
    OCU_ASSERT(nl_addr_parse(text, AF_INET, &address) == 0);
    return NetAddress(address);
}

Result<void> make_veth(nl_sock* socket, int lane_namespace)
{
    LinkObject const link(rtnl_link_veth_alloc());
    if (!link) return fail(Fault::os, "allocate link");
    rtnl_link_set_name(link.get(), kGuestLink);
    LinkObject const peer(rtnl_link_veth_get_peer(link.get()));
    rtnl_link_set_name(peer.get(), kLaneLink);
    rtnl_link_set_ns_fd(peer.get(), lane_namespace);
    return made(rtnl_link_add(socket, link.get(), NLM_F_CREATE | NLM_F_EXCL));
}

Result<void> bring_up(nl_sock* socket, char const* name)
{
    LinkObject const link(rtnl_link_alloc());
    LinkObject const change(rtnl_link_alloc());
    if (!link || !change) return fail(Fault::os, "allocate link");
    rtnl_link_set_ifindex(link.get(), static_cast<int>(::if_nametoindex(name)));
    rtnl_link_set_flags(change.get(), IFF_UP);
    return made(rtnl_link_change(socket, link.get(), change.get(), 0));
}

Result<void> add_address(nl_sock* socket, char const* name, char const* address)
{
    AddressObject const entry(rtnl_addr_alloc());
    if (!entry) return fail(Fault::os, "allocate address");
    auto const local = parse(address);
    nl_addr_set_prefixlen(local.get(), 30);
    rtnl_addr_set_ifindex(entry.get(), static_cast<int>(::if_nametoindex(name)));
    OCU_CHECK(made(rtnl_addr_set_local(entry.get(), local.get())));
    return made(rtnl_addr_add(socket, entry.get(), NLM_F_CREATE | NLM_F_EXCL));
}

struct RouteWanted {
    char const* to;
    char const* link;
    char const* gateway;  // or nullptr
    std::uint8_t type;
    std::uint8_t scope;
    std::uint32_t table;
};

Result<void> add_route(nl_sock* socket, RouteWanted wanted)
{
    RouteObject const route(rtnl_route_alloc());
    rtnl_nexthop* const hop = rtnl_route_nh_alloc();
    if (!route || hop == nullptr) return fail(Fault::os, "allocate route");
    auto const destination = parse(wanted.to);
    rtnl_route_set_family(route.get(), AF_INET);
    rtnl_route_set_table(route.get(), wanted.table);
    rtnl_route_set_protocol(route.get(), RTPROT_STATIC);
    rtnl_route_set_scope(route.get(), wanted.scope);
    OCU_CHECK(made(rtnl_route_set_type(route.get(), wanted.type)));
    OCU_CHECK(made(rtnl_route_set_dst(route.get(), destination.get())));
    rtnl_route_nh_set_ifindex(hop, static_cast<int>(::if_nametoindex(wanted.link)));
    if (wanted.gateway != nullptr) rtnl_route_nh_set_gateway(hop, parse(wanted.gateway).get());
    rtnl_route_add_nexthop(route.get(), hop);  // the route owns it now
    return made(rtnl_route_add(socket, route.get(), NLM_F_CREATE | NLM_F_EXCL));
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
    return set_sysctl("ipv6/conf/default/disable_ipv6", "1");
}

Result<void> tune_guest()
{
    OCU_CHECK(set_sysctl("ipv6/conf/all/disable_ipv6", "1"));
    OCU_CHECK(set_sysctl("ipv6/conf/default/disable_ipv6", "1"));
    return set_sysctl("ipv4/ip_unprivileged_port_start", "0");  // its own loopback: port 80 there is nobody else's
}

Result<UniqueFd> bound_socket(int type, std::uint16_t port)
{
    UniqueFd socket(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return fail_os("lane socket");
    sockaddr_in any{};
    any.sin_family = AF_INET;
    any.sin_port = htons(port);
    if (::bind(socket.get(), reinterpret_cast<sockaddr const*>(&any), sizeof any) != 0) return fail_os("bind lane socket");
    return socket;
}

Result<void> open_sockets(Lane& lane)
{
    lane.tcp_listener = OCU_TRY(bound_socket(SOCK_STREAM, kListenPort));
    if (::listen(lane.tcp_listener.get(), kListenBacklog) != 0) return fail_os("listen in lane");
    lane.dns_socket = OCU_TRY(bound_socket(SOCK_DGRAM, kDnsBoundPort));
    int const on = 1;
    if (::setsockopt(lane.dns_socket.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0) return fail_os("IP_PKTINFO");
    return {};
}

Result<void> cable_lane_side(nl_sock* socket)
{
    OCU_CHECK(bring_up(socket, "lo"));
    OCU_CHECK(add_address(socket, kLaneLink, kLaneAddress));
    OCU_CHECK(bring_up(socket, kLaneLink));
    // Both in table local. Without the guest's own /32 there, answers to it would be delivered to ourselves.
    OCU_CHECK(add_route(socket, {"100.64.0.2/32", kLaneLink, nullptr, RTN_UNICAST, RT_SCOPE_LINK, RT_TABLE_LOCAL}));
    return add_route(socket, {"0.0.0.0/0", "lo", nullptr, RTN_LOCAL, RT_SCOPE_HOST, RT_TABLE_LOCAL});
}

Result<void> cable_guest_side(nl_sock* socket)
{
    OCU_CHECK(bring_up(socket, "lo"));
    OCU_CHECK(add_address(socket, kGuestLink, kGuestAddress));
    OCU_CHECK(bring_up(socket, kGuestLink));
    return add_route(socket, {"0.0.0.0/0", kGuestLink, kLaneAddress, RTN_UNICAST, RT_SCOPE_UNIVERSE, RT_TABLE_MAIN});
}

}  // namespace

Result<Lane> make_lane()
{
    Return const home(OCU_TRY(current_namespace()));
    Lane lane;
    UniqueFd const lane_namespace = OCU_TRY(enter_new_namespace());
    Socket const in_lane = OCU_TRY(netlink_here());
    OCU_CHECK(tune_lane());
    OCU_CHECK(open_sockets(lane));
    lane.guest_namespace = OCU_TRY(enter_new_namespace());
    Socket const in_guest = OCU_TRY(netlink_here());
    OCU_CHECK(tune_guest());
    OCU_CHECK(make_veth(in_guest.get(), lane_namespace.get()));
    OCU_CHECK(cable_guest_side(in_guest.get()));
    // if_nametoindex() asks in the namespace of the thread.
    if (::setns(lane_namespace.get(), CLONE_NEWNET) != 0) return fail_os("enter lane namespace");
    OCU_CHECK(cable_lane_side(in_lane.get()));
    lane.program = OCU_TRY(attach_lane_program(lane_namespace.get(), lane.tcp_listener.get(), lane.dns_socket.get()));
    return lane;
}

}  // namespace ocu::sandbox
