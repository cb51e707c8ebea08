// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A guest in which nothing runs does not run either (P7). gVisor's kernel looks every 400 microseconds whether its fast path pays, which is some
// percent of a processor for each sandbox that only waits: its cgroup is frozen until somebody wants something of it.
//
// That nothing runs is the guest's own word, and needs no more weight than that: one that lies has stopped itself until its next call.
// Threading: the loop's thread.

#include <chrono>
#include <functional>

#include "wire/loop.h"

namespace ocu::sandbox {

class Rest {
public:
    enum class Order { stop, go_on };
    // `order` is what the launcher is to do with the guest, once nothing has run in it for `after`. `loop` outlives this.
    Rest(wire::Loop& loop, std::chrono::milliseconds after, std::function<void(Order)> order) : loop_(loop), after_(after), order_(std::move(order)) {}

    // From now on it may be stopped.
    void is_up();
    // The guest says that nothing of it runs, and no call is with it.
    void is_idle();
    // Before anything is said to the guest.
    void is_wanted();
    // A new launcher knows nothing of the last one's orders, or of those that it never heard.
    void say_again();

private:
    void consider();

    wire::Loop& loop_;
    std::chrono::milliseconds after_;
    std::function<void(Order)> order_;
    bool up_ = false;
    bool idle_ = false;
    bool stopped_ = false;
    wire::Watch wait_;
};

}  // namespace ocu::sandbox
