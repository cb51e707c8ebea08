// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/lifecycle.h"

#include "base/crypto/crypto.h"
#include "control/limits.h"
#include "control/session_name.h"

namespace ocu::control {

using proto::How;
using proto::Outcome;
using proto::Reason;
using proto::What;

Lifecycle::Lifecycle(
    wire::Loop& loop, Clock const& clock, Config const& config, Control::Wires& wires, std::function<void(SessionId)> severed)
    : loop_(loop), clock_(clock), config_(config), wires_(wires), severed_(std::move(severed)),
      sessions_(std::min(config.sessions_max, kSessionsMax)),
      quota_({std::min(config.sessions_max, kSessionsMax), config.sessions_per_caller_max, config.creates_per_minute_max}),
      pool_(std::min(config.warm_pool, kWarmPoolMax)), metering_(loop, clock, wires.recorder, [this] { end_if_all_gone(); })
{
    if (pool_.wanted() > 0) refill_watch_ = loop_.after(kRefillEvery, [this] { refill(); });
    if (config_.idle_max.count() > 0 || config_.absolute_max.count() > 0) sweep_watch_ = loop_.after(kSweepEvery, [this] { sweep(); });
}

proto::Event Lifecycle::event(Session const& session, What what, Reason reason) const
{
    proto::Event event;
    event.what = what;
    event.outcome = reason == Reason::none ? Outcome::success : Outcome::failure;
    event.reason = reason;
    event.session = session.id;
    event.trace = wire::Text<64>::cut(session.trace);
    event.actor = wire::Text<128>::cut(session.caller_name);
    event.resource = session_name(session.id);
    event.detail = wire::Text<1024>::cut(session.chat);
    event.number = static_cast<std::int64_t>(session.slot.value);
    event.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - session.born).count();
    return event;
}

void Lifecycle::tell(Waiter waiter, SessionId session, Reason reason)
{
    if (waiter.asker == Asker::storage) {
        if (reason == Reason::none) return wires_.storage.send(proto::FilesSessionGranted{waiter.request, session});
        return wires_.storage.send(proto::FilesSessionRefused{waiter.request, reason});
    }
    if (reason == Reason::none) {
        if (waiter.charge == Charge::call) metering_.called(session);
        return wires_.gateway.send(proto::SessionGranted{waiter.request, session});
    }
    wires_.gateway.send(proto::SessionRefused{waiter.request, reason});
}

void Lifecycle::refuse(Wanted const& wanted, Reason reason)
{
    proto::Event event;
    event.what = What::session_refused;
    event.outcome = Outcome::failure;
    event.reason = reason;
    event.trace = wire::Text<64>::cut(wanted.trace);
    event.actor = wire::Text<128>::cut(wanted.caller_name);
    event.detail = wire::Text<1024>::cut(wanted.chat);
    wires_.recorder.note(std::move(event));
    tell(wanted.waiter, {}, reason);
}

void Lifecycle::wanted(proto::SessionWanted wanted)
{
    Waiter const waiter{Asker::gateway, wanted.request, wanted.existing ? Charge::nothing : Charge::call};
    if (wanted.existing) return look_up(waiter, wanted.caller, wanted.chat.view());
    this->wanted(Wanted{waiter, wanted.caller, wanted.caller_name.view(), wanted.chat.view(), wanted.trace.view()});
}

void Lifecycle::wanted(proto::FilesSessionWanted wanted)
{
    Waiter const waiter{Asker::storage, wanted.request};
    if (wanted.if_missing == proto::IfMissing::make)
        return this->wanted(Wanted{waiter, wanted.caller, wanted.caller_name.view(), wanted.chat.view(), wanted.trace.view()});
    look_up(waiter, wanted.caller, wanted.chat.view());
}

void Lifecycle::hear(proto::CallDenied const& denied)
{
    if (Session const* const live = sessions_.find_live(denied.caller, denied.chat.view())) metering_.denied(live->id);
}

