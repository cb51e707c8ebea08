// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/caller_desk.h"

#include "base/crypto/crypto.h"

namespace ocu::control {

using proto::OperatorAction;
using proto::Reason;
using proto::What;

CallerDesk::CallerDesk(wire::Loop& loop, Clock const& clock, CallerBook book, Control::Wires& wires, Lifecycle& lifecycle)
    : loop_(loop), clock_(clock), book_(std::move(book)), wires_(wires), lifecycle_(lifecycle)
{
    lifecycle_.set_callers([this](CallerId caller) { return book_.denies(caller); },
        [this](CallerId caller) {
            seen_s_[caller] = std::chrono::duration_cast<std::chrono::seconds>(clock_.wall().time_since_epoch()).count();
        });
    if (!book_.damaged()) return;
    proto::Event event;
    event.what = What::callers_damaged;
    event.outcome = proto::Outcome::failure;
    event.reason = Reason::callers_damaged;
    event.actor = "control";
    event.resource = "callers/table";
    say(std::move(event));
}

// It waits for no one, and what the log does not take, because it is full or not open yet, is tried again at the next second.
void CallerDesk::say(proto::Event event)
{
    wires_.recorder.record(event, [this, alive = std::weak_ptr(alive_), event](Result<EventNumber> written) {
        if (!written && !alive.expired() && unsaid_.size() < kCallersKeptMax) unsaid_.push_back(event);
    });
}

Reason CallerDesk::judge(OperatorAction action, proto::CallerQuestion const& asked) const
{
    switch (action) {
    case OperatorAction::callers_add: return book_.may_add(asked.name.view());
    case OperatorAction::callers_rotate: return book_.may_rotate(asked.name.view());
    case OperatorAction::callers_revoke: return book_.may_revoke(asked.name.view());
    default: return Reason::none;
    }
}

void CallerDesk::change(OperatorAction action, proto::CallerQuestion asked, std::string actor, std::function<void(Done)> done)
{
    changes_.push_back({action, std::move(asked), std::move(actor), std::move(done)});
    next();
}

void CallerDesk::next()
{
    if (keeping_ || changes_.empty()) return;
    Change change = std::move(changes_.front());
    changes_.pop_front();
    CallerBook changed = book_;
    Done done;
    std::optional<CallerId> revoked;
    if (change.action == OperatorAction::callers_revoke) {
        auto const verdict = changed.revoke(change.asked.name.view(), change.actor, clock_);
        if (verdict) revoked = *verdict;
        done.reason = verdict ? Reason::none : verdict.error();
    } else if (change.action == OperatorAction::callers_reset) {
        if (changed.damaged()) changed.reset();
    } else {
        auto verdict = change.action == OperatorAction::callers_add ? changed.add(change.asked, change.actor, clock_)
                                                                    : changed.rotate(change.asked, change.actor, clock_);
        done.reason = verdict ? Reason::none : verdict.error();
        if (verdict) done.made = *std::move(verdict);
    }
    if (done.reason != Reason::none) {
        change.done(std::move(done));
        return next();
    }
    if (revoked) {
        book_ = changed;
        in_force();
        done.severed = sever(*revoked);
    }
    auto file = changed.file(clock_);
    keep(std::move(file), [this, done, changed = std::move(changed), revoked, tell = std::move(change.done)](bool kept) mutable {
        if (!kept) done = {Reason::callers_not_kept, {}, std::move(done.severed)};
        if (kept && !revoked) {
            auto turned = changed.pass_time(clock_);
            // Of those the book has said so meanwhile.
            std::erase_if(turned.expired, [this](KeptCaller const& each) { return book_.denies(CallerId{each.id}); });
            book_ = std::move(changed);
            in_force();
            are_over(turned.expired);
        }
        unkept_ = unkept_ || !kept;
        tell(std::move(done));
        next();
    });
}

void CallerDesk::keep(wire::Bytes file, std::function<void(bool)> then)
{
    if (!wires_.keep_callers) return then(false);
    keeping_ = true;
    wires_.keep_callers(std::move(file), [this, &loop = loop_, alive = std::weak_ptr(alive_), then = std::move(then)](bool kept) {
        loop.post([this, alive, then, kept] {
            if (alive.expired()) return;
            keeping_ = false;
            then(kept);
        });
    });
}

void CallerDesk::in_force()
{
    auto const callers = std::make_shared<std::vector<helper::Caller> const>(book_.in_force());
    wires_.gateway.send(proto::CallersInForce{callers});
    wires_.storage.send(proto::CallersInForce{callers});
    std::erase_if(seen_s_, [&](auto const& each) { return !std::ranges::contains(*callers, each.first, &helper::Caller::id); });
}

std::vector<SessionId> CallerDesk::sever(CallerId caller)
{
    auto const sessions = lifecycle_.sessions().of(caller);
    for (SessionId const id : sessions)
        if (lifecycle_.mark_killed(id) == Lifecycle::Marked::sever) lifecycle_.carry_out_kill(id);
    return sessions;
}

void CallerDesk::are_over(std::vector<KeptCaller> const& expired)
{
    for (auto const& each : expired) {
        proto::Event event;
        event.what = What::caller_expired;
        event.actor = "control";
        event.resource = wire::Text<512>::cut("caller " + each.name.str());
        event.detail = wire::Text<1024>("key=" + crypto::to_hex(std::span(each.key.digest).first(sizeof(proto::KeyId))));
        say(std::move(event));
        (void)sever(CallerId{each.id});
    }
}

void CallerDesk::pass_time()
{
    for (auto& event : std::exchange(unsaid_, {})) say(std::move(event));
    auto const turned = book_.pass_time(clock_);
    if (turned.changed) in_force();
    are_over(turned.expired);
    unkept_ = unkept_ || turned.changed;
    if (!unkept_ || keeping_ || book_.damaged() || !wires_.keep_callers) return;
    unkept_ = false;
    keep(book_.file(clock_), [this](bool kept) {
        unkept_ = unkept_ || !kept;
        next();
    });
}

proto::CallersTold CallerDesk::shown() const
{
    proto::CallersTold told;
    told.state = book_.state();
    for (auto& [id, row] : book_.shown()) {
        if (told.callers.full()) {
            told.more = true;
            break;
        }
        auto const seen = seen_s_.find(id);
        row.seen_s = seen == seen_s_.end() ? 0 : seen->second;
        row.sessions = static_cast<std::uint32_t>(lifecycle_.sessions().live_of(id));
        told.callers.push(std::move(row));
    }
    return told;
}

}  // namespace ocu::control
