// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A role thread's inbox: a closed set of message types, delivered on its loop in the order sent. What is not in the set cannot be
// said: that is how topology.h keeps "kill" out of the agent path at compile time.

#include <atomic>
#include <functional>
#include <type_traits>
#include <variant>

#include "wire/loop.h"

namespace ocu::wire {

template <class... Messages>
class Mailbox {
public:
    using Message = std::variant<Messages...>;
    template <class M>
    static constexpr bool kAccepts = (std::is_same_v<M, Messages> || ...);

    explicit Mailbox(Loop& loop) : loop_(loop) {}

    // Called once by the owner before any thread runs.
    void on_message(std::function<void(Message)> handler) { handler_ = std::move(handler); }

    // From any thread.
    template <class M>
        requires kAccepts<M>
    void send(M message)
    {
        auto box = std::make_shared<Message>(std::move(message));  // std::function must be copyable; messages carry descriptors
        loop_.post([this, box] { handler_(std::move(*box)); });
    }

private:
    Loop& loop_;
    std::function<void(Message)> handler_;
};

template <class... Handlers>
struct Overloaded : Handlers... {
    using Handlers::operator()...;
};

}  // namespace ocu::wire
