// SPDX-License-Identifier: GPL-3.0-or-later
// Contents that may not leave a session (T-33): kept for a helper that is started again, and told before any request that is asked for after them is
// answered, since both go the same way.

#include "edge/edge_state.h"

namespace ocu::edge {

void Edge::State::withholds(proto::SessionWithholds const& told)
{
    // A lane is attached before its session can hold a file: one that is not known here has ended.
    Session* const session = find(told.session);
    if (session == nullptr) return;
    for (auto const& each : told.change.less.items()) session->withheld.erase(each);
    for (auto const& each : told.change.more.items()) {
        if (session->withheld.size() < proto::kWithheldContentsMax)
            session->withheld.insert(each);
        else
            session->withheld_overflow = true;
    }
    session->withheld_overflow = session->withheld_overflow || told.change.overflow;
    if (!session->link) return;
    auto change = told.change;
    change.overflow = session->withheld_overflow;
    session->link->send(proto::WithheldContents{std::move(change)});
}

void Edge::State::tell_withheld(Session& session)
{
    proto::WithheldChange change;
    change.overflow = session.withheld_overflow;
    for (auto const& each : session.withheld) {
        change.more.push(each);
        if (!change.more.full()) continue;
        session.link->send(proto::WithheldContents{std::exchange(change, {{}, {}, session.withheld_overflow})});
    }
    if (!change.more.items().empty() || change.overflow) session.link->send(proto::WithheldContents{std::move(change)});
}

}  // namespace ocu::edge
