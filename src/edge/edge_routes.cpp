// SPDX-License-Identifier: GPL-3.0-or-later
// From "may I?" to a connected socket: decided here, on record before it is dialled, dialled by `uplink`, and judged once more.

#include "base/log.h"
#include "edge/address.h"
#include "edge/edge_state.h"
#include "edge/sockets.h"

namespace ocu::edge {

namespace {

bool is_well_formed(proto::RouteAsked const& asked)
{
    return is_plain(asked.name.view()) && is_plain(asked.address.view()) && is_plain(asked.inner_name.view()) &&
           asked.name.empty() != asked.address.empty() && asked.port != 0 && asked.protocol != proto::EgressProtocol::dns;
}

}  // namespace

// What the guest will say inside is not known yet: it may go on if anything could be let through.
bool Edge::State::connect_asked(Session& session, proto::ConnectAsked const& asked)
{
    proto::RouteAsked route;
    route.connection = asked.connection;
    route.form = proto::RouteForm::connect;
    route.name = asked.name;
    route.address = asked.address;
    route.port = asked.port;
    route.inner_name = asked.name;
    if (!is_well_formed(route)) return false;
    proto::Reason reason = session.closed;
    std::string step;
    if (reason == proto::Reason::none) {
        for (auto const protocol : {proto::EgressProtocol::tcp, proto::EgressProtocol::http, proto::EgressProtocol::tls}) {
            route.protocol = protocol;
            auto verdict = allow.route(route);
            reason = verdict.reason;
            step = std::move(verdict.step);
            if (reason == proto::Reason::none) break;
        }
    }
    session.link->send(proto::ConnectDecided{asked.connection, reason});
    if (reason == proto::Reason::none) return true;
    route.protocol = proto::EgressProtocol::http;
    deny(session, denial_of(route, reason), step);
    return true;
}

bool Edge::State::route_asked(Session& session, proto::RouteAsked const& asked)
{
    // In the order in which guests spoke, which need not be that in which they connected.
    if (!is_well_formed(asked) || session.routes.contains(asked.connection)) return false;
    auto verdict = allow.route(asked);
    if (auto const reason = may_open(session, asked, verdict); reason != proto::Reason::none) {
        refuse(session, asked.connection, asked, reason, reason == verdict.reason ? verdict.step : std::string());
        return true;
    }
    Route route;
    route.asked = asked;
    route.verdict = std::move(verdict);
    route.number = ++last_number;
    route.rule = route.verdict.rules.front();
    route.began = clock.now();
    numbers[route.number] = {session.id, asked.connection};
    auto event = opened_event(session.id, route, rule_name(route.rule));
    std::uint64_t const number = route.number;
    auto const& kept = session.routes.emplace(asked.connection, std::move(route)).first->second;
    tripped(session, session.trip.connection(destination_of(asked), clock.now()), kept);
    // Invariant 7: what cannot be put on record does not happen.
    wires.recorder.record(std::move(event), [this, number](Result<EventNumber> written) { recorded(number, written.has_value()); });
    return true;
}

proto::Reason Edge::State::may_open(Session& session, proto::RouteAsked const&, RouteVerdict const& verdict)
{
    if (session.closed != proto::Reason::none) return session.closed;
    if (verdict.reason != proto::Reason::none) return verdict.reason;
    OCU_ASSERT(!verdict.rules.empty());
    if (session.routes.size() >= kConnectionsMax) return proto::Reason::rate_exceeded;
    if (!uplink) return proto::Reason::edge_draining;
    bool const all_spent = std::ranges::all_of(verdict.rules, [&](std::size_t rule) { return is_spent(session, rule); });
    return all_spent ? proto::Reason::budget_exceeded : proto::Reason::none;
}

void Edge::State::recorded(std::uint64_t number, bool written)
{
    auto const [session, connection] = route_of(number);
    if (session == nullptr) return;  // it has ended meanwhile, and that is on record
    Route& route = session->routes.at(connection);
    if (!written) return give_up(*session, connection, proto::Reason::audit_unavailable, "not recorded");
    if (!uplink) return give_up(*session, connection, proto::Reason::edge_draining, "uplink down");
    route.stage = Route::Stage::dialling;
    uplink->send(dial_of(route));
}

void Edge::State::uplink_up(UniqueFd link)
{
    uplink = std::make_unique<wire::Link>(
        loop, std::move(link), wire::Link::Options{proto::kUplinkToEdge, kHelperQueueBytesMax},
        [this](wire::Link::Frame frame) { uplink_says(std::move(frame)); },
        [this](wire::Lost why) {
            if (why != wire::Lost::closed) wires.spawner.report_violation(helper::Kind::uplink);
            loop.post([this] { uplink_down(); });
        });
    notices.uplink_up();
}

// What it was dialling is refused; what is connected goes on, and needs it no longer.
void Edge::State::uplink_down()
{
    uplink.reset();
    explain_without_uplink();
    notices.uplink_down();
    while (!icap_dials.empty()) (void)icap_not_dialled(RequestId{icap_dials.begin()->first});
    while (!source_dials.empty()) (void)source_not_dialled(RequestId{source_dials.begin()->first});
    while (!sink_dials.empty()) (void)sink_not_dialled(RequestId{sink_dials.begin()->first}, "uplink_down");
    auto const waiting = numbers;
    for (auto const& [number, where] : waiting) {
        auto const [session, connection] = route_of(number);
        if (session != nullptr && session->routes.at(connection).stage == Route::Stage::dialling)
            give_up(*session, connection, proto::Reason::edge_draining, "uplink down");
    }
}

void Edge::State::uplink_says(wire::Link::Frame frame)
{
    if (frame.type == static_cast<std::uint16_t>(proto::Type::dialled)) {
        if (auto const message = wire::decode<proto::Dialled>(frame.body); message && is_plain(message->address.view()))
            return dialled(*message, std::move(frame.descriptors[0]));
    } else if (frame.type == static_cast<std::uint16_t>(proto::Type::dial_judged)) {
        if (auto const judged = wire::decode<proto::DialJudged>(frame.body);
            judged && explained(judged->request.value, [&](Explanation& e) { e.judged(*judged); }))
            return;
    } else if (auto const failed = wire::decode<proto::DialFailed>(frame.body); failed && is_plain(failed->address.view())) {
        if (explained(failed->request.value, [&](Explanation& e) { e.not_judged(failed->failure); })) return;
        return dial_failed(*failed);
    }
    uplink->violation();
}

void Edge::State::dialled(proto::Dialled const& message, UniqueFd socket)
{
    if (icap_dialled(message, socket) || source_dialled(message, socket) || sink_dialled(message, socket) ||
        notices.dialled(message.request, socket))
        return;
    auto const [session, connection] = route_of(message.request.value);
    if (session == nullptr) return;  // it ended meanwhile; the socket closes
    Route& route = session->routes.at(connection);
    if (route.stage != Route::Stage::dialling) return uplink->violation();
    route.address = message.address.str();
    // The socket itself is asked where it leads: what `uplink` says is not enough for what a guest gets (T-05, T-14).
    auto const peer = peer_of(socket.get());
    auto kept = duplicate(socket.get());
    if (!peer || !leads_there(route, message, *peer) || !kept) {
        log::error("a dialled connection leads elsewhere");
        return give_up(*session, connection, proto::Reason::address_denied, "leads elsewhere");
    }
    numbers.erase(route.number);
    route.kept = *std::move(kept);
    route.stage = Route::Stage::open;
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(socket));
    proto::RouteOpened opened{connection, route.verdict.handling, {}, false, false};
    auto const some_rule = [&](auto has) { return std::ranges::any_of(route.verdict.rules, [&](auto rule) { return has(config.rules[rule]); }); };
    opened.client_certificate = some_rule([](Rule const& rule) { return rule.shows_certificate(); });
    // Several streams in one connection, each at its own pace, are not shown to an ICAP server, and one certificate is not for all of them.
    opened.http1_only = opened.client_certificate || some_rule([](Rule const& rule) { return rule.icap.has_value(); });
    if (opened.handling == proto::Handling::bump)
        opened.upstream_name = route.verdict.dial_name.empty() ? wire::Text<253>(route.verdict.dial_address) : wire::Text<253>(route.verdict.dial_name);
    session->link->send(opened, std::move(descriptors));
    keep_counting();
}

