// SPDX-License-Identifier: GPL-3.0-or-later
// Connections to sinks of the record, for audit, which has no network and names no place: where the manifest says, judged as every dial is (AU-6, T-36).

#include "base/log.h"
#include "edge/edge_state.h"
#include "edge/sockets.h"

namespace ocu::edge {

void Edge::State::sink_dial_wanted(proto::SinkDialWanted const& wanted)
{
    bool const known = wanted.sink < config.sinks.size() && !config.sinks[wanted.sink].host.empty();
    if (!known || !uplink) return wires.audit.send(proto::SinkDialled{wanted.request, {}, known ? "uplink_down" : "unknown"});
    auto const& to = config.sinks[wanted.sink];
    auto const number = ++last_number;
    sink_dials[number] = wanted;
    proto::Dial dial;
    dial.request = RequestId{number};
    if (to.numeric)
        dial.address = wire::Text<45>(to.host);
    else
        dial.name = wire::Text<253>(to.host);
    dial.port = to.port;
    for (auto const& range : to.ranges) dial.ranges.push(range);
    dial.direct = true;  // what the appliance itself needs goes by nobody's proxy
    uplink->send(dial);
}

// Whether the dial was one of these.
bool Edge::State::sink_dialled(proto::Dialled const& message, UniqueFd& socket)
{
    auto const dial = sink_dials.extract(message.request.value);
    if (dial.empty()) return false;
    auto const& wanted = dial.mapped();
    auto const& to = config.sinks[wanted.sink];
    // As for every connection: the socket itself is asked where it leads.
    auto const peer = peer_of(socket.get());
    bool const there = peer && peer->port == to.port && may_dial(peer->address, to.ranges);
    if (!there) {
        log::error("a connection to a sink of the record leads elsewhere");
        socket.reset();
    }
    wires.audit.send(proto::SinkDialled{wanted.request, std::move(socket), there ? "" : "leads_elsewhere"});
    return true;
}

bool Edge::State::sink_not_dialled(RequestId number, std::string_view why)
{
    auto const dial = sink_dials.extract(number.value);
    if (dial.empty()) return false;
    wires.audit.send(proto::SinkDialled{dial.mapped().request, {}, wire::Text<32>::cut(why)});
    return true;
}

}  // namespace ocu::edge
