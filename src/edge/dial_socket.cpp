// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/dial_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace ocu::edge {

namespace {

struct SocketAddress {
    SocketAddress(Address const& address, std::uint16_t port)
    {
        if (is_ipv4(address)) {
            auto* const four = reinterpret_cast<sockaddr_in*>(&storage);
            four->sin_family = AF_INET;
            four->sin_port = htons(port);
            std::memcpy(&four->sin_addr, address.data() + 12, 4);
            size = sizeof *four;
        } else {
            auto* const six = reinterpret_cast<sockaddr_in6*>(&storage);
            six->sin6_family = AF_INET6;
            six->sin6_port = htons(port);
            std::memcpy(&six->sin6_addr, address.data(), address.size());
            size = sizeof *six;
        }
    }
    sockaddr const* get() const { return reinterpret_cast<sockaddr const*>(&storage); }

    sockaddr_storage storage{};
    socklen_t size = 0;
};

UniqueFd make_socket(Address const& address, int type)
{
    return UniqueFd(::socket(is_ipv4(address) ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

}  // namespace

UniqueFd begin_connection(Address const& address, std::uint16_t port)
{
    SocketAddress const there(address, port);
    UniqueFd socket = make_socket(address, SOCK_STREAM);
    int const on = 1;
    if (!socket || ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) return {};
    if (::connect(socket.get(), there.get(), there.size) != 0 && errno != EINPROGRESS) return {};
    return socket;
}

bool is_own(Address const& address)
{
    if (auto const what = not_public(address); what == "loopback" || what == "this network") return true;
    SocketAddress const there(address, 9);
    UniqueFd const probe = make_socket(address, SOCK_DGRAM);
    if (!probe || ::connect(probe.get(), there.get(), there.size) != 0) return false;  // no way there, so it is not here
    sockaddr_storage here{};
    socklen_t size = sizeof here;
    if (::getsockname(probe.get(), reinterpret_cast<sockaddr*>(&here), &size) != 0) return true;
    if (is_ipv4(address)) return std::memcmp(&reinterpret_cast<sockaddr_in const&>(here).sin_addr, address.data() + 12, 4) == 0;
    return std::memcmp(&reinterpret_cast<sockaddr_in6 const&>(here).sin6_addr, address.data(), address.size()) == 0;
}

}  // namespace ocu::edge
