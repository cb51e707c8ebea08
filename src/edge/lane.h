// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One session's only way out, inside the helper: its listener and DNS socket, and the connections that came by them. Which session a
// byte belongs to follows from the socket that it came by, never from what it says (T-05). Threading: the loop's thread.

#include <functional>
#include <memory>
#include <unordered_map>

#include "base/clock.h"
#include "edge/connection.h"

namespace ocu::edge {

// Shared by all lanes: one guest's flood must not take the descriptors of the others (T-06).
struct ConnectionBudget {
    static constexpr std::size_t kMax = 1024;
    std::size_t open = 0;
};

class Lane {
public:
    static constexpr std::size_t kConnectionsMax = 64;
    static constexpr unsigned kDnsPerSecondMax = 200;

    // Errors: os.
    static Result<std::unique_ptr<Lane>> open(wire::Loop& loop, Clock const& clock, SessionId session, UniqueFd tcp_listener,
        UniqueFd dns_socket, ConnectionBudget& budget, std::function<void(proto::EgressDenied)> denied);
    ~Lane();
    Lane(Lane const&) = delete;
    Lane& operator=(Lane const&) = delete;

private:
    Lane(wire::Loop& loop, Clock const& clock, SessionId session, UniqueFd tcp_listener, UniqueFd dns_socket, ConnectionBudget& budget,
        std::function<void(proto::EgressDenied)> denied);

    void accept_some();
    void adopt(UniqueFd fd);
    void finished(std::uint64_t number);
    void answer_some();
    bool answer_one();
    bool within_dns_rate();
    void deny_dns(proto::Reason reason, std::string_view name);

    wire::Loop& loop_;
    Clock const& clock_;
    SessionId session_;
    UniqueFd tcp_;
    UniqueFd dns_;
    ConnectionBudget& budget_;
    std::function<void(proto::EgressDenied)> denied_;
    std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
    std::uint64_t last_number_ = 0;
    Monotonic dns_second_{};
    unsigned dns_count_ = 0;
    wire::Watch accept_watch_;
    wire::Watch dns_watch_;
};

}  // namespace ocu::edge
