// SPDX-License-Identifier: GPL-3.0-or-later
// What the thread knows of the customer's proxy: where a socket may lead that `uplink` hands over, and what a refusal of the proxy's means.

#include <format>

#include "edge/chained_proxy.h"
#include "edge/edge_state.h"

namespace ocu::edge {

namespace {

// The customer's own policy, in the one form in which proxies say it; all else is that it could not be done.
bool is_policy(proto::DialFailed const& failed)
{
    return failed.failure == proto::DialFailure::proxy_refused && (failed.status == 403 || failed.status == 451);
}

}  // namespace

proto::Dial Edge::State::dial_of(Route const& route)
{
    proto::Dial dial;
    dial.request = RequestId{route.number};
    dial.name = wire::Text<253>(route.verdict.dial_name);
    dial.address = wire::Text<45>(route.verdict.dial_address);
    dial.port = route.asked.port;
    dial.ranges = decltype(dial.ranges)(route.verdict.ranges);
    return dial;
}

// Without the proxy, or by it to what the rule permits. Where the proxy's tunnel leads nobody here can see; that it is the proxy's, and what the
// proxy was told, is what is known (T-05).
bool Edge::State::leads_there(Route& route, proto::Dialled const& dialled, Destination const& peer) const
{
    auto const& ranges = route.verdict.ranges;
    if (goes_direct(config.proxy, peer.address) && peer.port == route.asked.port && may_dial(peer.address, ranges)) return true;
    if (!config.proxy || peer.port != config.proxy.port || !may_be_proxy(config.proxy, peer.address)) return false;
    route.proxy = name_of(config.proxy);
    if (proxy_resolves(config.proxy, dial_of(route))) return dialled.address.empty();
    auto const told = parse_address(dialled.address.view());
    return told && may_dial(*told, ranges) && may_go_by_proxy(*told) && !goes_direct(config.proxy, *told);
}

void Edge::State::proxy_failed(Session& session, ConnectionId connection, proto::DialFailed const& failed)
{
    auto const found = session.routes.find(connection);
    Route& route = found->second;
    route.proxy = name_of(config.proxy);
    auto const reason = is_policy(failed) ? proto::Reason::not_allowed : proto::Reason::none;
    auto why = std::string(name_of(failed.failure));
    if (failed.status != 0) why += std::format(" status={}", failed.status);
    if (session.link) session.link->send(proto::RouteRefused{connection, reason, proto::RefusedBy::proxy});
    if (reason != proto::Reason::none)
        deny(session, denial_of(route.asked, reason), std::format("the proxy {} refuses it: {}", route.proxy, failed.status));
    close_route(session, found, reason, why);
}

}  // namespace ocu::edge
