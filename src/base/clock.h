// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Two clocks, told apart by type. Lifetimes are measured on the monotonic one (invariant 10); the wall clock only labels records.

#include <chrono>

namespace ocu {

using Monotonic = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

class Clock {
public:
    virtual ~Clock() = default;
    virtual Monotonic now() const = 0;
    virtual WallTime wall() const = 0;
};

class SystemClock final : public Clock {
public:
    Monotonic now() const override { return std::chrono::steady_clock::now(); }
    WallTime wall() const override { return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()); }
};

// Moves only when told to. Starts at a fixed, arbitrary point.
class ManualClock final : public Clock {
public:
    Monotonic now() const override { return now_; }
    WallTime wall() const override { return wall_; }
    void advance(std::chrono::milliseconds by)
    {
        now_ += by;
        wall_ += by;
    }
    void set_wall(WallTime wall) { wall_ = wall; }

private:
    Monotonic now_{std::chrono::hours(1)};
    WallTime wall_{std::chrono::seconds(1'790'000'000)};
};

}  // namespace ocu