void Edge::State::dial_failed(proto::DialFailed const& failed)
{
    if (icap_not_dialled(failed.request) || source_not_dialled(failed.request) || sink_not_dialled(failed.request, name_of(failed.failure)) ||
        notices.not_dialled(failed.request, name_of(failed.failure)))
        return;
    auto const [session, connection] = route_of(failed.request.value);
    if (session == nullptr) return;
    Route& route = session->routes.at(connection);
    if (route.stage != Route::Stage::dialling || (is_of_proxy(failed.failure) && !config.proxy)) return uplink->violation();
    route.address = failed.address.str();
    if (is_of_proxy(failed.failure)) return proxy_failed(*session, connection, failed);
    proto::Reason reason = proto::Reason::none;
    if (failed.failure == proto::DialFailure::denied) reason = proto::Reason::address_denied;
    if (failed.failure == proto::DialFailure::over_limit) reason = proto::Reason::rate_exceeded;
    give_up(*session, connection, reason, name_of(failed.failure));
}

// Refused before anything was put on record about it.
void Edge::State::refuse(
    Session& session, ConnectionId connection, proto::RouteAsked const& asked, proto::Reason reason, std::string_view step)
{
    session.link->send(proto::RouteRefused{connection, reason});
    deny(session, denial_of(asked, reason), step);
}

// On record as opened, and not open: the record says how it ended, and the guest why.
void Edge::State::give_up(Session& session, ConnectionId connection, proto::Reason reason, std::string_view why)
{
    auto const found = session.routes.find(connection);
    if (session.link) session.link->send(proto::RouteRefused{connection, reason});
    if (reason != proto::Reason::none) deny(session, denial_of(found->second.asked, reason));
    close_route(session, found, reason, why);
}

bool Edge::State::connection_ended(Session& session, proto::ConnectionEnded const& ended)
{
    auto const found = session.routes.find(ended.connection);
    if (found == session.routes.end() || !is_plain(ended.word.view()) || ended.reason > proto::Reason::edge_draining) return false;
    auto const stage = found->second.stage;
    if (stage == Route::Stage::cut) {
        session.routes.erase(found);
        return true;
    }
    if (ended.reason != proto::Reason::none) deny(session, denial_of(found->second.asked, ended.reason));
    if (stage == Route::Stage::dialling && uplink) uplink->send(proto::DialCancel{RequestId{found->second.number}});
    close_route(session, found, ended.reason, ended.word.view());
    return true;
}

std::pair<Session*, ConnectionId> Edge::State::route_of(std::uint64_t number)
{
    auto const found = numbers.find(number);
    if (found == numbers.end()) return {nullptr, {}};
    return {find(found->second.first), found->second.second};
}

}  // namespace ocu::edge