// Nothing was to be made, so nothing is refused where there is none: no event.
void Lifecycle::look_up(Waiter waiter, CallerId caller, std::string_view chat)
{
    if (denied_ && denied_(caller)) return tell(waiter, {}, Reason::unauthorized);
    Session* const live = stopping_ ? nullptr : sessions_.find_live(caller, chat);
    if (live == nullptr) return tell(waiter, {}, Reason::unknown_session);
    if (live->phase == Phase::up) return tell(waiter, live->id, Reason::none);
    if (live->waiters.size() >= kWaitersMax) return tell(waiter, {}, Reason::too_many_calls);
    live->waiters.push_back(waiter);
}

void Lifecycle::wanted(Wanted const& wanted)
{
    if (stopping_) return refuse(wanted, Reason::shutting_down);
    // Asked for before the asker was told: a caller that was revoked gets none any more (CT-3).
    if (denied_ && denied_(wanted.caller)) return refuse(wanted, Reason::unauthorized);
    if (seen_) seen_(wanted.caller);
    if (Session* const live = sessions_.find_live(wanted.caller, wanted.chat)) {
        live->used = clock_.now();
        if (live->phase == Phase::up) return tell(wanted.waiter, live->id, Reason::none);
        if (live->waiters.size() >= kWaitersMax) return refuse(wanted, Reason::too_many_calls);
        live->waiters.push_back(wanted.waiter);
        return;
    }
    if (frozen_ == Frozen::yes) return refuse(wanted, Reason::sessions_frozen);
    Reason const verdict = quota_.admit(wanted.caller, sessions_.owned(), sessions_.live_of(wanted.caller), clock_.now());
    if (verdict != Reason::none) return refuse(wanted, verdict);
    if (Session* const ready = sessions_.find_pooled()) return claim(*ready, wanted);
    // Nearer than a new one, and its slot may be the last: it is claimed when it comes up.
    if (Session* const coming = sessions_.find_coming()) return belongs_to(*coming, wanted);
    make(wanted);
}

void Lifecycle::make(Wanted const& wanted)
{
    SessionId const id{crypto::random_u64()};
    if (sessions_.find(id) != nullptr) return refuse(wanted, Reason::internal);
    Session* const session = sessions_.add(id, wanted.caller, wanted.caller_name, wanted.chat, clock_.now());
    if (session == nullptr) return refuse(wanted, Reason::too_many_sessions);
    session->trace = wanted.trace;
    session->waiters.push_back(wanted.waiter);
    create_watches_[id] = loop_.after(kCreateWait, [this, id] { create_late(id); });
    record_birth(*session, What::session_create);
}

// CT-6: nothing is prepared for a session whose creation is not on disk, and none of the pool runs a call before it is on record whose it is.
void Lifecycle::record_birth(Session const& session, What what)
{
    wires_.recorder.record(event(session, what, Reason::none), [this, id = session.id](Result<EventNumber> number) {
        if (Session* const found = sessions_.find(id))
            move(*found, number ? Happening::recorded : Happening::record_failed, Reason::audit_unavailable);
    });
}

void Lifecycle::claim(Session& session, Wanted const& wanted)
{
    belongs_to(session, wanted);
    create_watches_[session.id] = loop_.after(kCreateWait, [this, id = session.id] { create_late(id); });
    move(session, Happening::claim, Reason::none);
}

void Lifecycle::belongs_to(Session& session, Wanted const& wanted)
{
    session.owner = Owner::caller;
    session.caller = wanted.caller;
    session.caller_name = wanted.caller_name;
    session.chat = wanted.chat;
    session.trace = wanted.trace;
    session.born = session.used = clock_.now();  // its limits count from here
    session.waiters.push_back(wanted.waiter);
    metering_.belongs_to(session);
}

void Lifecycle::refill()
{
    if (stopping_) return;
    refill_watch_ = loop_.after(kRefillEvery, [this] { refill(); });
    for (SessionId const id : sessions_.pooled_for(clock_.now(), kPooledAgeMax))
        if (Session* const session = sessions_.find(id)) move(*session, Happening::end, Reason::session_ended);
    auto const pool = sessions_.pool();
    if (frozen_ == Frozen::no && pool_.may_make({pool.ready, pool.coming, sessions_.starting(), sessions_.slots_free()}, clock_.now()))
        make_for_pool();
}

