// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/edge.h"

#include "base/log.h"
#include "edge/edge_state.h"

namespace ocu::edge {

Session* Edge::State::find(SessionId session)
{
    auto const found = sessions.find(session);
    return found == sessions.end() ? nullptr : found->second.get();
}

void Edge::State::attach(proto::LaneAttach lane)
{
    // Sever and attach come from two roles and may arrive in either order; the first word to be obeyed is the denial (T-17).
    if (severed.contains(lane.session) || sessions.contains(lane.session)) return;
    if (sessions.size() >= kSessionsMax) return log::error("too many lanes; a guest reaches nothing");
    auto session = std::make_unique<Session>(
        lane.session, lane.slot, std::move(lane.tcp_listener), std::move(lane.dns_socket), config.rules.size(), config.tripwire);
    watch(*sessions.emplace(lane.session, std::move(session)).first->second);
}

void Edge::State::detach(SessionId session) { end_session(session, proto::Reason::none); }

void Edge::State::sever(SessionId session)
{
    if (severed.insert(session).second) severed_order.push_back(session);
    if (severed_order.size() > kSeveredMax) {
        severed.erase(severed_order.front());
        severed_order.pop_front();
    }
    store.severed(session);
    end_session(session, proto::Reason::session_denied);
}

// None of it needs the helper's help: its sockets are shut here, custody forgets what it may redeem, and it is killed (T-13, T-17).
void Edge::State::end_session(SessionId id, proto::Reason reason)
{
    auto const found = sessions.find(id);
    if (found == sessions.end()) return;
    Session& session = *found->second;
    drop_helper(session, reason, "session ended");
    wires.custody.send(proto::EdgeSessionOver{id});
    tell(id, session.fold.close());
    wires.control.send(proto::SessionTraffic{id, session.moved.up, session.moved.down, proto::Telling::last});
    sessions.erase(found);
}

void Edge::State::stop()
{
    while (!sessions.empty()) end_session(sessions.begin()->first, proto::Reason::none);
    uplink.reset();
    store.stop();
    notices.stop();
    fold_tick.reset();
    count_tick.reset();
    wires.stopped();
}

void Edge::State::helper_up(proto::HelperUp up)
{
    if (up.kind == helper::Kind::uplink) return uplink_up(std::move(up.link));
    if (up.kind == helper::Kind::storage_lane) return store.helper_up(std::move(up));
    if (up.kind == helper::Kind::notifier) notices.helper_up(std::move(up.link));
}

// Nothing bypasses a helper that is down: nobody else has a network (EG-12).
void Edge::State::helper_down(helper::Kind kind)
{
    if (kind == helper::Kind::uplink) uplink_down();
    if (kind == helper::Kind::storage_lane) store.helper_down();
    if (kind == helper::Kind::notifier) notices.helper_down();
}

// T-17: what serves a severed session gets no way out, whichever of the two words came first.
void Edge::State::store_lane_wanted(proto::StoreLaneWanted wanted)
{
    if (wanted.use == proto::LaneUse::serve && severed.contains(wanted.session)) return;
    if (wanted.use == proto::LaneUse::cold) return;  // T-43: that way is audit's alone
    store.wanted(std::move(wanted));
}

void Edge::State::deny(Session& session, proto::EgressDenied denied, std::string_view step)
{
    tell(session.id, session.fold.add(denied, clock.now()), step);
    if (!fold_tick) fold_tick = loop.after(kFoldTick, [this] { fold_all(); });
}

void Edge::State::fold_all()
{
    fold_tick.reset();
    bool waiting = false;
    for (auto const& [id, session] : sessions) {
        tell(id, session->fold.due(clock.now()));
        waiting = waiting || !session->fold.empty();
    }
    if (waiting) fold_tick = loop.after(kFoldTick, [this] { fold_all(); });
}

void Edge::State::tell(SessionId session, std::vector<proto::EgressDenied> const& events, std::string_view step)
{
    for (auto const& event : events) wires.recorder.note(denial_event(session, event, step));
}

Edge::Edge(wire::Loop& loop, Clock const& clock, Config config, UniqueFd roots, Wires wires)
    : state_(std::make_unique<State>(loop, clock, std::move(config), std::move(roots), std::move(wires)))
{
    State& s = *state_;
    s.wires.core_in.on_message([&s](proto::CoreToRole::Message message) {
        std::visit(wire::Overloaded{[&s](proto::HelperUp& up) { s.helper_up(std::move(up)); },
                       [&s](proto::HelperDown& down) { s.helper_down(down.kind); }, [&s](proto::StopRole&) { s.stop(); }},
            message);
    });
    s.wires.sandbox_in.on_message([&s](proto::SandboxToEdge::Message message) {
        std::visit(wire::Overloaded{[&s](proto::LaneAttach& lane) { s.attach(std::move(lane)); },
                       [&s](proto::LaneDetach& lane) { s.detach(lane.session); }},
            message);
    });
    s.wires.control_in.on_message([&s](proto::ControlToEdge::Message message) {
        std::visit(wire::Overloaded{[&s](proto::SessionSever const& sever) { s.sever(sever.session); },
                       [&s](proto::ExplainWanted const& wanted) { s.explain(wanted); }},
            message);
    });
    s.wires.storage_in.on_message([&s](proto::StorageToEdge::Message message) {
        std::visit(wire::Overloaded{[&s](proto::StoreLaneWanted& wanted) { s.store_lane_wanted(std::move(wanted)); },
                       [&s](proto::StoreLaneOver const& over) { s.store.over(over.lane); },
                       [&s](proto::SessionWithholds const& told) { s.withholds(told); }},
            message);
    });
    s.wires.audit_in.on_message(
        [&s](proto::AuditToEdge::Message message) {
            std::visit(wire::Overloaded{[&s](proto::SinkDialWanted const& wanted) { s.sink_dial_wanted(wanted); },
                           [&s](proto::ColdLaneWanted& wanted) { s.store.cold_wanted(std::move(wanted)); }},
                message);
        });
    s.wires.custody_in.on_message([&s](proto::CustodyToEdge::Message message) {
        std::visit(wire::Overloaded{[&s](proto::LeaseMade& made) { s.lease_made(made); }, [&s](proto::CustodyUp&) { s.custody_is_new(); },
                       [&s](proto::SourceDialWanted& wanted) { s.source_dial_wanted(wanted); },
                       [&s](proto::SourceDialCancelled& cancelled) { s.source_dial_cancelled(cancelled); },
                       [&s](proto::NoticeSigned const& answer) { s.notices.signed_by_custody(answer); }},
            message);
    });
}

Edge::~Edge() = default;

}  // namespace ocu::edge
