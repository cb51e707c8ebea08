// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Bounds how fast refusals become events without losing one (T-06, T-10): the first of its kind is told at once, those alike within a
// second are counted and told as one, and past a number of different kinds the rest is counted under "*". Every refusal is in exactly one
// count. One for each session: in its helper, and again in the thread, which does not believe that the helper did.

#include <map>
#include <vector>

#include "base/clock.h"
#include "proto/edge_helper_to_edge.h"

namespace ocu::edge {

class DenialFold {
public:
    static constexpr std::chrono::milliseconds kWindow{1000};
    static constexpr std::size_t kKindsMax = 32;

    // What to tell now: `denied` itself, or nothing yet.
    std::vector<proto::EgressDenied> add(proto::EgressDenied const& denied, Monotonic now);
    // What has waited for its window.
    std::vector<proto::EgressDenied> due(Monotonic now);
    // All that waits; nothing is kept.
    std::vector<proto::EgressDenied> close();
    bool empty() const { return kinds_.empty(); }

private:
    struct Kind {
        proto::EgressDenied denied;  // its count: those that wait
        Monotonic window_end;
    };

    static std::string key_of(proto::EgressDenied const& denied);
    std::map<std::string, Kind> kinds_;
};

}  // namespace ocu::edge
