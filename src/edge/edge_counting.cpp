// SPDX-License-Identifier: GPL-3.0-or-later
// Budgets, the tripwire, and the ending of connections from here: by the kernel's count and on the socket itself, not by the helper's word.

#include <sys/socket.h>

#include "edge/edge_state.h"

namespace ocu::edge {

// What has gone over it since it was last counted is paid by the rule that let it through.
void Edge::State::count(Session& session, Route& route)
{
    if (!route.kept) return;
    auto const now = traffic_of(route.kept.get());
    std::uint64_t const more = now.sum() - std::min(now.sum(), route.counted.sum());
    session.moved.up += now.up - std::min(now.up, route.counted.up);
    session.moved.down += now.down - std::min(now.down, route.counted.down);
    route.counted = now;
    session.spent[route.rule] += more;
    tripped(session, session.trip.bytes(more), route);
}

bool Edge::State::is_spent(Session const& session, std::size_t rule) const
{
    return config.rules[rule].budget_bytes != 0 && session.spent[rule] >= config.rules[rule].budget_bytes;
}

// Only marks the session: its connections end at the next count, when nobody holds one of them.
void Edge::State::tripped(Session& session, std::vector<Tripped> const& which, Route const& route)
{
    for (auto const each : which) {
        std::uint64_t bytes = 0;
        for (auto const& spent : session.spent) bytes += spent;
        auto event = tripwire_event(session.id, each, bytes, config.tripwire.kill);
        if (notices.wanted())
            record_and_tell(session, each, route, std::move(event));
        else
            wires.recorder.note(std::move(event));
        if (!config.tripwire.kill || session.closed != proto::Reason::none) continue;
        session.closed = each == Tripped::bytes ? proto::Reason::budget_exceeded : proto::Reason::rate_exceeded;
        loop.post([this, id = session.id] {
            Session* const found = find(id);
            if (found == nullptr) return;
            std::vector<ConnectionId> all;
            for (auto const& [connection, each_route] : found->routes) all.push_back(connection);
            for (auto const connection : all) cut(*found, connection, found->closed, "tripwire");
        });
    }
}

// The socket is shut for the helper and for us; nothing that the helper does keeps it open (T-14, T-17).
void Edge::State::cut(Session& session, ConnectionId connection, proto::Reason reason, std::string_view why)
{
    auto const found = session.routes.find(connection);
    if (found == session.routes.end() || found->second.stage == Route::Stage::cut) return;
    if (found->second.stage != Route::Stage::open) return give_up(session, connection, reason, why);
    session.link->send(proto::ConnectionCut{connection});
    deny(session, denial_of(found->second.asked, reason));
    Route left;
    left.asked = found->second.asked;
    left.stage = Route::Stage::cut;
    close_route(session, found, reason, why);
    session.routes.emplace(connection, std::move(left));  // until the helper says that it has let go of it too
}

void Edge::State::close_route(
    Session& session, std::map<ConnectionId, Route>::iterator found, proto::Reason reason, std::string_view why)
{
    Route& route = found->second;
    if (route.stage != Route::Stage::cut) {
        count(session, route);
        if (route.kept) (void)::shutdown(route.kept.get(), SHUT_RDWR);
        drop_icap(route);
        numbers.erase(route.number);
        for (auto const& [id, request] : route.requests) {
            leases.erase(request.lease_wanted);
            proto::RequestDone const broken{found->first, id, 0, reason, 0, 0};
            wires.recorder.note(request_event(session.id, request, broken, rule_name(request.rule)));
        }
        wires.recorder.note(closed_event(session.id, route, route.counted, clock.now(), reason, why));
    }
    session.routes.erase(found);
}

void Edge::State::count_all()
{
    count_tick.reset();
    drop_late_leases();
    bool open = !leases.empty();
    for (auto const& [id, session] : sessions) {
        std::vector<ConnectionId> spent;
        for (auto& [connection, route] : session->routes) {
            if (route.stage != Route::Stage::open) continue;
            open = true;
            count(*session, route);
            if (is_spent(*session, route.rule)) spent.push_back(connection);
        }
        tell_traffic(*session);
        for (auto const connection : spent) cut(*session, connection, proto::Reason::budget_exceeded, "budget spent");
    }
    if (open) keep_counting();
}

// For the meter, which has use for it now and then; what comes between this and the last word is in that.
void Edge::State::tell_traffic(Session& session)
{
    if (session.moved.sum() == 0 || clock.now() - session.told_moved < kTellTrafficEvery) return;
    session.told_moved = clock.now();
    wires.control.send(proto::SessionTraffic{session.id, session.moved.up, session.moved.down, proto::Telling::so_far});
}

void Edge::State::keep_counting()
{
    if (!count_tick) count_tick = loop.after(kCountTick, [this] { count_all(); });
}

}  // namespace ocu::edge
