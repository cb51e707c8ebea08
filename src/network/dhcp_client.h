// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A DHCP client as RFC 2131, section 4.4 has it, without sockets: what arrives and the time go in, what is to be sent and told comes out.
//
//   state      hears          then
//   selecting  offer          requesting, with the first acceptable one
//   requesting ack / nak      bound / selecting again, later; unanswered four times: selecting again
//   bound      (time)         renewing at T1: its server is asked, directly
//   renewing   ack / nak      bound / lease lost, selecting; at T2: rebinding
//   rebinding  ack / nak      bound / lease lost, selecting; at its end: lease lost, selecting
//
// Each wait is doubled and blurred, and one that follows a refusal does not start from the beginning: a server that refuses again and
// again is not asked faster for it (T-20). Pure; one thread.

#include <functional>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "network/dhcp_face.h"

namespace ocu::network {

struct Lease {
    Ip address = 0;
    std::uint8_t prefix = 0;
    Ip gateway = 0;
    Ip server = 0;
    std::chrono::seconds valid{};  // from now
};

enum class Loss { expired, refused };

struct Outgoing {
    std::vector<std::byte> message;
    Ip to = 0;  // 0: everybody on the wire
};

// What to do now, in this order.
struct Step {
    std::vector<Outgoing> send;
    std::optional<Loss> lost;
    std::optional<Lease> lease;
};

class DhcpClient {
public:
    enum class State { selecting, requesting, bound, renewing, rebinding };

    // `random`: 32 bits that nobody on the wire can guess.
    DhcpClient(Clock const& clock, std::function<std::uint32_t()> random, Mac mac);

    Step start();
    // A datagram that came from a server's port. What is not acceptable changes nothing.
    Step on_message(std::span<std::byte const> message);
    // To be called at wake_at() or later.
    Step on_time();
    Monotonic wake_at() const { return wake_at_; }
    State state() const { return state_; }

private:
    Step select();
    Step request();
    Step prolong();
    Step begin_again(std::optional<Loss> lost);
    Step fail_and_begin_again(std::optional<Loss> lost);
    Step bind(Reply const& reply);
    Step on_answer(Reply const& reply);
    bool from_wrong_server(Reply const& reply) const;
    bool has_lease() const { return state_ != State::selecting && state_ != State::requesting; }
    std::chrono::milliseconds blurred(int doublings) const;
    Ask ask(MessageType type) const;

    Clock const& clock_;
    std::function<std::uint32_t()> random_;
    Mac mac_;
    State state_ = State::selecting;
    std::uint32_t transaction_ = 0;
    Reply chosen_{};       // the offer, then what was acknowledged
    int failures_ = 0;     // since the last lease: refused, or asked in vain
    int waits_ = 0;        // in this state: messages without an answer
    Monotonic since_{};    // when it began to want what it wants now
    Monotonic asked_{};    // when the request that may be answered now was first sent
    Monotonic renew_at_{};
    Monotonic rebind_at_{};
    Monotonic ends_at_{};
    Monotonic wake_at_{};
};

}  // namespace ocu::network
