// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The edge thread asks, the custody thread answers: which credential a session may redeem for which destination, until when. No secret is
// in any of these; the credential goes from the custody helper to the session's edge process (proto/edge_helper_to_custody_helper.h).

#include <array>
#include <chrono>

#include "base/id.h"
#include "base/unique_fd.h"
#include "proto/edge_to_notifier.h"
#include "proto/edge_to_uplink.h"
#include "proto/reason.h"
#include "wire/mailbox.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::chrono::seconds kLeaseLifeMax{900};
// What a secret source may take, with all that leads to it; the edge waits longer for its lease.
inline constexpr std::chrono::milliseconds kSourceWait{4'000};

// Custody's end of a session's channel. One at a time: a new one closes the old one.
struct EdgeChannel {
    SessionId session;
    UniqueFd custody_end;
};

// The session is over or severed: its channel and leases are gone when this has been heard.
struct EdgeSessionOver {
    SessionId session;
};

struct LeaseWanted {
    RequestId request;
    SessionId session;
    wire::Text<64> rule;         // the scoped token is for this rule
    wire::Text<64> credential;
    wire::Text<253> destination; // host that the rule allowed
    std::uint16_t port = 0;
};

struct LeaseMade {
    RequestId request;
    Reason reason = Reason::none;   // else credential_unavailable, session_denied, audit_unavailable
    std::uint64_t lease = 0;
    std::chrono::seconds life{};
};

// Each time custody is up: channels and leases from before are gone.
struct CustodyUp {};

// Have `uplink` dial a secret source's endpoint. Answered once, unless it is cancelled.
struct SourceDialWanted {
    RequestId request;
    wire::Text<253> name;      // or
    wire::Text<45> address;
    std::uint16_t port = 0;
    wire::List<AddressRange, kRangesMax> ranges;
};
struct SourceDialCancelled {
    RequestId request;
};
struct SourceDialled {
    RequestId request;
    UniqueFd socket;  // none: it cannot be reached
};

// The webhook's signature over one notice at one time (docs/formats/webhook.md). The key is custody's alone, and which one is its configuration's
// to say. Always answered.
struct NoticeSignWanted {
    RequestId request;
    std::int64_t time_s = 0;  // seconds since 1970
    wire::Text<kNoticeBytesMax> body;
};

struct NoticeSigned {
    RequestId request;
    bool good = false;  // false: there is no such key, or custody is down
    std::array<std::uint8_t, 32> mac{};
};

using EdgeToCustody = wire::Mailbox<EdgeChannel, EdgeSessionOver, LeaseWanted, SourceDialled, NoticeSignWanted>;
using CustodyToEdge = wire::Mailbox<LeaseMade, CustodyUp, SourceDialWanted, SourceDialCancelled, NoticeSigned>;

}  // namespace ocu::proto
