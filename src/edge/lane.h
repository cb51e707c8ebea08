// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A session's only way out, inside its helper: the listener and the DNS socket, the names that were answered, and the connections that came.
// Threading: the loop's thread.

#include <functional>
#include <memory>
#include <unordered_map>

#include "edge/connection.h"
#include "edge/dns_socket.h"
#include "edge/dns_stream.h"
#include "edge/limits.h"
#include "edge/name_pool.h"

namespace ocu::edge {

class Lane {
public:
    // `own`: the lane's own addresses, at which the proxy is. `contact`: for refusals (edge/refusal.h). What is given must outlive this. Errors: os.
    static Result<std::unique_ptr<Lane>> open(wire::Loop& loop, Clock const& clock, Asker& asker, UniqueFd tcp_listener, UniqueFd dns_socket,
        std::vector<Address> own, std::function<std::shared_ptr<ExchangeTools>()> tools, std::string contact = {});
    Lane(Lane const&) = delete;
    Lane& operator=(Lane const&) = delete;

    void name_decided(proto::NameDecided const& decided);
    // Nothing for one that has ended meanwhile.
    Connection* find(ConnectionId id);
    std::size_t connections() const { return connections_.size(); }

private:
    // Who asked: by datagram, or on a stream.
    struct DnsAsker {
        DnsPeer peer;
        std::uint64_t stream = 0;  // 0: by datagram
    };
    struct Waiting {
        DnsAsker asker;
        DnsQuestion question;
    };

    Lane(wire::Loop& loop, Clock const& clock, Asker& asker, UniqueFd tcp_listener, UniqueFd dns_socket, std::vector<Address> own,
        std::function<std::shared_ptr<ExchangeTools>()> tools, std::string contact);

    void accept_some();
    void adopt(UniqueFd fd);
    void answer_some();
    void adopt_dns(UniqueFd fd);
    void answer_one(std::span<std::uint8_t const> message, DnsAsker const& asker);
    void answer(DnsQuestion const& question, DnsAsker const& asker, proto::Reason reason);
    bool within_dns_rate();
    void deny_dns(proto::Reason reason, std::string_view name);
    void sweep();

    wire::Loop& loop_;
    Clock const& clock_;
    Asker& asker_;
    UniqueFd tcp_;
    UniqueFd dns_;
    std::vector<Address> own_;
    NamePool names_{kNamesMax, std::chrono::seconds(4 * kDnsLifeSeconds)};
    Connection::Surroundings around_;
    std::unordered_map<ConnectionId, std::unique_ptr<Connection>> connections_;
    ConnectionId last_connection_;
    std::unordered_map<RequestId, Waiting> waiting_;
    RequestId last_question_;
    std::unordered_map<std::uint64_t, std::unique_ptr<DnsStream>> dns_streams_;
    std::uint64_t last_dns_stream_ = 0;
    Monotonic dns_second_{};
    unsigned dns_count_ = 0;
    wire::Watch accept_watch_;
    wire::Watch dns_watch_;
    wire::Watch sweep_tick_;
};

}  // namespace ocu::edge
