// SPDX-License-Identifier: GPL-3.0-or-later
// Connections to ICAP servers: for a request that is under way, to the server that its rule names, and to no other.

#include <sys/socket.h>

#include "base/log.h"
#include "edge/edge_state.h"
#include "edge/sockets.h"

namespace ocu::edge {

namespace {

IcapEndpoint const* endpoint_of(Rule const& rule, proto::IcapSide side)
{
    if (!rule.icap) return nullptr;
    auto const& found = side == proto::IcapSide::request ? rule.icap->request : rule.icap->response;
    return found ? &*found : nullptr;
}

IcapLine& line_of(Route& route, proto::IcapSide side) { return route.icap[static_cast<std::size_t>(side)]; }

void shut(IcapLine& line)
{
    if (line.kept) (void)::shutdown(line.kept.get(), SHUT_RDWR);
    line.kept.reset();
}

}  // namespace

bool Edge::State::icap_asked(Session& session, proto::IcapAsked const& asked)
{
    auto const found = session.routes.find(asked.connection);
    if (found == session.routes.end()) return false;
    Route& route = found->second;
    if (route.stage == Route::Stage::cut) return true;  // it has not heard yet
    auto const request = route.requests.find(asked.request);
    if (request == route.requests.end() || line_of(route, asked.side).dial != 0) return false;
    auto const* const to = endpoint_of(config.rules[request->second.rule], asked.side);
    if (to == nullptr) return false;
    if (!uplink) {
        session.link->send(proto::IcapRefused{asked.connection, asked.request, asked.side});
        return true;
    }
    shut(line_of(route, asked.side));
    auto const number = ++last_number;
    line_of(route, asked.side).dial = number;
    icap_dials[number] = {session.id, asked, to};
    proto::Dial dial;
    dial.request = RequestId{number};
    dial.address = wire::Text<45>(to->address);
    dial.port = to->port;
    dial.ranges.push(parse_range(to->address).value());
    dial.direct = true;
    uplink->send(dial);
    return true;
}

// Whether the dial was one of these.
bool Edge::State::icap_dialled(proto::Dialled const& message, UniqueFd& socket)
{
    auto const dial = icap_dials.find(message.request.value);
    if (dial == icap_dials.end()) return false;
    auto const [id, asked, to] = dial->second;
    // As for every connection: the socket itself is asked where it leads.
    auto const peer = peer_of(socket.get());
    auto kept = duplicate(socket.get());
    if (!peer || !kept || peer->port != to->port || text_of(peer->address) != to->address) {
        log::error("a connection to an ICAP server leads elsewhere");
        return icap_not_dialled(message.request);
    }
    icap_dials.erase(dial);
    Session* const session = find(id);
    if (session == nullptr || !session->link) return true;
    auto const route = session->routes.find(asked.connection);
    if (route == session->routes.end()) return true;
    line_of(route->second, asked.side) = {0, *std::move(kept)};
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(socket));
    session->link->send(proto::IcapOpened{asked.connection, asked.request, asked.side}, std::move(descriptors));
    return true;
}

bool Edge::State::icap_not_dialled(RequestId number)
{
    auto const dial = icap_dials.extract(number.value);
    if (dial.empty()) return false;
    auto const& [id, asked, to] = dial.mapped();
    Session* const session = find(id);
    if (session == nullptr || !session->link) return true;
    auto const route = session->routes.find(asked.connection);
    if (route == session->routes.end()) return true;
    line_of(route->second, asked.side).dial = 0;
    session->link->send(proto::IcapRefused{asked.connection, asked.request, asked.side});
    return true;
}

void Edge::State::drop_icap(Route& route)
{
    for (auto& line : route.icap) {
        shut(line);
        if (line.dial == 0) continue;
        icap_dials.erase(line.dial);
        if (uplink) uplink->send(proto::DialCancel{RequestId{line.dial}});
    }
}

}  // namespace ocu::edge
