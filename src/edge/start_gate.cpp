// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/start_gate.h"

#include <algorithm>

namespace ocu::edge {

namespace {

std::chrono::milliseconds until(Monotonic then, Monotonic now)
{
    return std::max(std::chrono::milliseconds(0), std::chrono::ceil<std::chrono::milliseconds>(then - now));
}

}  // namespace

std::chrono::milliseconds StartGate::wait(Monotonic now)
{
    while (!starts_.empty() && now - starts_.front() >= span_) starts_.pop_front();
    auto const pause = until(not_before_, now);
    return starts_.size() < per_span_ ? pause : std::max(pause, until(starts_.front() + span_, now));
}

void StartGate::started(Monotonic now)
{
    starts_.push_back(now);
    while (starts_.size() > per_span_) starts_.pop_front();
}

void StartGate::died(Monotonic now)
{
    if (starts_.empty() || now - starts_.back() >= span_) deaths_ = 0;
    constexpr std::size_t kDoublingsMax = 16;
    not_before_ = now + std::min<std::chrono::milliseconds>(gap_max_, gap_ * (1l << std::min(deaths_++, kDoublingsMax)));
}

}  // namespace ocu::edge
