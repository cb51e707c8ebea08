// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/call_table.h"

#include <algorithm>

#include "base/assert.h"

namespace ocu::gateway {

CallTable::Refusal CallTable::room(CallerId caller, std::string const& chat, std::size_t per_caller_max, std::size_t per_lane_max) const
{
    auto const count = per_caller_.find(caller);
    if (count != per_caller_.end() && count->second >= per_caller_max) return Refusal::caller_full;
    auto const lane = lanes_.find(LaneKey{caller, chat});
    if (lane != lanes_.end() && lane->second.size() >= per_lane_max) return Refusal::lane_full;
    return Refusal::none;
}

Call& CallTable::add(Call call)
{
    CallId const id = call.id;
    OCU_ASSERT(!calls_.contains(id));
    lanes_[LaneKey{call.caller, call.chat}].push_back(id);
    ++per_caller_[call.caller];
    by_front_.emplace(call.front, id);
    return calls_.emplace(id, std::move(call)).first->second;
}

Call* CallTable::find(CallId id)
{
    auto const found = calls_.find(id);
    return found == calls_.end() ? nullptr : &found->second;
}

Call* CallTable::find_front(RequestId front)
{
    auto const found = by_front_.find(front);
    return found == by_front_.end() ? nullptr : find(found->second);
}

Call* CallTable::find_client(CallerId caller, std::string const& chat, std::string const& client_id)
{
    auto const lane = lanes_.find(LaneKey{caller, chat});
    if (lane == lanes_.end()) return nullptr;
    for (CallId const id : lane->second) {
        Call* const call = find(id);
        if (call->client_id == client_id) return call;
    }
    return nullptr;
}

std::vector<CallId> CallTable::of_session(SessionId session)
{
    std::vector<CallId> out;
    for (auto const& [key, lane] : lanes_) {
        bool const its = std::ranges::any_of(lane, [&](CallId id) { return find(id)->session == session; });
        if (its) out.insert(out.end(), lane.begin(), lane.end());
    }
    return out;
}

std::vector<CallId> CallTable::all() const
{
    std::vector<CallId> out;
    for (auto const& [id, call] : calls_) out.push_back(id);
    std::ranges::sort(out);
    return out;
}

Call* CallTable::next(CallerId caller, std::string const& chat)
{
    auto const lane = lanes_.find(LaneKey{caller, chat});
    if (lane == lanes_.end()) return nullptr;
    for (CallId const id : lane->second) {
        Call* const call = find(id);
        if (call->phase == Phase::waiting) return call;
        if (!lets_others_pass(*call)) return nullptr;
    }
    return nullptr;
}

void CallTable::forget_fronts()
{
    by_front_.clear();
    for (auto& [id, call] : calls_) call.front = {};
}

void CallTable::remove(CallId id)
{
    auto const found = calls_.find(id);
    if (found == calls_.end()) return;
    Call const& call = found->second;
    auto const lane = lanes_.find(LaneKey{call.caller, call.chat});
    std::erase(lane->second, id);
    if (lane->second.empty()) lanes_.erase(lane);
    auto const count = per_caller_.find(call.caller);
    if (--count->second == 0) per_caller_.erase(count);
    if (call.front) by_front_.erase(call.front);
    calls_.erase(found);
}

}  // namespace ocu::gateway
