// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One TCP connection of a guest: its first bytes are looked at, a route is asked for with what they say, and what follows is spliced, handed
// to an Exchange, or refused in the way that its protocol allows (EG-2, EG-5, EG-6).
//
//      looking ── (CONNECT) ──> may_connect ──> looking ──> asking ──> open ──> over
//         └───────────────────────── refused ────────────────┴──> draining ──> over
//
// Threading: the loop's thread.

#include <functional>
#include <memory>
#include <string>

#include "base/unique_fd.h"
#include "edge/asker.h"
#include "edge/exchange.h"
#include "edge/first_look.h"
#include "edge/sockets.h"
#include "edge/splice.h"
#include "wire/loop.h"

namespace ocu::edge {

class Connection {
public:
    // What it gets from its lane; all of it outlives the connection.
    struct Surroundings {
        wire::Loop& loop;
        Clock const& clock;
        Asker& asker;
        // What a synthetic address stands for.
        std::function<std::optional<std::string>(Address const&)> name_behind;
        // Empty where no exchange can be served.
        std::function<std::shared_ptr<ExchangeTools>()> tools;
        // Called last, by the loop and never from within a call; it may destroy the connection.
        std::function<void(ConnectionId)> over;
        std::string contact = {};  // for refusals
    };

    Connection(Surroundings const& around, ConnectionId id, UniqueFd fd, Destination destination, bool to_proxy);
    ~Connection();
    Connection(Connection const&) = delete;
    Connection& operator=(Connection const&) = delete;

    // What the thread says. A word that does not fit where this stands is ignored: this may have ended meanwhile.
    void connect_decided(proto::Reason reason);
    void opened(proto::RouteOpened const& opened, UniqueFd upstream);
    void refused(proto::Reason reason, proto::RefusedBy by = proto::RefusedBy::us);
    void allowed(proto::RequestAllowed const& message);
    void request_refused(proto::RequestRefused const& message);
    void icap_opened(proto::IcapOpened const& message, UniqueFd socket);
    void icap_refused(proto::IcapRefused const& message);
    void cut();
    // Ends it if nothing has moved for kIdleTime.
    void sweep();

private:
    enum class Stage : std::uint8_t { looking, may_connect, asking, open, draining, over };

    void look_again();
    void readable();
    void look();
    void look_time_is_over();
    void understood(FirstLook const& look);
    void to_proxy(FirstLook const& look);
    void proxy_connect(FirstLook const& look);
    void proxy_absolute(FirstLook const& look);
    void aim_at(HostPort const& where);
    void ask_route(proto::EgressProtocol protocol, FirstLook const& look);
    void open_splice(UniqueFd upstream);
    void open_exchange(proto::RouteOpened const& opened, UniqueFd upstream);
    // Refused here, without the thread: told to it, and to the guest.
    void deny(proto::EgressProtocol protocol, proto::Reason reason, std::string_view name);
    void answer(proto::EgressProtocol protocol, proto::Reason reason, proto::RefusedBy by = proto::RefusedBy::us);
    void drain();
    void end(proto::Reason reason, std::string_view word, std::uint64_t up, std::uint64_t down);
    void over();

    Surroundings const& around_;
    ConnectionId id_;
    UniqueFd fd_;
    Destination destination_;
    bool to_proxy_;
    Stage stage_ = Stage::looking;
    proto::RouteForm form_ = proto::RouteForm::direct;
    std::string name_;       // where it goes: this, or
    std::string address_;    // this
    std::uint16_t port_ = 0;
    proto::EgressProtocol protocol_{};
    std::string bytes_;
    std::size_t drained_ = 0;
    wire::Watch deadline_;
    wire::Watch watch_;
    std::unique_ptr<Splice> splice_;
    std::unique_ptr<Exchange> exchange_;
};

}  // namespace ocu::edge
