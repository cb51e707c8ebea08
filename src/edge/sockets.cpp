// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/sockets.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace ocu::edge {

namespace {

Result<Destination> read_name(sockaddr_storage const& name)
{
    Destination out;
    if (name.ss_family == AF_INET) {
        auto const& v4 = reinterpret_cast<sockaddr_in const&>(name);
        out.address[10] = out.address[11] = 0xff;
        std::memcpy(&out.address[12], &v4.sin_addr, sizeof v4.sin_addr);
        out.port = ntohs(v4.sin_port);
        return out;
    }
    if (name.ss_family != AF_INET6) return fail(Fault::malformed, "not a connection of a network");
    auto const& v6 = reinterpret_cast<sockaddr_in6 const&>(name);
    std::memcpy(out.address.data(), &v6.sin6_addr, out.address.size());
    out.port = ntohs(v6.sin6_port);
    return out;
}

}  // namespace

Result<Destination> destination_of(int fd)
{
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return fail_os("getsockname");
    return read_name(name);
}

Result<Destination> peer_of(int fd)
{
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return fail_os("getpeername");
    return read_name(name);
}

void reset_on_close(int fd)
{
    linger const now{1, 0};
    (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);  // if it fails, the connection is closed the polite way
}

void close_politely(int fd)
{
    linger const polite{};
    (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &polite, sizeof polite);
}

Result<void> make_non_blocking(int fd)
{
    int const flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return fail_os("make a socket non-blocking");
    return {};
}

}  // namespace ocu::edge
