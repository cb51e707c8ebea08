// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/resource_desk.h"

#include <algorithm>

#include "gateway/limits.h"

namespace ocu::gateway {

using proto::Reason;
using proto::ResourceOutcome;

namespace {

Reason reason_of(ResourceOutcome outcome)
{
    switch (outcome) {
    case ResourceOutcome::done: return Reason::none;
    case ResourceOutcome::no_such: return Reason::bad_arguments;
    case ResourceOutcome::too_large: return Reason::bad_request;
    case ResourceOutcome::withheld: return Reason::not_downloadable;
    case ResourceOutcome::type_denied: return Reason::type_denied;
    case ResourceOutcome::failed: break;
    }
    return Reason::internal;
}

}  // namespace

ResourceDesk::ResourceDesk(Clock const& clock, Wires wires) : clock_(clock), wires_(std::move(wires)) {}
ResourceDesk::~ResourceDesk() { *alive_ = false; }

bool ResourceDesk::has_room(CallerId caller) const
{
    auto const of_caller = std::ranges::count_if(open_, [caller](auto const& each) { return each.second.question.caller == caller; });
    return open_.size() < kResourcesMax && static_cast<std::size_t>(of_caller) < kResourcesPerCallerMax;
}

bool ResourceDesk::knows(RequestId front) const
{
    return std::ranges::any_of(open_, [front](auto const& each) { return each.second.question.front == front; });
}

void ResourceDesk::open(Question question)
{
    auto const id = question.id;
    Open& added = open_[id];
    added.question = std::move(question);
    added.began = clock_.now();
    auto const& asked = added.question;
    wires_.control.send(proto::SessionWanted{RequestId{id.value}, asked.caller, wire::Text<64>::cut(asked.caller_name),
        wire::Text<proto::kChatIdBytesMax>(asked.chat), wire::Text<64>::cut(asked.trace), true});
}

ResourceDesk::Open* ResourceDesk::find(CallId id, Phase phase)
{
    auto const found = open_.find(id);
    return found != open_.end() && found->second.phase == phase ? &found->second : nullptr;
}

void ResourceDesk::on_granted(proto::SessionGranted const& granted)
{
    Open* const open = find(CallId{granted.request.value}, Phase::asking);
    if (open == nullptr) return;
    open->phase = Phase::reading;
    open->session = granted.session;
    wires_.storage.send(proto::ResourceWanted{open->question.id, granted.session, open->question.ask});
}

// Without a session there are no files: an empty list, and nothing that could be read.
void ResourceDesk::on_refused(proto::SessionRefused const& refused)
{
    Open* const open = find(CallId{refused.request.value}, Phase::asking);
    if (open == nullptr) return;
    if (refused.reason != Reason::unknown_session) return end(*open, refused.reason, {});
    proto::ResourceAnswer answer;
    if (open->question.ask.verb == proto::ResourceVerb::read) answer.outcome = ResourceOutcome::no_such;
    end(*open, Reason::none, std::move(answer));
}

void ResourceDesk::on_told(proto::ResourceTold told)
{
    if (Open* const open = find(told.call, Phase::reading)) end(*open, Reason::none, std::move(told.answer));
}

void ResourceDesk::on_gone(proto::SessionGone const& gone)
{
    auto const reason = gone.reason == Reason::none ? Reason::session_ended : gone.reason;
    fail_where([&](Open const& open) { return open.session == gone.session && open.phase == Phase::reading; }, reason);
}

// Each may be gone as soon as it has ended: they are found first.
void ResourceDesk::fail_where(std::function<bool(Open const&)> const& fits, Reason reason)
{
    std::vector<CallId> found;
    for (auto const& [id, open] : open_)
        if (fits(open)) found.push_back(id);
    for (auto const id : found) end(open_.at(id), reason, {});
}

void ResourceDesk::fail_all(Reason reason)
{
    fail_where([](Open const& open) { return open.phase != Phase::ending; }, reason);
}

void ResourceDesk::drop_all()
{
    for (auto& [id, open] : open_) open.question.front = {};
    fail_all(Reason::cancelled);
}

void ResourceDesk::end(Open& open, Reason reason, proto::ResourceAnswer answer)
{
    open.phase = Phase::ending;
    auto const& asked = open.question;
    bool const reads = asked.ask.verb == proto::ResourceVerb::read;
    proto::Event event;
    event.what = reads ? proto::What::resource_read : proto::What::resource_listed;
    event.reason = reason != Reason::none ? reason : reason_of(answer.outcome);
    event.outcome = event.reason == Reason::none ? proto::Outcome::success : proto::Outcome::failure;
    event.session = open.session;
    event.trace = wire::Text<64>::cut(asked.trace);
    event.actor = wire::Text<128>::cut(asked.caller_name);
    event.resource = reads ? "resources/read" : "resources/list";
    event.detail = wire::Text<1024>::cut(asked.ask.path.view());
    event.number = static_cast<std::int64_t>(answer.entries.items().size());
    event.bytes = answer.body.size();
    event.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - open.began).count();
    open.told = {asked.front, wire::Text<proto::kTraceBytesMax>::cut(asked.trace), reason, std::move(answer)};
    wires_.recorder.record(std::move(event), [this, alive = std::weak_ptr(alive_), id = asked.id](Result<EventNumber> written) {
        if (auto const held = alive.lock(); held && *held) leave(id, written);
    });
}

void ResourceDesk::leave(CallId id, Result<EventNumber> const& written)
{
    auto const found = open_.find(id);
    if (found == open_.end()) return;
    bool const heard = static_cast<bool>(found->second.question.front);
    auto told = std::move(found->second.told);
    open_.erase(found);
    if (!written) {
        told.reason = Reason::audit_unavailable;
        told.answer = {};
    }
    if (heard) wires_.answer(std::move(told));
}

}  // namespace ocu::gateway
