// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The calls of one session: those that wait for it to come up, and those that its exec helper has. Pure. Every call that was let in
// leaves exactly once: by its answer, or by drain() when the session ends.

#include <deque>
#include <set>
#include <vector>

#include "proto/gateway_to_sandbox.h"

namespace ocu::sandbox {

class CallQueue {
public:
    // False: too many wait already (invariant 11).
    [[nodiscard]] bool wait(proto::CallTool call);
    // What waited, in order; each is running from now on.
    std::vector<proto::CallTool> release();
    void run(CallId call) { running_.insert(call); }
    enum class Cancelled { unknown, was_waiting, is_running };
    Cancelled cancel(CallId call);
    bool any_running() const { return !running_.empty(); }
    bool running(CallId call) const { return running_.contains(call); }
    // False: no such call runs, so its answer is an invention (T-14).
    [[nodiscard]] bool answered(CallId call) { return running_.erase(call) == 1; }
    // Everything that has not been answered; nothing is left.
    std::vector<CallId> drain();

private:
    std::deque<proto::CallTool> waiting_;
    std::set<CallId> running_;
};

}  // namespace ocu::sandbox
