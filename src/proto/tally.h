// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the record has counted since the start, for metrics (AP-9): audit's thread sees every event of every role, so there is one place to count, and
// nothing that a caller or a guest chose is counted by. Of a fixed size. Told at most once a second, when it has changed.

#include <array>
#include <cstdint>
#include <string_view>

#include "proto/reason.h"

namespace ocu::proto {

enum class Counted : std::uint8_t {
    records,
    sessions_made,
    calls,
    egress_connections,
    http_requests,
    files_taken,
    files_given,
    operator_actions,
    helper_deaths,
    kLast = helper_deaths,
};
inline constexpr std::size_t kCounted = static_cast<std::size_t>(Counted::kLast) + 1;
inline constexpr std::size_t kReasons = static_cast<std::size_t>(Reason::kLast) + 1;

// How often something took at most so long: a count for each bound, and one for what took longer.
inline constexpr std::size_t kHistogramBounds = 12;
using Bounds = std::array<double, kHistogramBounds>;  // seconds
inline constexpr Bounds kCallBounds{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 120, 600};
inline constexpr Bounds kEgressBounds{0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 3600};
inline constexpr Bounds kCommitBounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5};

struct Histogram {
    std::array<std::uint64_t, kHistogramBounds + 1> counts{};
    std::uint64_t sum_us = 0;

    void add(Bounds const& bounds, std::uint64_t us)
    {
        std::size_t at = 0;
        while (at < bounds.size() && static_cast<double>(us) > bounds[at] * 1e6) ++at;
        ++counts[at];
        sum_us += us;
    }
    static void fields(auto& wire, auto& m) { wire(m.counts, m.sum_us); }
};

struct Tally {
    std::array<std::uint64_t, kCounted> counted{};
    std::array<std::uint64_t, kReasons> refused{};  // by reason
    Histogram calls;    // kCallBounds: from begin to end
    Histogram egress;   // kEgressBounds: from asked for to closed
    Histogram commits;  // kCommitBounds: from asked for to on disk

    static void fields(auto& wire, auto& m) { wire(m.counted, m.refused, m.calls, m.egress, m.commits); }
};
inline constexpr std::size_t kTallyBytes = 8 * (kCounted + kReasons + 3 * (kHistogramBounds + 2));

}  // namespace ocu::proto
