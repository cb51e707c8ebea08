// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/source_gate.h"

#include <algorithm>

#include "custody/limits.h"

namespace ocu::custody {

using proto::SourceFailure;

SourceFailure SourceGate::begin(SessionId session, std::string const& rule, Monotonic now)
{
    auto& of_session = sessions_[session];
    auto& begun = of_session.begun;
    while (!begun.empty() && now - begun.front() >= std::chrono::minutes(1)) begun.pop_front();
    if (auto const found = of_session.rules.find(rule); found != of_session.rules.end() && now < found->second.until)
        return SourceFailure::backing_off;
    if (open_ >= kSourceChannelsMax || of_session.open >= kFetchesPerSessionMax || begun.size() >= kFetchesPerMinuteMax)
        return SourceFailure::over_limit;
    ++open_;
    ++of_session.open;
    begun.push_back(now);
    return SourceFailure::none;
}

void SourceGate::end(SessionId session, std::string const& rule, How how, Monotonic now)
{
    --open_;
    auto const found = sessions_.find(session);
    if (found == sessions_.end()) return;  // forgotten meanwhile
    --found->second.open;
    auto& rules = found->second.rules;
    if (how == How::answered) rules.erase(rule);
    if (how != How::failed) return;
    auto& back_off = rules[rule];
    back_off.pause = std::clamp<std::chrono::seconds>(2 * back_off.pause, kBackOffFirst, kBackOffMax);
    back_off.until = now + back_off.pause;
}

}  // namespace ocu::custody
