// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/connection.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "edge/limits.h"
#include "edge/refusal.h"

namespace ocu::edge {

namespace {

using proto::EgressProtocol;
using proto::Reason;

constexpr std::string_view kGoOn = "HTTP/1.1 200 Connection established\r\n\r\n";

}  // namespace

Connection::Connection(Surroundings const& around, ConnectionId id, UniqueFd fd, Destination destination, bool to_proxy)
    : around_(around), id_(id), fd_(std::move(fd)), destination_(destination), to_proxy_(to_proxy), port_(destination.port)
{
    // Whatever ends this connection before an answer was sent, the guest sees a reset.
    reset_on_close(fd_.get());
    if (auto name = around_.name_behind(destination.address))
        name_ = *std::move(name);
    else
        address_ = text_of(destination.address);
    look_again();
}

Connection::~Connection() = default;

void Connection::look_again()
{
    stage_ = Stage::looking;
    watch_ = around_.loop.on_readable(fd_.get(), [this] { readable(); });
    // A program that asks a proxy speaks first, and so does one of TLS or HTTP: slow ones (Java, a loaded machine) are waited for.
    bool const may_be_silent = (!to_proxy_ || form_ == proto::RouteForm::connect) && port_ != 443 && port_ != 80;
    deadline_ = around_.loop.after(may_be_silent && bytes_.empty() ? kLookTime : kHeadTime, [this] { look_time_is_over(); });
}

void Connection::readable()
{
    if (stage_ == Stage::draining) return drain();
    std::array<char, 16384> chunk;
    ssize_t const got = ::recv(fd_.get(), chunk.data(), std::min(chunk.size(), kHeadBytesMax - bytes_.size()), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0) return over();
    if (got == 0) return bytes_.empty() ? over() : look_time_is_over();
    if (bytes_.empty()) deadline_ = around_.loop.after(kHeadTime, [this] { look_time_is_over(); });
    bytes_.append(chunk.data(), static_cast<std::size_t>(got));
    look();
}

void Connection::look()
{
    auto const look = look_at(bytes_);
    if (look.complete) return understood(look);
    if (bytes_.size() >= kHeadBytesMax) look_time_is_over();
}

// The guest waits for the other side, sends a head too slowly, or has ended in the middle of one.
void Connection::look_time_is_over()
{
    auto look = look_at(bytes_);
    look.malformed = look.malformed || look.protocol == EgressProtocol::tls;
    understood(look);
}

void Connection::understood(FirstLook const& look)
{
    deadline_.reset();
    watch_.reset();
    if (to_proxy_ && form_ == proto::RouteForm::direct) return to_proxy(look);
    if (look.malformed) return deny(EgressProtocol::tls, Reason::protocol_denied, look.name);
    ask_route(look.protocol, look);
}

void Connection::to_proxy(FirstLook const& look)
{
    if (look.protocol != EgressProtocol::http) return deny(look.protocol, Reason::protocol_denied, {});
    if (look.method == "CONNECT") return proxy_connect(look);
    proxy_absolute(look);
}

void Connection::aim_at(HostPort const& where)
{
    name_.clear();
    address_.clear();
    port_ = where.port;
    if (where.is_name) {
        name_ = where.host;
        return;
    }
    // A program that looked the name up itself says the address that stands for it.
    auto const address = parse_address(where.host);
    if (auto name = address ? around_.name_behind(*address) : std::nullopt)
        name_ = *std::move(name);
    else
        address_ = where.host;
}

void Connection::proxy_connect(FirstLook const& look)
{
    auto const where = read_host_port(look.target, 0);
    if (!where) return deny(EgressProtocol::http, Reason::protocol_denied, printable(look.target, 253));
    aim_at(*where);
    form_ = proto::RouteForm::connect;
    // One request that names two hosts is read by two programs in two ways (EG-5).
    if (!look.name.empty() && look.name != where->host) return deny(EgressProtocol::http, Reason::name_mismatch, look.name);
    bytes_.erase(0, look.head_bytes);
    stage_ = Stage::may_connect;
    proto::ConnectAsked asked;
    asked.connection = id_;
    asked.name = wire::Text<253>(name_);
    asked.address = wire::Text<45>(address_);
    asked.port = port_;
    around_.asker.say(asked);
}

void Connection::proxy_absolute(FirstLook const& look)
{
    auto const where = read_absolute_form(look.target);
    if (!where) return deny(EgressProtocol::http, Reason::protocol_denied, printable(look.target, 253));
    aim_at(*where);
    form_ = proto::RouteForm::absolute;
    FirstLook inner = look;
    // The absolute form overrides a Host that says otherwise for some servers, and not for others.
    if (inner.name.empty() || (inner.name == where->host && !name_.empty())) inner.name = name_.empty() ? address_ : name_;
    ask_route(EgressProtocol::http, inner);
}

void Connection::connect_decided(Reason reason)
{
    if (stage_ != Stage::may_connect) return;
    if (reason != Reason::none) return answer(EgressProtocol::http, reason);
    if (::send(fd_.get(), kGoOn.data(), kGoOn.size(), MSG_NOSIGNAL | MSG_DONTWAIT) != static_cast<ssize_t>(kGoOn.size())) return over();
    look_again();
    if (!bytes_.empty()) look();
}

void Connection::ask_route(EgressProtocol protocol, FirstLook const& look)
{
    stage_ = Stage::asking;
    protocol_ = protocol;
    proto::RouteAsked asked;
    asked.connection = id_;
    asked.form = form_;
    asked.protocol = protocol;
    asked.name = wire::Text<253>(name_);
    asked.address = wire::Text<45>(address_);
    asked.port = port_;
    asked.inner_name = wire::Text<253>::cut(look.name);
    asked.encrypted_hello = look.encrypted_hello;
    around_.asker.say(asked);
}

void Connection::opened(proto::RouteOpened const& opened, UniqueFd upstream)
{
    if (stage_ != Stage::asking) return;
    stage_ = Stage::open;
    if (!make_non_blocking(upstream.get())) return end(Reason::none, "socket", 0, 0);
    if (opened.handling == proto::Handling::splice) return open_splice(std::move(upstream));
    open_exchange(opened, std::move(upstream));
}

void Connection::open_splice(UniqueFd upstream)
{
    splice_ = std::make_unique<Splice>(around_.loop, around_.clock, std::move(fd_), std::move(bytes_), std::move(upstream),
        [this] { end(Reason::none, {}, splice_->bytes_up(), splice_->bytes_down()); });
}

void Connection::open_exchange(proto::RouteOpened const& opened, UniqueFd upstream)
{
    auto tools = around_.tools();
    if (!tools) {
        (void)::shutdown(upstream.get(), SHUT_RDWR);
        around_.asker.say(proto::ConnectionEnded{id_, Reason::protocol_denied, 0, 0, {}});
        return answer(protocol_, Reason::protocol_denied);
    }
    close_politely(fd_.get());
    ExchangeRoute route;
    route.connection = id_;
    route.handling = opened.handling;
    route.form = form_;
    route.name = name_.empty() ? address_ : name_;
    route.port = port_;
    route.upstream_name = opened.upstream_name.str();
    route.client_certificate = opened.client_certificate;
    route.http1_only = opened.http1_only;
    route.contact = around_.contact;
    Exchange::Calls calls;
    calls.ask = [this](proto::RequestAsked asked) { around_.asker.say(asked); };
    calls.done = [this](proto::RequestDone done) { around_.asker.say(done); };
    calls.ended = [this](proto::ConnectionEnded ended, std::string_view word) { end(ended.reason, word, ended.bytes_up, ended.bytes_down); };
    calls.ask_icap = [this](proto::IcapAsked asked) { around_.asker.say(asked); };
    exchange_ = std::make_unique<Exchange>(std::move(tools), around_.loop, std::move(fd_), std::move(bytes_), std::move(upstream),
        std::move(route), std::move(calls));
}

void Connection::refused(Reason reason, proto::RefusedBy by)
{
    if (stage_ == Stage::asking) answer(protocol_, reason, by);
}

void Connection::allowed(proto::RequestAllowed const& message)
{
    if (exchange_) exchange_->allowed(message);
}

void Connection::request_refused(proto::RequestRefused const& message)
{
    if (exchange_) exchange_->refused(message);
}

void Connection::icap_opened(proto::IcapOpened const& message, UniqueFd socket)
{
    if (exchange_ && make_non_blocking(socket.get())) exchange_->icap_opened(message, std::move(socket));
}

void Connection::icap_refused(proto::IcapRefused const& message)
{
    if (exchange_) exchange_->icap_refused(message);
}

void Connection::cut()
{
    if (splice_) return splice_->cut();
    if (exchange_) return exchange_->cut();
    if (stage_ != Stage::over) end(Reason::none, {}, 0, 0);
}

void Connection::sweep()
{
    if (splice_ && around_.clock.now() - splice_->last_moved() >= kIdleTime) splice_->cut();
}

void Connection::deny(EgressProtocol protocol, Reason reason, std::string_view name)
{
    proto::EgressDenied event;
    event.protocol = protocol;
    event.reason = reason;
    event.destination = wire::Text<64>::cut(form_ == proto::RouteForm::direct || address_.empty() ? text_of(destination_.address) : address_);
    event.port = port_;
    event.name = wire::Text<256>::cut(name.empty() ? std::string_view(name_) : name);
    event.count = 1;
    around_.asker.say(event);
    answer(protocol, reason);
}

void Connection::answer(EgressProtocol protocol, Reason reason, proto::RefusedBy by)
{
    watch_.reset();
    deadline_.reset();
    if (protocol != EgressProtocol::http) return over();
    auto const text = http_refusal(reason, name_.empty() ? address_ : name_, port_, around_.contact, by);
    if (::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT) != static_cast<ssize_t>(text.size())) return over();
    // A close with unread bytes is a reset, and that can take the answer away from the program: read on for a moment.
    close_politely(fd_.get());
    (void)::shutdown(fd_.get(), SHUT_WR);
    stage_ = Stage::draining;
    watch_ = around_.loop.on_readable(fd_.get(), [this] { readable(); });
    deadline_ = around_.loop.after(kDrainTime, [this] { over(); });
}

void Connection::drain()
{
    std::array<char, 16384> chunk;
    ssize_t const got = ::recv(fd_.get(), chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return over();
    drained_ += static_cast<std::size_t>(got);
    if (drained_ > kDrainBytesMax) over();
}

void Connection::end(Reason reason, std::string_view word, std::uint64_t up, std::uint64_t down)
{
    around_.asker.say(proto::ConnectionEnded{id_, reason, up, down, wire::Text<32>(printable(word, 32))});
    over();
}

void Connection::over()
{
    if (std::exchange(stage_, Stage::over) == Stage::over) return;
    watch_.reset();
    deadline_.reset();
    fd_.reset();
    around_.over(id_);
}

}  // namespace ocu::edge
