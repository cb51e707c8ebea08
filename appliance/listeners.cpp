// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/listeners.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

namespace ocu::appliance {

namespace {

constexpr int kBacklog = 1024;

union Address {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
};

Result<Address> parse_address(std::string const& text, socklen_t& size)
{
    auto const colon = text.rfind(':');
    if (colon == std::string::npos) return fail(Fault::malformed, "listen address has no port");
    std::uint16_t port = 0;
    auto const* const end = text.data() + text.size();
    auto const [stopped, error] = std::from_chars(text.data() + colon + 1, end, port);
    if (error != std::errc() || stopped != end) return fail(Fault::malformed, "listen address has no port");
    std::string host = text.substr(0, colon);
    Address address{};
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(port);
        size = sizeof address.v6;
        if (::inet_pton(AF_INET6, host.c_str(), &address.v6.sin6_addr) == 1) return address;
    } else {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(port);
        size = sizeof address.v4;
        if (::inet_pton(AF_INET, host.c_str(), &address.v4.sin_addr) == 1) return address;
    }
    return fail(Fault::malformed, "listen address is not an address");
}

}  // namespace

Result<UniqueFd> listen_tcp(std::string const& text)
{
    socklen_t size = 0;
    auto const address = OCU_TRY(parse_address(text, size));
    UniqueFd listener(::socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener) return fail_os("socket");
    int const one = 1;
    if (::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0) return fail_os("SO_REUSEADDR");
    if (::bind(listener.get(), &address.any, size) != 0) return fail_os("bind");
    if (::listen(listener.get(), kBacklog) != 0) return fail_os("listen");
    return listener;
}

Result<std::uint16_t> port_of(int listener)
{
    Address address{};
    socklen_t size = sizeof address;
    if (::getsockname(listener, &address.any, &size) != 0) return fail_os("getsockname");
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

Result<UniqueFd> listen_unix(std::string const& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return fail(Fault::over_limit, "socket path too long");
    std::memcpy(address.sun_path, path.data(), path.size());
    UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!listener) return fail_os("socket");
    // The state directory's lock is ours, so whatever is at this path is nobody's any more.
    ::unlink(path.c_str());
    mode_t const old_mask = ::umask(0177);
    int const bound = ::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    int const error = errno;
    ::umask(old_mask);
    errno = error;
    if (bound != 0) return fail_os("bind");
    if (::listen(listener.get(), kBacklog) != 0) return fail_os("listen");
    return listener;
}

}  // namespace ocu::appliance
