// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The HTTP/2 half of an exchange (EG-5, EG-7): many requests at once on a bumped route, each asked for by its own number. A request for another
// authority than the route's, as a client makes that has coalesced two hosts onto one connection, is told name_mismatch and the connection
// goes away: its streams end, and nothing new is taken. Threading: the loop's thread.

#include <map>

#include "edge/request_flow.h"
#include "wire/http2_relay.h"

namespace ocu::edge {

class Http2Exchange final : public wire::Http2Owner, public std::enable_shared_from_this<Http2Exchange> {
public:
    struct Calls {
        std::function<void(proto::RequestAsked)> ask;
        std::function<void(proto::RequestDone)> done;
        std::function<void(proto::Reason, std::string_view word, wire::RelayTotals)> ended;  // the last word
        std::function<void(std::function<void()>)> later;  // runs it from the loop
    };

    // `unverified`: why every request is refused, or none. `upstream` may then be null.
    Http2Exchange(
        std::shared_ptr<ExchangeTools> tools, ExchangeRoute route, std::string authority, RequestFlow::Unasked unverified, Calls calls);

    void start(wire::Loop& loop, std::unique_ptr<wire::Transport> guest, std::unique_ptr<wire::Transport> upstream);
    void allowed(proto::RequestAllowed const& message);
    void refused(proto::RequestRefused const& message);
    void cut();
    wire::RelayTotals totals() const { return relay_ ? relay_->totals() : wire::RelayTotals{}; }

    void request(wire::Http2StreamId stream, wire::RelayRequest const& head) override;
    std::optional<wire::HttpResponse> response(wire::Http2StreamId stream, wire::RelayResponse& head) override;
    std::unique_ptr<wire::BodyFilter> filter(wire::Http2StreamId stream, wire::RelayResponse const& head) override;
    wire::HttpResponse explain(wire::Http2StreamId stream, wire::RelayFault fault) override;
    bool request_trailers(wire::Http2StreamId stream, wire::Http2Fields const& trailers) override;
    void response_trailers(wire::Http2StreamId stream, wire::Http2Fields& trailers) override;
    void done(wire::Http2StreamId stream, wire::RelayDone const& told) override;
    void ended(wire::RelayFault fault, wire::RelayTotals totals) override;

private:
    void refuse_and_end(wire::Http2StreamId stream, RequestFlow::Unasked why);
    RequestFlow* find(wire::Http2StreamId stream);
    RequestFlow* find(RequestId number);

    std::shared_ptr<ExchangeTools> tools_;  // shared with all exchanges of the process
    ExchangeRoute route_;
    std::string authority_;
    RequestFlow::Unasked unverified_;
    Calls calls_;
    std::map<wire::Http2StreamId, std::shared_ptr<RequestFlow>> flows_;  // shared, weakly, with what custody is asked
    std::map<RequestId, wire::Http2StreamId> streams_;
    RequestId last_;
    RequestFlow::Unasked end_{proto::Reason::none, {}};
    std::optional<wire::Http2Relay> relay_;
};

}  // namespace ocu::edge
