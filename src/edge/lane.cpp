// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/lane.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "edge/host_name.h"

namespace ocu::edge {

namespace {

constexpr int kPerWake = 64;  // then connections have their turn
constexpr std::uint16_t kDnsPort = 53;

}  // namespace

Result<std::unique_ptr<Lane>> Lane::open(wire::Loop& loop, Clock const& clock, Asker& asker, UniqueFd tcp_listener, UniqueFd dns_socket,
    std::vector<Address> own, std::function<std::shared_ptr<ExchangeTools>()> tools, std::string contact)
{
    OCU_CHECK(make_non_blocking(tcp_listener.get()));
    OCU_CHECK(make_non_blocking(dns_socket.get()));
    OCU_CHECK(prepare_dns_socket(dns_socket.get()));
    return std::unique_ptr<Lane>(
        new Lane(loop, clock, asker, std::move(tcp_listener), std::move(dns_socket), std::move(own), std::move(tools), std::move(contact)));
}

Lane::Lane(wire::Loop& loop, Clock const& clock, Asker& asker, UniqueFd tcp_listener, UniqueFd dns_socket, std::vector<Address> own,
    std::function<std::shared_ptr<ExchangeTools>()> tools, std::string contact)
    : loop_(loop), clock_(clock), asker_(asker), tcp_(std::move(tcp_listener)), dns_(std::move(dns_socket)), own_(std::move(own)),
      around_{loop, clock, asker, [this](Address const& address) { return names_.name_behind(address, clock_.now()); }, std::move(tools),
          [this](ConnectionId id) { loop_.post([this, id] { connections_.erase(id); }); }, std::move(contact)}
{
    accept_watch_ = loop_.on_readable(tcp_.get(), [this] { accept_some(); });
    dns_watch_ = loop_.on_readable(dns_.get(), [this] { answer_some(); });
    sweep_tick_ = loop_.after(kSweepTick, [this] { sweep(); });
}

Connection* Lane::find(ConnectionId id)
{
    auto const found = connections_.find(id);
    return found == connections_.end() ? nullptr : found->second.get();
}

void Lane::accept_some()
{
    for (int i = 0; i < kPerWake; ++i) {
        UniqueFd fd(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!fd) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            return;
        }
        adopt(std::move(fd));
    }
}

void Lane::adopt(UniqueFd fd)
{
    auto const destination = destination_of(fd.get());
    if (!destination) return;
    if (connections_.size() >= kConnectionsMax) {
        reset_on_close(fd.get());
        proto::EgressDenied event;
        event.reason = proto::Reason::rate_exceeded;
        event.destination = wire::Text<64>(text_of(destination->address));
        event.port = destination->port;
        event.count = 1;
        asker_.say(event);
        return;
    }
    if (destination->port == kDnsPort && std::ranges::contains(own_, destination->address)) return adopt_dns(std::move(fd));
    bool const to_proxy = destination->port == proto::kProxyPort && std::ranges::contains(own_, destination->address);
    last_connection_ = ConnectionId{last_connection_.value + 1};
    connections_.emplace(
        last_connection_, std::make_unique<Connection>(around_, last_connection_, std::move(fd), *destination, to_proxy));
}

// Beyond what one session may have, the guest sees a reset and asks by datagram.
void Lane::adopt_dns(UniqueFd fd)
{
    reset_on_close(fd.get());
    if (dns_streams_.size() >= kDnsStreamsMax) return deny_dns(proto::Reason::rate_exceeded, "*");
    std::uint64_t const number = ++last_dns_stream_;
    DnsStream::Calls calls;
    calls.question = [this, number](std::span<std::uint8_t const> message) {
        bool const may = within_dns_rate();
        may ? answer_one(message, {{}, number}) : deny_dns(proto::Reason::rate_exceeded, "*");
        return may;
    };
    calls.over = [this, number] { loop_.post([this, number] { dns_streams_.erase(number); }); };
    dns_streams_.emplace(number, std::make_unique<DnsStream>(loop_, std::move(fd), std::move(calls)));
}

void Lane::answer_some()
{
    std::array<std::uint8_t, kDnsDatagramBytesMax> bytes;
    for (int i = 0; i < kPerWake; ++i) {
        DnsPeer peer;
        auto const got = receive_query(dns_.get(), bytes, peer);
        if (!got) return;
        if (within_dns_rate())
            answer_one(std::span(bytes).first(*got), {peer, 0});
        else
            deny_dns(proto::Reason::rate_exceeded, "*");
    }
}

bool Lane::within_dns_rate()
{
    auto const now = clock_.now();
    if (now - dns_second_ >= std::chrono::seconds(1)) {
        dns_second_ = now;
        dns_count_ = 0;
    }
    return ++dns_count_ <= kDnsPerSecondMax;
}

void Lane::answer_one(std::span<std::uint8_t const> message, DnsAsker const& asker)
{
    auto const question = read_question(message);
    // What is no query at all is dropped without an answer, and counted like one whose question is not understood.
    if (!question) return deny_dns(proto::Reason::protocol_denied, {});
    if (!question->understood || question->name.empty()) {
        deny_dns(proto::Reason::protocol_denied, {});
        return answer(*question, asker, proto::Reason::protocol_denied);
    }
    if (!is_host_name(question->name)) {
        deny_dns(proto::Reason::not_allowed, question->name);
        return answer(*question, asker, proto::Reason::not_allowed);
    }
    if (names_.knows(question->name)) return answer(*question, asker, proto::Reason::none);  // the thread has said so before
    if (waiting_.size() >= kDnsWaitingMax) return deny_dns(proto::Reason::rate_exceeded, "*");
    last_question_ = RequestId{last_question_.value + 1};
    waiting_.emplace(last_question_, Waiting{asker, *question});
    asker_.say(proto::NameAsked{last_question_, wire::Text<253>(question->name)});
}

void Lane::name_decided(proto::NameDecided const& decided)
{
    auto const found = waiting_.extract(decided.request);
    if (!found.empty()) answer(found.mapped().question, found.mapped().asker, decided.reason);
}

void Lane::answer(DnsQuestion const& question, DnsAsker const& asker, proto::Reason reason)
{
    std::optional<NamePool::Addresses> addresses;
    if (reason == proto::Reason::none) {
        addresses = names_.place(question.name, clock_.now());
        if (!addresses) deny_dns(proto::Reason::rate_exceeded, question.name);
    }
    auto const bytes = addresses ? answer_name(question, *addresses) : refuse_name(question);
    if (!bytes) return;
    if (asker.stream == 0) return send_answer(dns_.get(), asker.peer, *bytes);
    if (auto const stream = dns_streams_.find(asker.stream); stream != dns_streams_.end()) stream->second->answer(*bytes);
}

void Lane::deny_dns(proto::Reason reason, std::string_view name)
{
    proto::EgressDenied event;
    event.protocol = proto::EgressProtocol::dns;
    event.reason = reason;
    event.destination = "resolver";
    event.port = kDnsPort;
    event.name = wire::Text<256>::cut(name);
    event.count = 1;
    asker_.say(event);
}

void Lane::sweep()
{
    for (auto const& [id, connection] : connections_) connection->sweep();
    sweep_tick_ = loop_.after(kSweepTick, [this] { sweep(); });
}

}  // namespace ocu::edge
