// SPDX-License-Identifier: GPL-3.0-or-later
#include "netlink/session.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>

#include "netlink/objects.h"

namespace ocu::netlink {

namespace {

// More than any burst of news: when it overflows, that is news too.
constexpr std::size_t kNewsBytes = 32u << 10;

}  // namespace

Result<void> done(int code, Literal what)
{
    switch (-code) {
    case NLE_EXIST: return fail(Fault::conflict, what);
    case NLE_OBJ_NOTFOUND:
    case NLE_NODEV:
    case NLE_NOADDR: return fail(Fault::not_found, what);
    case NLE_OPNOTSUPP: return fail(Fault::unavailable, what);
    default: break;
    }
    if (code < 0) return fail(Fault::os, what);
    return {};
}

Result<NetAddress> parse(std::string const& text)
{
    nl_addr* address = nullptr;
    if (nl_addr_parse(text.c_str(), AF_UNSPEC, &address) < 0) return fail(Fault::malformed, "not a numeric address");
    NetAddress out(address);
    // libnl takes "0.0.0.0/0" for an address without bytes; the family says which everything is meant.
    if (nl_addr_get_family(address) == AF_UNSPEC) nl_addr_set_family(address, text.contains(':') ? AF_INET6 : AF_INET);
    return out;
}

std::string text_of(nl_addr const* address)
{
    if (address == nullptr || nl_addr_get_len(address) == 0) return {};
    std::array<char, 128> text{};
    std::string out = nl_addr2str(address, text.data(), text.size());
    return out.substr(0, out.find('/'));
}

void Session::Freer::operator()(nl_sock* socket) const { nl_socket_free(socket); }

Result<Session> Session::open()
{
    Session session(nl_socket_alloc());
    if (!session.socket_) return fail(Fault::os, "netlink socket");
    OCU_CHECK(done(nl_connect(session.socket_.get(), NETLINK_ROUTE), "netlink socket"));
    return session;
}

Result<UniqueFd> open_monitor()
{
    UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    if (!fd) return fail_os("netlink monitor");
    sockaddr_nl groups{};
    groups.nl_family = AF_NETLINK;
    groups.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    if (::bind(fd.get(), reinterpret_cast<sockaddr const*>(&groups), sizeof groups) != 0) return fail_os("bind netlink monitor");
    return fd;
}

void drain_monitor(int fd)
{
    std::array<std::byte, kNewsBytes> news;
    for (int turns = 0; turns < 1024; ++turns)
        if (::recv(fd, news.data(), news.size(), MSG_DONTWAIT) < 0 && errno != ENOBUFS) return;
}

}  // namespace ocu::netlink
