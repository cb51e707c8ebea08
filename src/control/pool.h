// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// When the warm pool makes another sandbox (SX-6, P5). Pure; the table of sessions holds the pool, lifecycle.h makes and hands out.
// Sandboxes are made one at a time, only while no caller waits for one of its own, and never into the last free slot. After one that
// did not come up, or was lost, it waits: a second first, then twice as long each time, up to a minute.

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "base/clock.h"

namespace ocu::control {

class Pool {
public:
    explicit Pool(std::size_t wanted) : wanted_(wanted) {}

    struct Count {
        std::size_t ready = 0;
        std::size_t coming = 0;
        std::size_t callers_waiting = 0;
        std::size_t slots_free = 0;
    };
    bool may_make(Count const& count, Monotonic now) const
    {
        return count.ready + count.coming < wanted_ && count.coming == 0 && count.callers_waiting == 0 && count.slots_free > 1 && now >= not_before_;
    }
    void came_up() { pause_ = kPauseMin; }
    void lost(Monotonic now)
    {
        not_before_ = now + pause_;
        pause_ = std::min(pause_ * 2, kPauseMax);
    }
    std::size_t wanted() const { return wanted_; }

    static constexpr std::chrono::milliseconds kPauseMin{1'000};
    static constexpr std::chrono::milliseconds kPauseMax{60'000};

private:
    std::size_t wanted_;
    std::chrono::milliseconds pause_ = kPauseMin;
    Monotonic not_before_{};
};

}  // namespace ocu::control
