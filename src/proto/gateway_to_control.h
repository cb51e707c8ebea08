// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// F5: the gateway asks for a caller's sandbox; control says which session that is. Nothing else can be said on this arrow: no kill, no
// denylist, no quota, no lifecycle (invariant 1). Beside it one word that is counted and changes nothing: a call that the policy refused.

#include "base/id.h"
#include "proto/ask_callers.h"
#include "proto/reason.h"
#include "proto/session_meter.h"
#include "proto/tool.h"
#include "wire/mailbox.h"

namespace ocu::proto {

// The session of (caller, chat), made if there is none yet.
struct SessionWanted {
    RequestId request;
    CallerId caller;
    wire::Text<64> caller_name;
    wire::Text<kChatIdBytesMax> chat;
    wire::Text<64> trace;
    bool existing = false;  // only if there is one: else unknown_session, and nothing is made or kept alive
};

struct SessionGranted {
    RequestId request;
    SessionId session;
};

struct SessionRefused {
    RequestId request;
    Reason reason;
};

// The session has ended, for this reason: fail what is queued for it and forget it.
struct SessionGone {
    SessionId session;
    Reason reason;
};

using GatewayToControl = wire::Mailbox<SessionWanted, CallDenied>;
using ControlToGateway = wire::Mailbox<SessionGranted, SessionRefused, SessionGone, CallersInForce>;

}  // namespace ocu::proto
