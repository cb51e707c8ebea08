// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/dns_socket.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace ocu::edge {

namespace {

constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(in_pktinfo)) + CMSG_SPACE(sizeof(in6_pktinfo));

int family_of(int fd)
{
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    return ::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) == 0 ? name.ss_family : AF_UNSPEC;
}

template <class Info>
void put(msghdr& message, int level, int type, Info const& info)
{
    message.msg_controllen = CMSG_SPACE(sizeof info);
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = level;
    header->cmsg_type = type;
    header->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(header), &info, sizeof info);
}

}  // namespace

Result<void> prepare_dns_socket(int fd)
{
    int const on = 1;
    bool const v6 = family_of(fd) == AF_INET6;
    int const done = v6 ? ::setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) : ::setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    if (done != 0) return fail_os("ask for the destination of datagrams");
    return {};
}

std::optional<std::size_t> receive_query(int fd, std::span<std::uint8_t> bytes, DnsPeer& peer)
{
    iovec part{bytes.data(), bytes.size()};
    alignas(cmsghdr) std::array<std::byte, kControlBytes> control{};
    msghdr message{};
    message.msg_name = &peer.from;
    message.msg_namelen = sizeof peer.from;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t got = 0;
    do got = ::recvmsg(fd, &message, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0) return {};
    peer.from_size = message.msg_namelen;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) std::memcpy(&peer.to4, CMSG_DATA(header), sizeof peer.to4);
        if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO)
            std::memcpy(&peer.to6, CMSG_DATA(header), sizeof peer.to6);
    }
    return static_cast<std::size_t>(got);
}

void send_answer(int fd, DnsPeer const& peer, std::span<std::uint8_t const> bytes)
{
    iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
    sockaddr_storage to = peer.from;
    alignas(cmsghdr) std::array<std::byte, kControlBytes> control{};
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = peer.from_size;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    if (peer.from.ss_family == AF_INET6) {
        in6_pktinfo info{};
        info.ipi6_addr = peer.to6.ipi6_addr;
        put(message, IPPROTO_IPV6, IPV6_PKTINFO, info);
    } else {
        in_pktinfo info{};
        info.ipi_spec_dst = peer.to4.ipi_addr;
        put(message, IPPROTO_IP, IP_PKTINFO, info);
    }
    (void)::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace ocu::edge
