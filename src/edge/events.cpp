// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/events.h"

#include <algorithm>

namespace ocu::edge {

namespace {

constexpr std::size_t kStepBytesMax = 500;

proto::Event guest_event(SessionId session, proto::What what)
{
    proto::Event event;
    event.what = what;
    event.session = session;
    event.actor = "guest";
    return event;
}

proto::Event route_event(SessionId session, Route const& route, proto::What what)
{
    auto event = guest_event(session, what);
    event.resource = wire::Text<512>(destination_of(route.asked));
    event.number = route.asked.port;
    return event;
}

}  // namespace

bool is_plain(std::string_view text)
{
    return std::ranges::all_of(text, [](unsigned char c) { return c > ' ' && c < 0x7f; });
}

std::string host_and_port(std::string_view host, std::uint16_t port)
{
    bool const v6 = host.find(':') != std::string_view::npos;
    std::string const text(host);
    return (v6 ? '[' + text + ']' : text) + ':' + std::to_string(port);
}

std::string destination_of(proto::RouteAsked const& asked)
{
    return host_and_port(asked.name.empty() ? asked.address.view() : asked.name.view(), asked.port);
}

proto::EgressDenied denial_of(proto::RouteAsked const& asked, proto::Reason reason)
{
    proto::EgressDenied denied;
    denied.protocol = asked.protocol;
    denied.reason = reason;
    denied.destination = wire::Text<64>::cut(asked.address.empty() ? asked.name.view() : asked.address.view());
    denied.port = asked.port;
    denied.name = wire::Text<256>(asked.inner_name.empty() ? asked.name.view() : asked.inner_name.view());
    denied.count = 1;
    return denied;
}

proto::Event denial_event(SessionId session, proto::EgressDenied const& denied, std::string_view step)
{
    bool const dns = denied.protocol == proto::EgressProtocol::dns;
    auto event = guest_event(session, dns ? proto::What::dns_denied : proto::What::egress_denied);
    event.outcome = proto::Outcome::failure;
    event.reason = denied.reason;
    event.resource = wire::Text<512>(dns ? denied.name.str() : host_and_port(denied.destination.view(), denied.port));
    std::string detail = "protocol=" + std::string(name_of(denied.protocol)) + " count=" + std::to_string(denied.count);
    if (!dns && !denied.name.empty()) detail += " name=" + denied.name.str();
    if (!step.empty()) detail.append(" step=").append(step.substr(0, kStepBytesMax));
    event.detail = wire::Text<1024>(std::move(detail));
    event.number = denied.port;
    return event;
}

proto::Event opened_event(SessionId session, Route const& route, std::string_view rule)
{
    auto event = route_event(session, route, proto::What::egress_opened);
    constexpr std::string_view kHandlings[] = {"splice", "http", "bump"};
    std::string detail = "protocol=" + std::string(name_of(route.asked.protocol)) + " rule=" + std::string(rule) +
                         " handling=" + std::string(kHandlings[static_cast<std::size_t>(route.verdict.handling)]);
    event.detail = wire::Text<1024>::cut(detail);
    return event;
}

proto::Event closed_event(SessionId session, Route const& route, Traffic traffic, Monotonic now, proto::Reason reason, std::string_view why)
{
    auto event = route_event(session, route, proto::What::egress_closed);
    event.reason = reason;
    event.outcome = reason == proto::Reason::none && why.empty() ? proto::Outcome::success : proto::Outcome::failure;
    std::string detail = "up=" + std::to_string(traffic.up) + " down=" + std::to_string(traffic.down);
    if (!route.address.empty()) detail += " address=" + route.address;
    if (!route.proxy.empty()) detail += " proxy=" + route.proxy;
    if (!why.empty()) detail += " why=" + std::string(why);
    event.detail = wire::Text<1024>::cut(detail);
    event.bytes = traffic.sum();
    event.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - route.began).count();
    return event;
}

proto::Event request_event(SessionId session, Request const& request, proto::RequestDone const& done, std::string_view rule)
{
    auto event = guest_event(session, proto::What::http_request);
    event.resource = wire::Text<512>::cut(request.host);
    event.reason = done.reason;
    event.outcome = done.reason == proto::Reason::none && done.status != 0 ? proto::Outcome::success : proto::Outcome::failure;
    event.detail = wire::Text<1024>::cut(request.method + ' ' + request.path + " rule=" + std::string(rule));
    event.number = done.status;
    event.bytes = done.bytes_up + done.bytes_down;
    return event;
}

proto::Event tripwire_event(SessionId session, Tripped tripped, std::uint64_t bytes, bool kill)
{
    auto event = guest_event(session, proto::What::tripwire);
    event.outcome = kill ? proto::Outcome::failure : proto::Outcome::success;
    event.resource = wire::Text<512>(name_of(tripped));
    event.detail = kill ? "its connections were ended and no more are let through" : "told only";
    event.bytes = bytes;
    return event;
}

proto::Event helper_event(SessionId session, proto::What what)
{
    proto::Event event;
    event.what = what;
    event.outcome = proto::Outcome::failure;
    event.reason = proto::Reason::internal;
    event.session = session;
    event.actor = "core";
    event.resource = wire::Text<512>(helper::name_of(helper::Kind::edge));
    return event;
}

}  // namespace ocu::edge