void Lifecycle::make_for_pool()
{
    SessionId const id{crypto::random_u64()};
    if (sessions_.find(id) != nullptr) return;
    Session* const session = sessions_.add_for_pool(id, clock_.now());
    if (session == nullptr) return;
    create_watches_[id] = loop_.after(kCreateWait, [this, id] { create_late(id); });
    record_birth(*session, What::session_pooled);
}

void Lifecycle::hear(proto::SandboxToControl::Message message)
{
    std::visit(wire::Overloaded{
                   [this](proto::SessionUp const& up) {
                       Session* const session = sessions_.find(up.session);
                       if (session == nullptr) return;
                       if (session->phase == Phase::starting) metering_.begin(*session);
                       bool const for_pool = session->birth == Birth::for_pool;
                       move(*session, for_pool ? Happening::shelve : Happening::came_up, Reason::none);
                       if (for_pool && session->owner == Owner::caller) move(*session, Happening::claim, Reason::none);
                   },
                   [this](proto::SessionUsed const& used) { metering_.told(used); },
                   [this](proto::SessionDead const& dead) {
                       metering_.ended(dead.session);
                       if (Session* const session = sessions_.find(dead.session)) move(*session, Happening::died, Reason::session_ended);
                   },
                   [this](proto::SessionDown const& down) {
                       metering_.ended(down.session);
                       Session* const session = sessions_.find(down.session);
                       if (session == nullptr) return;
                       bool const failed = session->phase == Phase::starting;
                       move(*session, Happening::went_down, failed ? Reason::session_failed : Reason::session_ended);
                   },
               },
        std::move(message));
}

void Lifecycle::hear(proto::TokenMinted minted)
{
    auto const found = minting_.find(minted.request);
    if (found == minting_.end()) return;
    SessionId const id = found->second;
    minting_.erase(found);
    Session* const session = sessions_.find(id);
    if (session == nullptr) return;
    bool const good = minted.good;
    if (good) tokens_[id] = std::move(minted);
    move(*session, good ? Happening::minted : Happening::mint_failed, Reason::role_unavailable);
    tokens_.erase(id);
}

void Lifecycle::move(Session& session, Happening happening, Reason reason)
{
    using enum Happening;
    bool const loss = happening == record_failed || happening == mint_failed || happening == died || happening == went_down;
    if (loss && session.owner == Owner::nobody && Sessions::is_live(session.phase)) pool_.lost(clock_.now());
    perform(session, sessions_.apply(session, happening), reason);
}

void Lifecycle::perform(Session& session, Act act, Reason reason)
{
    if (act != Act::none && !Sessions::is_live(session.phase) && session.ended_by == Reason::none) session.ended_by = reason;
    switch (act) {
    case Act::none: break;
    case Act::mint: ask_token(session); break;
    case Act::create: create(session); break;
    case Act::grant:
        create_watches_.erase(session.id);
        answer_waiters(session, Reason::none);
        break;
    case Act::refuse:
        // The sandbox role, which records what becomes of a start, never heard of it.
        answer_waiters(session, reason);
        wires_.recorder.note(event(session, What::session_failed, reason));
        break;
    case Act::refuse_lost: answer_waiters(session, Reason::session_failed); break;  // whatever it says of itself
    case Act::refuse_end:
        answer_waiters(session, reason);
        wires_.sandbox.send(proto::SessionEnd{session.id, How::orderly});
        break;
    case Act::end:
        wires_.gateway.send(proto::SessionGone{session.id, reason});
        wires_.sandbox.send(proto::SessionEnd{session.id, How::orderly});
        break;
    case Act::refuse_kill:
        answer_waiters(session, reason);
        sever(session);
        break;
    case Act::kill:
        sever(session);
        wires_.gateway.send(proto::SessionGone{session.id, reason});
        break;
    case Act::kill_harder: sever(session); break;
    case Act::lost: wires_.gateway.send(proto::SessionGone{session.id, reason}); break;
    case Act::severed: severed_(session.id); break;
    case Act::shelve:
        if (session.owner == Owner::nobody) create_watches_.erase(session.id);  // else a caller waits
        pool_.came_up();
        break;
    case Act::record_claim: record_birth(session, What::session_create); break;
    }
    if (session.phase == Phase::gone) finish(session, reason);
}

