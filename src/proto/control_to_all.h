// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What only control can say, to the roles that must cut a session off at once (CT-2, CT-3). Each arrow is a mailbox of its own, so no
// other role holds an end on which these words exist.

#include "base/id.h"
#include "proto/ask_callers.h"
#include "proto/ask_edge.h"
#include "proto/ask_files.h"
#include "proto/reason.h"
#include "wire/mailbox.h"

namespace ocu::proto {

struct SessionSever {
    SessionId session;
};

using ControlToEdge = wire::Mailbox<SessionSever, ExplainWanted>;
// To storage alone: the answers to proto/storage_to_control.h, and operators' words about files (proto/ask_files.h).
struct FilesSessionGranted {
    RequestId request;
    SessionId session;
};

struct FilesSessionRefused {
    RequestId request;
    Reason reason;
};

using ControlToStorage = wire::Mailbox<SessionSever, FilesSessionGranted, FilesSessionRefused, FilesAskWanted, CallersInForce>;

}  // namespace ocu::proto
