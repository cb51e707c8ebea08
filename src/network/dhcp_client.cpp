// SPDX-License-Identifier: GPL-3.0-or-later
#include "network/dhcp_client.h"

#include <algorithm>

namespace ocu::network {

DhcpClient::DhcpClient(Clock const& clock, std::function<std::uint32_t()> random, Mac mac)
    : clock_(clock), random_(std::move(random)), mac_(mac)
{}

Step DhcpClient::start() { return begin_again(std::nullopt); }

Step DhcpClient::begin_again(std::optional<Loss> lost)
{
    state_ = State::selecting;
    transaction_ = random_();
    since_ = clock_.now();
    waits_ = 0;
    Step step;
    // Whoever fails waits before the next attempt, longer each time; after a lease that simply ended it goes on at once.
    if (failures_ > 0)
        wake_at_ = since_ + blurred(failures_ - 1);
    else
        step = select();
    step.lost = lost;
    return step;
}

Step DhcpClient::fail_and_begin_again(std::optional<Loss> lost)
{
    ++failures_;
    return begin_again(lost);
}

Step DhcpClient::select()
{
    wake_at_ = clock_.now() + blurred(waits_++);
    return {.send = {{compose(ask(MessageType::discover)), 0}}, .lost = {}, .lease = {}};
}

Step DhcpClient::request()
{
    wake_at_ = clock_.now() + blurred(waits_++);
    auto message = ask(MessageType::request);
    message.wanted = chosen_.address;
    message.server = chosen_.server;
    return {.send = {{compose(message), 0}}, .lost = {}, .lease = {}};
}

// Asks for more time: its own server until T2, then any. The next attempt is half way to the next limit, a minute away at least. Each
// attempt is a transaction of its own, so that an answer's time is counted from the question that it answers.
Step DhcpClient::prolong()
{
    auto const now = clock_.now();
    auto const limit = state_ == State::renewing ? rebind_at_ : ends_at_;
    wake_at_ = std::min(limit, now + std::max<Monotonic::duration>((limit - now) / 2, kRenewWaitMin));
    asked_ = now;
    transaction_ = random_();
    auto message = ask(MessageType::request);
    message.current = chosen_.address;
    return {.send = {{compose(message), state_ == State::renewing ? chosen_.server : 0}}, .lost = {}, .lease = {}};
}

Step DhcpClient::bind(Reply const& reply)
{
    chosen_ = reply;
    failures_ = 0;
    state_ = State::bound;
    // Counted from when it was asked for: what was on the way in between is the server's time already.
    renew_at_ = asked_ + reply.renew;
    rebind_at_ = asked_ + reply.rebind;
    ends_at_ = asked_ + reply.lease;
    wake_at_ = renew_at_;
    auto const left = std::chrono::floor<std::chrono::seconds>(ends_at_ - clock_.now());
    return {.send = {}, .lost = {}, .lease = Lease{reply.address, reply.prefix, reply.gateway, reply.server, left}};
}

// The first server that is chosen is the one that is spoken with: no other can take over half way, only once that one has been silent
// until T2 (T-20).
bool DhcpClient::from_wrong_server(Reply const& reply) const
{
    return state_ != State::selecting && state_ != State::rebinding && reply.server != chosen_.server;
}

Step DhcpClient::on_answer(Reply const& reply)
{
    if (reply.type == MessageType::nak) return fail_and_begin_again(has_lease() ? std::optional(Loss::refused) : std::nullopt);
    if (reply.type != MessageType::ack || reply.address != chosen_.address) return {};
    return bind(reply);
}

Step DhcpClient::on_message(std::span<std::byte const> message)
{
    auto const reply = parse_reply(message, {transaction_, mac_});
    if (!reply || from_wrong_server(*reply)) return {};
    switch (state_) {
    case State::selecting:
        if (reply->type != MessageType::offer) return {};
        chosen_ = *reply;
        state_ = State::requesting;
        waits_ = 0;
        asked_ = clock_.now();
        return request();
    case State::bound: return {};
    case State::requesting:
    case State::renewing:
    case State::rebinding: return on_answer(*reply);
    }
    return {};
}

Step DhcpClient::on_time()
{
    auto const now = clock_.now();
    if (now < wake_at_) return {};
    if (has_lease() && now >= ends_at_) return begin_again(Loss::expired);
    switch (state_) {
    case State::selecting: return select();
    case State::requesting: return waits_ < kRequestsMax ? request() : fail_and_begin_again(std::nullopt);
    case State::bound:
        since_ = now;
        [[fallthrough]];
    case State::renewing:
    case State::rebinding:
        state_ = now < rebind_at_ ? State::renewing : State::rebinding;
        return prolong();
    }
    return {};
}

// 4, 8, 16, 32, 64 and then always 64 seconds, each blurred by a second to either side.
std::chrono::milliseconds DhcpClient::blurred(int doublings) const
{
    std::chrono::milliseconds const plain = std::min<std::chrono::seconds>(kFirstWait * (1 << std::min(doublings, 4)), kLongestWait);
    return plain + std::chrono::milliseconds(random_() % static_cast<std::uint32_t>(2 * kJitter.count() + 1)) - kJitter;
}

Ask DhcpClient::ask(MessageType type) const
{
    return {.type = type,
        .transaction = transaction_,
        .mac = mac_,
        .since = std::chrono::duration_cast<std::chrono::seconds>(clock_.now() - since_),
        .current = 0,
        .wanted = 0,
        .server = 0};
}

}  // namespace ocu::network
