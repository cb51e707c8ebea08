// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "edge/first_look.h"
#include "edge/refusal.h"
#include "wire/http_head.h"

namespace ocu::edge {

Destination destination_of(int fd)
{
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return {"unknown", 0};
    if (name.ss_family == AF_INET) {
        auto const& v4 = reinterpret_cast<sockaddr_in const&>(name);
        ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        return {text.data(), ntohs(v4.sin_port)};
    }
    if (name.ss_family == AF_INET6) {
        auto const& v6 = reinterpret_cast<sockaddr_in6 const&>(name);
        ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
        return {text.data(), ntohs(v6.sin6_port)};
    }
    return {"unknown", 0};
}

void reset_on_close(int fd)
{
    linger const now{1, 0};
    (void)::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);  // if it fails, the connection is closed the polite way
}

Connection::Connection(
    wire::Loop& loop, UniqueFd fd, SessionId session, std::function<void(proto::EgressDenied)> denied, std::function<void()> finished)
    : fd_(std::move(fd)), session_(session), destination_(destination_of(fd_.get())), denied_(std::move(denied)),
      finished_(std::move(finished)), loop_(loop)
{
    // Whatever ends this connection before an answer was sent, the guest sees a reset.
    reset_on_close(fd_.get());
    watch_ = loop.on_readable(fd_.get(), [this] { readable(); });
    deadline_ = loop.after(kLookTime, [this] { refuse(proto::EgressProtocol::tcp, {}); });
}

void Connection::readable()
{
    if (draining_) return drain();
    std::array<char, 4096> chunk;
    ssize_t const got = ::read(fd_.get(), chunk.data(), chunk.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return refuse(proto::EgressProtocol::tcp, {});
    bytes_.append(chunk.data(), static_cast<std::size_t>(got));
    auto const look = look_at(bytes_);
    if (look.complete)
        refuse(look.protocol, look.host);
    else if (bytes_.size() >= wire::kHttpHeadBytesMax)
        refuse(proto::EgressProtocol::tcp, {});
}

void Connection::refuse(proto::EgressProtocol protocol, std::string_view host)
{
    proto::EgressDenied event;
    event.session = session_;
    event.protocol = protocol;
    event.reason = proto::Reason::not_allowed;
    event.destination = wire::Text<64>::cut(destination_.address);
    event.port = destination_.port;
    event.name = wire::Text<256>::cut(host);
    event.count = 1;
    denied_(std::move(event));
    if (protocol != proto::EgressProtocol::http) return finish();

    auto const answer = http_refusal(proto::Reason::not_allowed, destination_.address, destination_.port);
    if (::write(fd_.get(), answer.data(), answer.size()) != static_cast<ssize_t>(answer.size())) return finish();
    // A close with unread bytes is a reset, and that can take the answer away from the program: read on for a moment.
    linger const polite{};
    (void)::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &polite, sizeof polite);
    (void)::shutdown(fd_.get(), SHUT_WR);
    draining_ = true;
    deadline_ = loop_.after(kDrainTime, [this] { finish(); });
}

void Connection::drain()
{
    std::array<char, 16384> chunk;
    ssize_t const got = ::read(fd_.get(), chunk.data(), chunk.size());
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return finish();
    drained_ += static_cast<std::size_t>(got);
    if (drained_ > kDrainBytesMax) finish();
}

void Connection::finish()
{
    deadline_.reset();
    watch_.reset();
    fd_.reset();
    auto const finished = std::move(finished_);  // it may destroy this
    finished();
}

}  // namespace ocu::edge
