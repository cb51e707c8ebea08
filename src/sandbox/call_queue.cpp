// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/call_queue.h"

#include <algorithm>

#include "sandbox/limits.h"

namespace ocu::sandbox {

bool CallQueue::wait(proto::CallTool call)
{
    if (waiting_.size() >= kCallsWaitingMax) return false;
    waiting_.push_back(std::move(call));
    return true;
}

std::vector<proto::CallTool> CallQueue::release()
{
    std::vector<proto::CallTool> calls(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.end()));
    waiting_.clear();
    for (auto const& call : calls) running_.insert(call.call);
    return calls;
}

CallQueue::Cancelled CallQueue::cancel(CallId call)
{
    if (running_.contains(call)) return Cancelled::is_running;
    return std::erase_if(waiting_, [call](proto::CallTool const& each) { return each.call == call; }) > 0 ? Cancelled::was_waiting
                                                                                                          : Cancelled::unknown;
}

std::vector<CallId> CallQueue::drain()
{
    std::vector<CallId> calls(running_.begin(), running_.end());
    for (auto const& each : waiting_) calls.push_back(each.call);
    running_.clear();
    waiting_.clear();
    return calls;
}

}  // namespace ocu::sandbox
