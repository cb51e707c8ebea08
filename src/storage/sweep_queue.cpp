// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/sweep_queue.h"

#include <algorithm>

#include "storage/limits.h"

namespace ocu::storage {

bool SweepQueue::add(Sweep sweep)
{
    if (waiting_.size() >= kSweepsWaitingMax) return false;
    waiting_.push_back(std::move(sweep));
    return true;
}

std::optional<Sweep> SweepQueue::take(Monotonic now)
{
    auto const first = std::ranges::min_element(waiting_, {}, &Sweep::due);
    if (first == waiting_.end() || first->due > now) return std::nullopt;
    auto out = std::move(*first);
    waiting_.erase(first);
    return out;
}

void SweepQueue::failed(Sweep sweep, Monotonic now)
{
    auto const wait = kSweepAgainFirst * (1u << std::min(sweep.failures, 16u));
    ++sweep.failures;
    sweep.due = now + std::min<std::chrono::milliseconds>(wait, kSweepAgainMax);
    waiting_.push_back(std::move(sweep));
}

std::optional<Monotonic> SweepQueue::next_due() const
{
    auto const first = std::ranges::min_element(waiting_, {}, &Sweep::due);
    return first == waiting_.end() ? std::nullopt : std::optional(first->due);
}

}  // namespace ocu::storage
