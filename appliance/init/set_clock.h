// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The machine's wall clock as something that can be set. Behind an interface so that no test ever sets the clock of the machine that it
// runs on. Threading: the loop's thread.

#include <chrono>

#include "base/result.h"

namespace ocu::init {

class SetClock {
public:
    struct Reading {
        std::chrono::nanoseconds wall;       // Unix time
        std::chrono::nanoseconds monotonic;  // the same instant
    };
    virtual ~SetClock() = default;
    virtual Reading read() const = 0;
    // At once, forwards or backwards. Errors: os.
    virtual Result<void> step(std::chrono::nanoseconds by) = 0;
    // Little by little (500 microseconds a second), at most kSlewMax. A later call replaces an earlier one. Errors: os.
    virtual Result<void> slew(std::chrono::nanoseconds by) = 0;
    // That somebody who is believed has just told the time: the kernel says so to whoever asks it (base/clock_check.h), for about eight hours.
    // Errors: os.
    virtual Result<void> mark_checked() = 0;
    // Gives the time to the hardware clock, to the second. Errors: os (also where there is none).
    virtual Result<void> write_hardware_clock() = 0;
};

inline constexpr std::chrono::milliseconds kSlewMax{500};

// This machine's. Needs CAP_SYS_TIME and /dev/rtc0.
class SystemSetClock final : public SetClock {
public:
    Reading read() const override;
    Result<void> step(std::chrono::nanoseconds by) override;
    Result<void> slew(std::chrono::nanoseconds by) override;
    Result<void> mark_checked() override;
    Result<void> write_hardware_clock() override;
};

}  // namespace ocu::init