void Lifecycle::create(Session const& session)
{
    auto& minted = tokens_[session.id];
    wires_.sandbox.send(proto::SessionCreate{session.id, session.slot, config_.tier, std::move(minted.token), std::move(minted.scoped)});
}

// T-13: the guest's connections and its mount end first, so that nothing it waits for can keep it alive; what it was lent is gone with
// them (CU-2).
void Lifecycle::sever(Session const& session)
{
    wires_.edge.send(proto::SessionSever{session.id});
    wires_.storage.send(proto::SessionSever{session.id});
    wires_.custody.send(proto::SessionSever{session.id});
    wires_.sandbox.send(proto::SessionEnd{session.id, How::kill});
}

void Lifecycle::finish(Session& session, Reason reason)
{
    SessionId const id = session.id;
    Reason const why = session.ended_by == Reason::none ? reason : session.ended_by;
    proto::Event gone = event(session, What::session_destroy, why);
    gone.outcome = Outcome::success;
    wires_.recorder.note(std::move(gone));
    create_watches_.erase(id);
    std::erase_if(minting_, [id](auto const& each) { return each.second == id; });
    sessions_.forget(id);
    severed_(id);
    end_if_all_gone();
}

void Lifecycle::answer_waiters(Session& session, Reason reason)
{
    auto const waiters = std::exchange(session.waiters, {});
    for (Waiter const waiter : waiters) tell(waiter, session.id, reason);
}

void Lifecycle::ask_token(Session const& session)
{
    RequestId const request{++last_request_};
    minting_[request] = session.id;
    wires_.custody.send(proto::TokenWanted{request, session.id, session_name(session.id), config_.token_life});
}

void Lifecycle::create_late(SessionId id)
{
    Session* const session = sessions_.find(id);
    if (session == nullptr || session->phase >= Phase::up) return;
    bool const told_sandbox = session->phase >= Phase::starting;
    move(*session, Happening::kill, Reason::session_failed);
    if (told_sandbox) wires_.recorder.note(event(*session, What::session_failed, Reason::session_failed));
}

Lifecycle::Marked Lifecycle::mark_killed(SessionId id)
{
    Session* const session = sessions_.find(id);
    if (session == nullptr) return Marked::unknown;
    Phase const before = session->phase;
    if (before == Phase::dead) return Marked::over;
    if (before == Phase::recording || before == Phase::minting) {
        move(*session, Happening::kill, Reason::session_killed);
        return Marked::over;
    }
    (void)sessions_.apply(*session, Happening::kill);
    session->ended_by = Reason::session_killed;
    create_watches_.erase(id);
    answer_waiters(*session, Reason::session_killed);
    return Marked::sever;
}

void Lifecycle::carry_out_kill(SessionId id)
{
    Session const* const session = sessions_.find(id);
    if (session != nullptr && session->phase == Phase::killing) sever(*session);
    // Also when it went away by itself meanwhile: the gateway may still hold calls for it.
    wires_.gateway.send(proto::SessionGone{id, Reason::session_killed});
}

void Lifecycle::sweep()
{
    for (SessionId const id : sessions_.overdue(clock_.now(), config_.idle_max, config_.absolute_max))
        if (Session* const session = sessions_.find(id)) move(*session, Happening::end, Reason::session_ended);
    sweep_watch_ = loop_.after(kSweepEvery, [this] { sweep(); });
}

void Lifecycle::stop(std::function<void()> ended)
{
    stopping_ = true;
    ended_ = std::move(ended);
    sweep_watch_.reset();
    refill_watch_.reset();
    for (SessionId const id : sessions_.ids())
        if (Session* const session = sessions_.find(id)) move(*session, Happening::end, Reason::shutting_down);
    stop_watch_ = loop_.after(kStopWait, [this] {
        if (auto const done = std::exchange(ended_, nullptr)) done();
    });
    end_if_all_gone();
}

void Lifecycle::end_if_all_gone()
{
    if (!stopping_ || sessions_.count() != 0 || !metering_.empty() || !ended_) return;
    stop_watch_.reset();
    auto const done = std::exchange(ended_, nullptr);
    done();
}

}  // namespace ocu::control
