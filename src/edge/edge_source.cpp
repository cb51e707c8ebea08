// SPDX-License-Identifier: GPL-3.0-or-later
// Connections to sources of credentials, for custody, which has no network: where the manifest says, judged as every dial is, and no guest's word in it.

#include "base/log.h"
#include "edge/edge_state.h"
#include "edge/sockets.h"

namespace ocu::edge {

void Edge::State::source_dial_wanted(proto::SourceDialWanted const& wanted)
{
    if (!uplink) return wires.custody.send(proto::SourceDialled{wanted.request, {}});
    auto const number = ++last_number;
    source_dials[number] = wanted;
    proto::Dial dial;
    dial.request = RequestId{number};
    dial.name = wanted.name;
    dial.address = wanted.address;
    dial.port = wanted.port;
    dial.ranges = wanted.ranges;
    dial.direct = true;  // what the appliance itself needs goes by nobody's proxy
    uplink->send(dial);
}

void Edge::State::source_dial_cancelled(proto::SourceDialCancelled const& cancelled)
{
    auto const found = std::ranges::find_if(source_dials, [&](auto const& each) { return each.second.request == cancelled.request; });
    if (found == source_dials.end()) return;
    if (uplink) uplink->send(proto::DialCancel{RequestId{found->first}});
    source_dials.erase(found);
}

// Whether the dial was one of these.
bool Edge::State::source_dialled(proto::Dialled const& message, UniqueFd& socket)
{
    auto const dial = source_dials.extract(message.request.value);
    if (dial.empty()) return false;
    auto const& wanted = dial.mapped();
    // As for every connection: the socket itself is asked where it leads.
    auto const peer = peer_of(socket.get());
    if (!peer || peer->port != wanted.port || !may_dial(peer->address, wanted.ranges.items())) {
        log::error("a connection to a secret source leads elsewhere");
        socket.reset();
    }
    wires.custody.send(proto::SourceDialled{wanted.request, std::move(socket)});
    return true;
}

bool Edge::State::source_not_dialled(RequestId number)
{
    auto const dial = source_dials.extract(number.value);
    if (dial.empty()) return false;
    wires.custody.send(proto::SourceDialled{dial.mapped().request, {}});
    return true;
}

}  // namespace ocu::edge
