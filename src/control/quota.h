// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How many sessions a caller may have and how fast it may make them (CT-4): refused before anything is spent on it (T-06).

#include <deque>
#include <map>

#include "base/clock.h"
#include "base/id.h"
#include "proto/reason.h"

namespace ocu::control {

class Quota {
public:
    struct Limits {
        std::size_t sessions_max;             // live and ending, whole appliance
        std::size_t sessions_per_caller_max;  // live
        std::size_t creates_per_minute_max;   // per caller
    };

    explicit Quota(Limits limits) : limits_(limits) {}

    // none, and then one more creation is counted; or too_many_sessions.
    proto::Reason admit(CallerId caller, std::size_t sessions, std::size_t sessions_of_caller, Monotonic now);

private:
    Limits limits_;
    std::map<CallerId, std::deque<Monotonic>> creates_;  // of the last minute; at most creates_per_minute_max each
};

}  // namespace ocu::control
