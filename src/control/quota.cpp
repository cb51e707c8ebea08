// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/quota.h"

namespace ocu::control {

proto::Reason Quota::admit(CallerId caller, std::size_t sessions, std::size_t sessions_of_caller, Monotonic now)
{
    if (sessions >= limits_.sessions_max) return proto::Reason::too_many_sessions;
    if (sessions_of_caller >= limits_.sessions_per_caller_max) return proto::Reason::too_many_sessions;
    auto& recent = creates_[caller];
    while (!recent.empty() && now - recent.front() >= std::chrono::minutes(1)) recent.pop_front();
    if (recent.size() >= limits_.creates_per_minute_max) return proto::Reason::too_many_sessions;
    recent.push_back(now);
    return proto::Reason::none;
}

}  // namespace ocu::control
