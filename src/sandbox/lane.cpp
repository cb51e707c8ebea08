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
constexpr std::uint8_t kPrefix = 30;

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

Result<void> bring_up(netlink::Session& session, std::string const& name)
{
    return session.set_carrying(OCU_TRY(session.index_of(name)), netlink::Carrying::up);
}

Result<int> bring_up_with(netlink::Session& session, std::string const& name, char const* address)
{
    int const index = OCU_TRY(session.index_of(name));
    OCU_CHECK(session.add_address({.link = index, .address = address, .prefix = kPrefix}, netlink::AddressUse::lent));
    OCU_CHECK(session.set_carrying(index, netlink::Carrying::up));
    return index;
}

Result<void> cable_lane_side(netlink::Session& session)
{
    OCU_CHECK(bring_up(session, "lo"));
    int const lane = OCU_TRY(bring_up_with(session, kLaneLink, kLaneAddress));
    // Both in table local. Without the guest's own /32 there, answers to it would be delivered to ourselves.
    netlink::Route guest{.destination = std::string(kGuestAddress) + "/32", .link = lane, .table = netlink::kLocalTable};
    guest.scope = netlink::RouteScope::link;
    OCU_CHECK(session.add_route(guest));
    netlink::Route all{.destination = "0.0.0.0/0", .link = OCU_TRY(session.index_of("lo")), .table = netlink::kLocalTable};
    all.kind = netlink::RouteKind::local;
    all.scope = netlink::RouteScope::host;
    return session.add_route(all);
}

Result<void> cable_guest_side(netlink::Session& session)
{
    OCU_CHECK(bring_up(session, "lo"));
    int const guest = OCU_TRY(bring_up_with(session, kGuestLink, kGuestAddress));
    return session.add_route({.destination = "0.0.0.0/0", .link = guest, .gateway = kLaneAddress});
}

}  // namespace

Result<Lane> make_lane()
{
    Return const home(OCU_TRY(current_namespace()));
    Lane lane;
    UniqueFd const lane_namespace = OCU_TRY(enter_new_namespace());
    auto in_lane = OCU_TRY(netlink::Session::open());
    OCU_CHECK(tune_lane());
    OCU_CHECK(open_sockets(lane));
    lane.guest_namespace = OCU_TRY(enter_new_namespace());
    auto in_guest = OCU_TRY(netlink::Session::open());
    OCU_CHECK(tune_guest());
    OCU_CHECK(in_guest.add_veth(kGuestLink, kLaneLink, lane_namespace.get()));
    OCU_CHECK(cable_guest_side(in_guest));
    OCU_CHECK(cable_lane_side(in_lane));
    lane.program = OCU_TRY(attach_lane_program(lane_namespace.get(), lane.tcp_listener.get(), lane.dns_socket.get()));
    return lane;
}

}  // namespace ocu::sandbox
