// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the sandbox thread keeps of one session. Whatever it holds is let go of by destroying it or by cut_off(); no process, descriptor
// or timer of a session is kept anywhere else in the core.

#include <memory>
#include <optional>

#include "base/clock.h"
#include "helper/spawner.h"
#include "proto/control_to_sandbox.h"
#include "proto/sandbox_to_exec.h"
#include "sandbox/call_queue.h"
#include "sandbox/lifecycle.h"
#include "sandbox/meter.h"
#include "sandbox/rest.h"
#include "wire/link.h"

namespace ocu::sandbox {

struct Session {
    SessionId id;
    Slot slot;
    proto::Tier tier{};
    wire::Text<proto::kSessionTokenBytesMax> token;
    wire::List<proto::GuestVariable, proto::kScopedRulesMax> scoped;
    Stage stage = Stage::preparing;
    proto::Reason end_reason = proto::Reason::none;  // why it ended; meaningful from `ending` on
    Monotonic began;
    Meter meter;
    CallQueue calls;
    std::uint64_t programs = 0;  // process_start calls whose program has not ended yet: so many ends may be told
    proto::ExecProgramsRun programs_held;  // counts that came too soon to be recorded alone
    Monotonic programs_from{};
    Monotonic progress_from{};  // nothing that is only progress is passed on before
    std::optional<Rest> rest;  // only where to wait costs something
    // From Prepared to the end.
    UniqueFd lane_program;
    helper::Child exec;
    std::unique_ptr<wire::Link> exec_link;
    wire::Watch deadline;
    wire::Watch retry;

    // The link goes before the process, so that its end is not taken for a loss.
    void cut_off()
    {
        deadline.reset();
        rest.reset();
        exec_link.reset();
        exec.end();
        lane_program.reset();
    }
};

}  // namespace ocu::sandbox
