// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The audit thread has a connection made for one of its sinks. It says which sink, and no place: where that is, the edge has from the manifest (T-36).
// And it has a channel put through to the storage lane, for the process that writes to the cold tier (T-43): where that leads is the manifest's too.

#include "base/id.h"
#include "base/unique_fd.h"
#include "wire/mailbox.h"
#include "wire/text.h"

namespace ocu::proto {

struct SinkDialWanted {
    RequestId request;
    std::uint32_t sink = 0;  // in the order of the manifest; after the last sink come the witnesses
};

struct SinkDialled {
    RequestId request;
    UniqueFd socket;  // none: why
    wire::Text<32> why;
};

// As StoreLaneWanted. Its number is the edge's to give.
struct ColdLaneWanted {
    UniqueFd end;
};

using AuditToEdge = wire::Mailbox<SinkDialWanted, ColdLaneWanted>;
using EdgeToAudit = wire::Mailbox<SinkDialled>;

}  // namespace ocu::proto
