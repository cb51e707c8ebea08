// SPDX-License-Identifier: GPL-3.0-or-later
// The webhook's place among the edge's other business: a tripwire is on record first, then somebody is told (EG-10, AU-1).

#include "base/crypto/crypto.h"
#include "base/log.h"
#include "edge/edge_state.h"

namespace ocu::edge {

Notices::Calls Edge::State::notice_calls()
{
    return {
        .number = [this] { return ++last_number; },
        .sign = [this](proto::NoticeSignWanted wanted) { wires.custody.send(std::move(wanted)); },
        .dial =
            [this](proto::Dial const& dial) {
                if (uplink) uplink->send(dial);
                return uplink != nullptr;
            },
        .violated = [this] { wires.spawner.report_violation(helper::Kind::notifier); },
        .note = [this](proto::Event event) { wires.recorder.note(std::move(event)); },
        .tell = [this](proto::WebhookState state) { wires.control.send(state); },
        .random = [] { return crypto::random_u64(); },
    };
}

// Whether the session is ended for it does not wait for this.
void Edge::State::record_and_tell(Session const& session, Tripped which, Route const& route, proto::Event event)
{
    TripNotice notice;
    notice.time = clock.wall();
    notice.session = session.id;
    notice.limit = which;
    notice.measured = session.trip.measured(which);
    notice.threshold = Trip::limit(config.tripwire, which);
    notice.kill = config.tripwire.kill;
    notice.rule = rule_name(route.rule);
    notice.destination = destination_of(route.asked);
    wires.recorder.record(std::move(event), [this, notice = std::move(notice)](Result<EventNumber> written) mutable {
        if (!written) return log::failure("a tripwire is not on record, so the webhook is not told of it", written.error());
        notice.record = *written;
        notices.add(std::move(notice));
    });
}

}  // namespace ocu::edge
