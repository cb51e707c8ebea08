// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The edge thread's state, in parts: sessions and wiring (edge.cpp), their helpers (edge_helpers.cpp), routes (edge_routes.cpp), requests
// (edge_requests.cpp), what may not leave (edge_withheld.cpp), the proxy (edge_proxy.cpp), counting and cutting (edge_counting.cpp), the webhook (edge_notices.cpp), sinks (edge_sinks.cpp), operators' questions
// (edge_explain.cpp). Included by these alone.

#include <deque>
#include <unordered_map>
#include <unordered_set>

#include "edge/edge.h"
#include "edge/events.h"
#include "edge/explain.h"
#include "edge/limits.h"
#include "edge/notices.h"
#include "edge/sockets.h"
#include "edge/store_desk.h"
#include "proto/edge_to_uplink.h"

namespace ocu::edge {

struct Edge::State {
    State(wire::Loop& loop_in, Clock const& clock_in, Config config_in, UniqueFd roots_in, Wires wires_in)
        : loop(loop_in), clock(clock_in), config(std::move(config_in)), allow(config.rules), roots(std::move(roots_in)),
          wires(std::move(wires_in)), store(loop, clock, config.store, config.cold, {wires.storage, wires.control, wires.recorder, wires.spawner}),
          notices(loop, clock, config.webhook, notice_calls())
    {}

    // Sessions: edge.cpp.
    void attach(proto::LaneAttach lane);
    void detach(SessionId session);
    void sever(SessionId session);
    void end_session(SessionId session, proto::Reason reason);
    void stop();
    void helper_up(proto::HelperUp up);
    void helper_down(helper::Kind kind);
    void store_lane_wanted(proto::StoreLaneWanted wanted);
    Session* find(SessionId session);

    // A session's helper: edge_helpers.cpp.
    void watch(Session& session);
    void first_packet(SessionId session);
    Result<void> start(Session& session);
    void lost(SessionId session, std::uint64_t generation, wire::Lost why);
    void drop_helper(Session& session, proto::Reason reason, std::string_view why);
    void says(SessionId session, wire::Link::Frame const& frame);
    bool obey(Session& session, wire::Link::Frame const& frame);
    void slow_down(Session& session);
    void custody_is_new();
    bool name_asked(Session& session, proto::NameAsked const& asked);
    bool helper_denied(Session& session, proto::EgressDenied const& denied);

    // What may not leave: edge_withheld.cpp.
    void withholds(proto::SessionWithholds const& told);
    static void tell_withheld(Session& session);

    // Routes: edge_routes.cpp. What returns bool says false for a word that breaks the grammar of the link.
    bool connect_asked(Session& session, proto::ConnectAsked const& asked);
    bool route_asked(Session& session, proto::RouteAsked const& asked);
    proto::Reason may_open(Session& session, proto::RouteAsked const& asked, RouteVerdict const& verdict);
    void recorded(std::uint64_t number, bool written);
    void uplink_up(UniqueFd link);
    void uplink_down();
    void uplink_says(wire::Link::Frame frame);
    void dialled(proto::Dialled const& dialled, UniqueFd socket);
    void dial_failed(proto::DialFailed const& failed);
    void refuse(Session& session, ConnectionId connection, proto::RouteAsked const& asked, proto::Reason reason, std::string_view step);
    void give_up(Session& session, ConnectionId connection, proto::Reason reason, std::string_view why);
    bool connection_ended(Session& session, proto::ConnectionEnded const& ended);
    std::pair<Session*, ConnectionId> route_of(std::uint64_t number);

    // The customer's proxy: edge_proxy.cpp.
    static proto::Dial dial_of(Route const& route);
    bool leads_there(Route& route, proto::Dialled const& dialled, Destination const& peer) const;
    void proxy_failed(Session& session, ConnectionId connection, proto::DialFailed const& failed);

    // Requests: edge_requests.cpp.
    bool request_asked(Session& session, proto::RequestAsked const& asked);
    bool request_done(Session& session, proto::RequestDone const& done);
    void allow_request(Session& session, ConnectionId connection, RequestId request, std::uint64_t lease);
    void refuse_request(
        Session& session, Route const& route, proto::RequestAsked const& asked, proto::Reason reason, std::string_view step = {});
    void want_lease(Session& session, ConnectionId connection, RequestId id, Request& request);
    void lease_made(proto::LeaseMade const& made);
    void drop_late_leases();

