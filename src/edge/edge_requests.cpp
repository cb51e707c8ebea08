// SPDX-License-Identifier: GPL-3.0-or-later
// Requests on an open route: each is decided by itself, and one that is to carry a credential waits for custody's word.

#include "edge/edge_state.h"

namespace ocu::edge {

namespace {

proto::IcapOrder order_of(Rule const& rule)
{
    proto::IcapOrder order;
    if (!rule.icap) return order;
    if (rule.icap->request) order.request = wire::Text<256>(rule.icap->request->uri);
    if (rule.icap->response) order.response = wire::Text<256>(rule.icap->response->uri);
    order.preview_bytes = rule.icap->preview_bytes;
    return order;
}

}  // namespace

bool Edge::State::request_asked(Session& session, proto::RequestAsked const& asked)
{
    auto const found = session.routes.find(asked.connection);
    if (found == session.routes.end()) return false;
    Route& route = found->second;
    if (route.stage == Route::Stage::cut) return true;  // it has not heard yet
    if (route.stage != Route::Stage::open || route.verdict.handling == proto::Handling::splice || asked.request <= route.last_request ||
        asked.method.empty() || !is_plain(asked.method.view()) || !is_plain(asked.host.view()) || !is_plain(asked.path.view()))
        return false;
    route.last_request = asked.request;
    count(session, route);
    auto const& name = route.asked.name.empty() ? route.asked.address.view() : route.asked.name.view();
    auto const verdict = allow.request(route.verdict.rules, name, asked);
    proto::Reason reason = session.closed;
    if (reason == proto::Reason::none) reason = verdict.reason;
    if (reason == proto::Reason::none && is_spent(session, verdict.rule)) reason = proto::Reason::budget_exceeded;
    if (reason == proto::Reason::none && route.requests.size() >= kRequestsPerConnectionMax) reason = proto::Reason::rate_exceeded;
    if (reason != proto::Reason::none) {
        refuse_request(session, route, asked, reason, reason == verdict.reason ? verdict.step : std::string());
        return true;
    }
    route.rule = verdict.rule;
    Request& request = route.requests[asked.request];
    request = {asked.method.str(), asked.host.str(), asked.path.str(), verdict.rule, 0};
    if (config.rules[verdict.rule].injection)
        want_lease(session, asked.connection, asked.request, request);
    else
        session.link->send(proto::RequestAllowed{asked.connection, asked.request, 0, {}, {}, false, order_of(config.rules[verdict.rule])});
    return true;
}

void Edge::State::want_lease(Session& session, ConnectionId connection, RequestId id, Request& request)
{
    auto const& rule = config.rules[request.rule];
    request.lease_wanted = ++last_number;
    leases[request.lease_wanted] = {session.id, connection, id, clock.now() + kLeaseWait};
    proto::LeaseWanted wanted;
    wanted.request = RequestId{request.lease_wanted};
    wanted.session = session.id;
    wanted.rule = wire::Text<64>(rule.name);
    wanted.credential = wire::Text<64>(rule.injection->credential);
    wanted.destination = wire::Text<253>(request.host);
    wanted.port = session.routes.at(connection).asked.port;
    wires.custody.send(std::move(wanted));
    keep_counting();
}

void Edge::State::lease_made(proto::LeaseMade const& made)
{
    auto const found = leases.find(made.request.value);
    if (found == leases.end()) return;  // too late, or its session is over
    auto const asked = found->second;
    leases.erase(found);
    Session* const session = find(asked.session);
    if (session == nullptr) return;
    auto const route = session->routes.find(asked.connection);
    if (route == session->routes.end()) return;
    auto const request = route->second.requests.find(asked.request);
    if (request == route->second.requests.end()) return;
    request->second.lease_wanted = 0;
    if (made.reason == proto::Reason::none && made.lease != 0) {
        auto const& injection = *config.rules[request->second.rule].injection;
        auto const& rule = config.rules[request->second.rule];
        session->link->send(proto::RequestAllowed{asked.connection, asked.request, made.lease, wire::Text<64>(injection.header),
            wire::Text<128>(injection.format), injection.as == Shown::client_certificate, order_of(rule)});
        return;
    }
    proto::RequestAsked again;
    again.connection = asked.connection;
    again.request = asked.request;
    again.host = wire::Text<253>(request->second.host);
    route->second.requests.erase(request);
    refuse_request(*session, route->second, again, made.reason == proto::Reason::none ? proto::Reason::credential_unavailable : made.reason);
}

// Custody is down, or does not answer: the request is refused, and goes nowhere without its credential (EG-12).
void Edge::State::drop_late_leases()
{
    std::vector<std::uint64_t> late;
    for (auto const& [number, asked] : leases)
        if (clock.now() >= asked.until) late.push_back(number);
    for (auto const number : late) lease_made({RequestId{number}, proto::Reason::credential_unavailable, 0, {}});
}

void Edge::State::refuse_request(
    Session& session, Route const& route, proto::RequestAsked const& asked, proto::Reason reason, std::string_view step)
{
    session.link->send(proto::RequestRefused{asked.connection, asked.request, reason});
    auto denied = denial_of(route.asked, reason);
    denied.protocol = proto::EgressProtocol::http;
    denied.name = wire::Text<256>(asked.host.view());
    deny(session, std::move(denied), step);
}

bool Edge::State::request_done(Session& session, proto::RequestDone const& done)
{
    auto const found = session.routes.find(done.connection);
    if (found == session.routes.end()) return false;
    if (found->second.stage == Route::Stage::cut) return true;
    auto const request = found->second.requests.find(done.request);
    if (request == found->second.requests.end() || done.reason > proto::Reason::edge_draining || done.status > 999) return false;
    leases.erase(request->second.lease_wanted);
    wires.recorder.note(request_event(session.id, request->second, done, rule_name(request->second.rule)));
    found->second.requests.erase(request);
    return true;
}

}  // namespace ocu::edge
