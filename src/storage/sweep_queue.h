// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What is still to be removed in a store elsewhere, and when it is tried (again). What failed waits twice as long each time. Pure.

#include <deque>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/id.h"

namespace ocu::storage {

struct Sweep {
    std::string prefix;
    SessionId session{};   // 0: a whole run of the appliance
    std::string marker{};  // of that run
    unsigned failures = 0;
    Monotonic due{};
};

class SweepQueue {
public:
    // False: there are kSweepsWaitingMax. What is refused is found by the next start's sweep of the whole run.
    bool add(Sweep sweep);
    // One whose time has come, the one that has waited longest. It is not in the queue any more.
    std::optional<Sweep> take(Monotonic now);
    // Back again. Never refused: it was here.
    void failed(Sweep sweep, Monotonic now);
    std::optional<Monotonic> next_due() const;
    void clear() { waiting_.clear(); }
    std::size_t size() const { return waiting_.size(); }

private:
    std::deque<Sweep> waiting_;
};

}  // namespace ocu::storage