    // ICAP: edge_icap.cpp.
    bool icap_asked(Session& session, proto::IcapAsked const& asked);
    bool icap_dialled(proto::Dialled const& dialled, UniqueFd& socket);
    bool icap_not_dialled(RequestId dial);
    void drop_icap(Route& route);

    // Sources of credentials: edge_source.cpp.
    void source_dial_wanted(proto::SourceDialWanted const& wanted);
    void source_dial_cancelled(proto::SourceDialCancelled const& cancelled);
    bool source_dialled(proto::Dialled const& dialled, UniqueFd& socket);
    bool source_not_dialled(RequestId dial);

    // Sinks of the record: edge_sinks.cpp.
    void sink_dial_wanted(proto::SinkDialWanted const& wanted);
    bool sink_dialled(proto::Dialled const& dialled, UniqueFd& socket);
    bool sink_not_dialled(RequestId dial, std::string_view why);

    // Counting and cutting: edge_counting.cpp.
    void count(Session& session, Route& route);
    void tripped(Session& session, std::vector<Tripped> const& which, Route const& route);
    bool is_spent(Session const& session, std::size_t rule) const;
    void cut(Session& session, ConnectionId connection, proto::Reason reason, std::string_view why);
    void close_route(Session& session, std::map<ConnectionId, Route>::iterator route, proto::Reason reason, std::string_view why);
    void count_all();
    void tell_traffic(Session& session);
    void keep_counting();

    // The webhook: edge_notices.cpp.
    Notices::Calls notice_calls();
    void record_and_tell(Session const& session, Tripped which, Route const& route, proto::Event event);

    // Operators' questions: edge_explain.cpp.
    SessionFacts facts_of(SessionId id);
    void explain(proto::ExplainWanted const& wanted);
    // False: that number is none of theirs.
    bool explained(std::uint64_t number, std::function<void(Explanation&)> const& add);
    void explain_without_uplink();

    // Refusals on record. `step`: the decision in words, for the first of those that are alike.
    void deny(Session& session, proto::EgressDenied denied, std::string_view step = {});
    void fold_all();
    void tell(SessionId session, std::vector<proto::EgressDenied> const& events, std::string_view step = {});
    std::string const& rule_name(std::size_t rule) const { return config.rules[rule].name; }

    struct LeaseAsked {
        SessionId session;
        ConnectionId connection;
        RequestId request;
        Monotonic until;
    };

    struct Explaining {
        RequestId request;
        Explanation explanation;
    };
    struct IcapDial {
        SessionId session;
        proto::IcapAsked asked;
        IcapEndpoint const* to = nullptr;  // in config
    };

    wire::Loop& loop;
    Clock const& clock;
    Config config;
    AllowList allow;
    UniqueFd roots;
    Wires wires;
    std::unique_ptr<wire::Link> uplink;
    std::unordered_map<SessionId, std::unique_ptr<Session>> sessions;
    std::unordered_set<SessionId> severed;
    std::deque<SessionId> severed_order;
    std::unordered_map<std::uint64_t, std::pair<SessionId, ConnectionId>> numbers;  // of routes that are being recorded or dialled
    std::unordered_map<std::uint64_t, LeaseAsked> leases;
    std::unordered_map<std::uint64_t, Explaining> explaining;  // by the number of the dial
    std::unordered_map<std::uint64_t, IcapDial> icap_dials;
    std::unordered_map<std::uint64_t, proto::SourceDialWanted> source_dials;
    std::unordered_map<std::uint64_t, proto::SinkDialWanted> sink_dials;
    std::uint64_t last_number = 0;
    StartGate starts{kStartsPerSecondMax, std::chrono::seconds(1), {}, {}};  // of all sessions' helpers
    wire::Watch fold_tick;
    wire::Watch count_tick;
    StoreDesk store;
    Notices notices;
};

}  // namespace ocu::edge
