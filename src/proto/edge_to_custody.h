// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The edge thread asks, the custody thread answers: which credential a session may redeem for which destination, until when. No secret is
// in any of these; the credential goes from the custody helper to the session's edge process (proto/edge_helper_to_custody_helper.h).

#include <array>
#include <chrono>

#include "base/id.h"
#include "base/unique_fd.h"
#include "proto/edge_to_notifier.h"
#include "proto/reason.h"
#include "wire/mailbox.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::chrono::seconds kLeaseLifeMax{900};

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
};

struct LeaseMade {
    RequestId request;
    Reason reason = Reason::none;   // else credential_unavailable, session_denied, audit_unavailable
    std::uint64_t lease = 0;
    std::chrono::seconds life{};
};

// Each time custody is up: channels and leases from before are gone.
struct CustodyUp {};

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

using EdgeToCustody = wire::Mailbox<EdgeChannel, EdgeSessionOver, LeaseWanted, NoticeSignWanted>;
using CustodyToEdge = wire::Mailbox<LeaseMade, CustodyUp, NoticeSigned>;

}  // namespace ocu::proto
