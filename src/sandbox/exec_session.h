// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The exec helper's loop: two links, one timer, and ExecCalls between them.
//
//   hears     sandbox  proto/sandbox_to_exec.h   call, cancel
//             guest    proto/exec_to_guest.h     what its agent says
//             gVisor   sandbox/monitor_face.h    which programs run
//   never     outlives its link to the sandbox role; trusts a length, a count or a text of the guest

#include <functional>
#include <memory>

#include "base/clock.h"
#include "proto/sandbox_to_exec.h"
#include "sandbox/exec_calls.h"
#include "sandbox/monitor.h"
#include "wire/loop.h"

namespace ocu::sandbox {

class ExecSession {
public:
    struct Ends {
        UniqueFd sandbox;
        UniqueFd guest;
        UniqueFd monitor{};  // a listener; empty: not monitored
    };

    // `over` is called once when the sandbox role has gone: everything ends then.
    ExecSession(wire::Loop& loop, Clock const& clock, proto::ExecConfig config, Ends ends, std::function<void()> over);

private:
    void sandbox_says(wire::Link::Frame const& frame);
    void guest_says(wire::Link::Frame const& frame);
    void guest_lost(GuestLost why);
    void wait_for_next_moment();

    wire::Loop& loop_;
    Clock const& clock_;
    std::function<void()> over_;
    std::unique_ptr<wire::Link> sandbox_;
    std::unique_ptr<wire::Link> guest_;
    std::unique_ptr<ExecCalls> calls_;
    std::unique_ptr<Monitor> monitor_;
    wire::Watch timer_;
    std::optional<Monotonic> timer_moment_;
};

}  // namespace ocu::sandbox
