// SPDX-License-Identifier: GPL-3.0-or-later
#include "clock/sample.h"

#include <algorithm>

#include "clock/limits.h"

namespace ocu::clock {

std::optional<Sample> sample_of(NtpAnswer const& answer, Moments const& moments)
{
    auto const received = unix_time(answer.received, moments.near);
    auto const sent = unix_time(answer.sent, moments.near);
    if (sent < received || moments.heard < moments.asked) return std::nullopt;
    // The server cannot have held the question for longer than we waited. A hair's breadth is two clocks' different speed.
    constexpr std::chrono::microseconds kTolerance{500};
    auto const delay = (moments.heard - moments.asked) - (sent - received);
    if (delay < -kTolerance || delay > kDelayMax) return std::nullopt;
    // Halves apart: the sum would not fit in the years from 2116.
    auto const there = received - moments.asked;
    auto const back = sent - moments.heard;
    return Sample{there + (back - there) / 2, std::max<std::chrono::nanoseconds>(delay, std::chrono::nanoseconds(0))};
}

}  // namespace ocu::clock
