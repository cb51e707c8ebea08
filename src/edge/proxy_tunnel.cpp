// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/proxy_tunnel.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "base/assert.h"

namespace ocu::edge {

namespace {

bool is_for_later(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

ProxyTunnel::ProxyTunnel(wire::Loop& loop, int socket, std::string request, std::function<void(ProxySaid)> said)
    : loop_(loop), socket_(socket), request_(std::move(request)), said_(std::move(said))
{
    watch_ = loop_.on_writable(socket_, [this] { write(); });
}

void ProxyTunnel::write()
{
    ssize_t const sent = ::send(socket_, request_.data(), request_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
        if (!is_for_later(errno)) end(ProxySaid::Kind::gone);
        return;
    }
    request_.erase(0, static_cast<std::size_t>(sent));
    if (request_.empty()) watch_ = loop_.on_readable(socket_, [this] { read(); });
}

// Looked at first and then taken up to the end of the head: a server that speaks first may have its words in the same packet.
void ProxyTunnel::read()
{
    std::array<char, 4096> chunk;
    ssize_t const there = ::recv(socket_, chunk.data(), chunk.size(), MSG_PEEK | MSG_DONTWAIT);
    if (there < 0 && is_for_later(errno)) return;
    if (there <= 0) return end(ProxySaid::Kind::gone);
    std::size_t const its = answer_.take({chunk.data(), static_cast<std::size_t>(there)});
    if (::recv(socket_, chunk.data(), its, MSG_DONTWAIT) != static_cast<ssize_t>(its)) return end(ProxySaid::Kind::gone);
    switch (answer_.state()) {
    case ProxyAnswer::State::wants_more: return;
    case ProxyAnswer::State::tunnel: return end(ProxySaid::Kind::tunnel);
    case ProxyAnswer::State::refused: return end(ProxySaid::Kind::refused);
    case ProxyAnswer::State::malformed: return end(ProxySaid::Kind::malformed);
    }
}

void ProxyTunnel::end(ProxySaid::Kind kind)
{
    watch_.reset();
    auto const said = std::move(said_);  // it may destroy this
    said({kind, answer_.status()});
}

}  // namespace ocu::edge
