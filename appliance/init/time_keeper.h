// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The wall clock. Three sources, weakest first: the hardware clock (never believed below the moments that are known to have passed: this
// image's build, the manifest's not_before), and Network Time Security (RFC 8915) where the manifest names a server. The `time` helper
// speaks to servers and parses what they send; this class sets the clock. Lifetimes are monotonic and do not care (invariant 10).
// Threading: the loop's thread only.

#include <functional>
#include <memory>
#include <string>

#include "appliance/manifest/network.h"
#include "base/clock.h"
#include "wire/loop.h"

namespace ocu::init {

class SetClock;   // appliance/init/set_clock.h
class TimeAsker;  // appliance/init/time_asker.h

class TimeKeeper {
public:
    // `build_time`: Unix seconds of the image. `on_change`: trouble() is different now.
    TimeKeeper(wire::Loop& loop, Clock const& clock, std::int64_t build_time, std::function<void()> on_change);
    // With a clock and a way to ask servers that are not this machine's.
    TimeKeeper(wire::Loop& loop, Clock const& clock, std::int64_t build_time, std::function<void()> on_change,
        std::unique_ptr<SetClock> wall, std::unique_ptr<TimeAsker> asker);
    ~TimeKeeper();

    // Before anything else: a hardware clock that cannot be right is set to what is known to have passed.
    void check_hardware_clock();
    // The floor, and the servers to ask: now, then with back-off, then now and again; a first answer steps the clock, later ones slew.
    void apply(manifest::Network const& wanted);

    // "authenticated (ntp1.example)", "hardware clock, not checked", ...
    std::string source() const;
    // Empty, or a warning for the console in plain words.
    std::string trouble() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace ocu::init
