// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Bounds how fast refusals become events without losing one (T-06, T-10): the first of its kind is told at once, those alike within a
// second are counted and told as one, and past a number of different kinds the rest of a session's is counted under "*". Every refusal
// is in exactly one count. Used in the helper, and again in the thread, which does not believe that the helper did.

#include <map>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "proto/edge_helper_to_edge.h"

namespace ocu::edge {

class DenialFold {
public:
    static constexpr std::chrono::milliseconds kWindow{1000};
    static constexpr std::size_t kKindsPerSessionMax = 32;

    // What to tell now: `denied` itself, or nothing yet.
    std::vector<proto::EgressDenied> add(proto::EgressDenied const& denied, Monotonic now);
    // What has waited for its window.
    std::vector<proto::EgressDenied> due(Monotonic now);
    // All that waits for this session, which is forgotten.
    std::vector<proto::EgressDenied> close(SessionId session);
    std::vector<proto::EgressDenied> close_all();
    bool empty() const { return sessions_.empty(); }

private:
    struct Kind {
        proto::EgressDenied denied;  // its count: those that wait
        Monotonic window_end;
    };
    using Kinds = std::map<std::string, Kind>;

    static std::string key_of(proto::EgressDenied const& denied);
    std::unordered_map<SessionId, Kinds> sessions_;
};

}  // namespace ocu::edge
