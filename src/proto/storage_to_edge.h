// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The storage thread asks for a way to the store of the manifest, for one session's process at a time (F9): what it can say is whose channel this
// is, and that it is over; it names no destination, and there is no other way out to be asked for. And it tells which contents of a session may not
// leave it (withheld.h).

#include "base/id.h"
#include "base/unique_fd.h"
#include "proto/storage_lane_to_edge.h"
#include "proto/withheld.h"
#include "wire/mailbox.h"

namespace ocu::proto {

enum class LaneUse : std::uint8_t {
    serve,  // a session's broker: refused once the session is severed
    sweep,  // what removes the objects of one that has ended
    cold,   // what writes the record to its cold tier: the audit thread's to ask for (proto/audit_to_edge.h)
};

// `end`: the lane's end of a channel. While the lane is down it is closed, and its other end sees that.
struct StoreLaneWanted {
    LaneId lane;
    SessionId session;  // 0: a sweep of an earlier run
    LaneUse use{};
    UniqueFd end;
};

struct StoreLaneOver {
    LaneId lane;
};

// The lane serves, for the first time or again: the channels of before are gone.
struct StoreLaneUp {};

using StorageToEdge = wire::Mailbox<StoreLaneWanted, StoreLaneOver, SessionWithholds>;
using EdgeToStorage = wire::Mailbox<StoreLaneUp>;

}  // namespace ocu::proto
