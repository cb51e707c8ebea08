// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// F11 needs what F5 needs: storage asks which session is that of a caller's chat; control says. Nothing else can be said on this arrow: no
// kill, no denylist, no quota, no lifecycle (invariant 1). The answers come by proto/control_to_all.h, on the arrow on which control severs.
// The other words here are an answer, to what an operator has asked about files (proto/ask_files.h), and a count (proto/session_meter.h).

#include "base/id.h"
#include "proto/ask_files.h"
#include "proto/session_meter.h"
#include "proto/tool.h"
#include "wire/mailbox.h"

namespace ocu::proto {

enum class IfMissing : std::uint8_t { refuse, make };

// The session of (caller, chat). A question that makes none keeps none alive either: a page that looks every two seconds is not use.
struct FilesSessionWanted {
    RequestId request;
    CallerId caller;
    wire::Text<64> caller_name;
    wire::Text<kChatIdBytesMax> chat;
    wire::Text<64> trace;
    IfMissing if_missing{};
};

using StorageToControl = wire::Mailbox<FilesSessionWanted, FilesTold, SessionMounted>;

}  // namespace ocu::proto
