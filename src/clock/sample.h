// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What one question and its answer say about the time: four moments, two of each clock. Pure.

#include <chrono>
#include <optional>

#include "clock/nts_ntp_face.h"

namespace ocu::clock {

struct Sample {
    std::chrono::nanoseconds unix_minus_monotonic;
    std::chrono::nanoseconds delay;  // there and back, without the server's own time
};

// When the question left and when the answer was read, on the monotonic clock; `near` as for unix_time().
struct Moments {
    std::chrono::nanoseconds asked;
    std::chrono::nanoseconds heard;
    std::chrono::nanoseconds near;
};

// Nothing where the moments contradict each other, or lie so far apart that they say nothing (kDelayMax).
std::optional<Sample> sample_of(NtpAnswer const& answer, Moments const& moments);

}  // namespace ocu::clock
