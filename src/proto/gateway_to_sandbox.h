// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Tool calls. The gateway has written "about to" before it sends CallTool, and answers nobody before it has written "done".

#include "base/id.h"
#include "proto/tool.h"
#include "wire/mailbox.h"

namespace ocu::proto {

struct CallTool {
    CallId call;
    SessionId session;
    ToolArguments arguments;
};

// Ends the call's process group; ToolDone follows with Reason::cancelled.
struct CancelTool {
    CallId call;
    SessionId session;
};

struct ToolProgress {
    CallId call;
    std::chrono::milliseconds elapsed{};
    std::chrono::milliseconds total{};
    wire::Text<kLastLineBytesMax> last_line;  // the guest's bytes
};

struct ToolDone {
    CallId call;
    ToolAnswer answer;
};

using GatewayToSandbox = wire::Mailbox<CallTool, CancelTool>;
using SandboxToGateway = wire::Mailbox<ToolProgress, ToolDone>;

}  // namespace ocu::proto
