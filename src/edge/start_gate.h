// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// When something that keeps ending may be started again: not more often than `per_span` in `span`, and after each death with a pause that
// doubles, until it has lived for a whole span. Pure.

#include <cstddef>
#include <deque>

#include "base/clock.h"

namespace ocu::edge {

class StartGate {
public:
    StartGate(std::size_t per_span, std::chrono::milliseconds span, std::chrono::milliseconds gap, std::chrono::milliseconds gap_max)
        : per_span_(per_span), span_(span), gap_(gap), gap_max_(gap_max)
    {}

    // How long to wait before the next start; zero: now.
    std::chrono::milliseconds wait(Monotonic now);
    void started(Monotonic now);
    void died(Monotonic now);

private:
    std::size_t per_span_;
    std::chrono::milliseconds span_;
    std::chrono::milliseconds gap_;
    std::chrono::milliseconds gap_max_;
    std::deque<Monotonic> starts_;  // of the last span
    std::size_t deaths_ = 0;        // in a row
    Monotonic not_before_{};
};

}  // namespace ocu::edge
