// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/resource_calls.h"

#include "storage/limits.h"

namespace ocu::storage {

using proto::ResourceOutcome;

ResourceCalls::ResourceCalls(wire::Loop& loop, std::function<void(proto::ResourceTold)> answer) : loop_(loop), answer_(std::move(answer)) {}

void ResourceCalls::answer(CallId call, ResourceOutcome outcome)
{
    proto::ResourceTold told;
    told.call = call;
    told.answer.outcome = outcome;
    answer_(std::move(told));
}

void ResourceCalls::ask(wire::Link* broker, proto::ResourceWanted const& wanted)
{
    if (broker == nullptr) return answer(wanted.call, ResourceOutcome::no_such);
    RequestId const request{++last_request_};
    waiting_.emplace(request, Waiting{wanted, loop_.after(kResourceWait, [this, request] { fail(request); })});
    broker->send(proto::BrokerAskResource{request, wanted.ask});
}

void ResourceCalls::fail(RequestId request)
{
    auto const node = waiting_.extract(request);
    if (node) answer(node.mapped().wanted.call, ResourceOutcome::failed);
}

bool ResourceCalls::told(SessionId session, std::span<std::byte const> body)
{
    auto reply = wire::decode<proto::BrokerResource>(body);
    if (!reply || reply->request.value > last_request_) return false;
    auto const found = waiting_.find(reply->request);
    if (found == waiting_.end()) return true;  // it was late, and has been given up
    if (found->second.wanted.session != session) return false;
    auto const call = found->second.wanted.call;
    waiting_.erase(found);
    answer_(proto::ResourceTold{call, std::move(reply->answer)});
    return true;
}

void ResourceCalls::session_gone(SessionId session)
{
    std::vector<RequestId> lost;
    for (auto const& [request, waiting] : waiting_)
        if (waiting.wanted.session == session) lost.push_back(request);
    for (auto const request : lost) fail(request);
}

}  // namespace ocu::storage
