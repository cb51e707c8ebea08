// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Two small counters of time: how often a caller may call, and how often the same refusal is written down. Pure; monotonic time only.

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace ocu::helper {

// A bucket of `per_minute` tokens that fills evenly.
class RateLimit {
public:
    RateLimit(std::size_t per_minute, Monotonic now) : per_minute_(static_cast<double>(per_minute)), tokens_(per_minute_), filled_(now) {}

    bool take(Monotonic now)
    {
        double const minutes = std::chrono::duration<double, std::ratio<60>>(now - filled_).count();
        tokens_ = std::min(per_minute_, tokens_ + minutes * per_minute_);
        filled_ = now;
        if (tokens_ < 1) return false;
        tokens_ -= 1;
        return true;
    }

private:
    double per_minute_;
    double tokens_;
    Monotonic filled_;
};

// A flood of one refusal becomes one record in each period, which says how many there were: the log cannot be drowned by it (T-10).
class Fold {
public:
    explicit Fold(std::chrono::milliseconds period) : period_(period) {}

    // How many to write down now, this one and those folded before it; 0: not now.
    std::int64_t add(Monotonic now)
    {
        ++count_;
        if (open_ && now - written_ < period_) return 0;
        open_ = true;
        written_ = now;
        return std::exchange(count_, 0);
    }

private:
    std::chrono::milliseconds period_;
    Monotonic written_{};
    bool open_ = false;
    std::int64_t count_ = 0;
};

}  // namespace ocu::helper
