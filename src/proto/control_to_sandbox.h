// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Lifecycle: control decides, the sandbox role carries out.

#include "base/id.h"
#include "proto/guest_variables.h"
#include "proto/reason.h"
#include "proto/session_meter.h"
#include "wire/mailbox.h"
#include "wire/text.h"

namespace ocu::proto {

enum class Tier : std::uint8_t { runc, gvisor, kLast = gvisor };

constexpr std::string_view name_of(Tier tier) { return tier == Tier::runc ? "runc" : "gvisor"; }

struct SessionCreate {
    SessionId session;
    Slot slot;
    Tier tier{};
    wire::Text<1024> token;  // session token, signed by custody, bound to the container name
    wire::List<GuestVariable, kScopedRulesMax> scoped{};  // scoped egress tokens, for the commands' environment
};

enum class How : std::uint8_t { orderly, kill, kLast = kill };

// Always answered by SessionDown, also when the session never came up.
struct SessionEnd {
    SessionId session;
    How how{};
};

struct SessionUp {
    SessionId session;
};

// Everything of it is gone from the host: processes, mounts, lane, cgroup. Its slot may be used again.
struct SessionDown {
    SessionId session;
    Reason reason;  // session_failed: could not start; session_ended: guest went away by itself; session_killed; none: asked for
};

// Severed: nothing of the guest runs any more (sent as soon as that is so; SessionDown follows when the remains are gone).
struct SessionDead {
    SessionId session;
};

using ControlToSandbox = wire::Mailbox<SessionCreate, SessionEnd>;
using SandboxToControl = wire::Mailbox<SessionUp, SessionUsed, SessionDead, SessionDown>;

}  // namespace ocu::proto
