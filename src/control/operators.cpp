// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/operators.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "appliance/policy/privileged_actions.h"
#include "base/clock_check.h"
#include "base/log.h"
#include "control/limits.h"
#include "control/session_name.h"

namespace ocu::control {

using proto::OperatorAction;
using proto::Outcome;
using proto::Reason;
using proto::What;

namespace {

// Of this process; 0 where the kernel does not say.
std::uint64_t resident_bytes()
{
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file(std::fopen("/proc/self/statm", "re"), std::fclose);
    unsigned long all = 0, resident = 0;
    if (!file || std::fscanf(file.get(), "%lu %lu", &all, &resident) != 2) return 0;
    return static_cast<std::uint64_t>(resident) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

Operators::Operators(
    wire::Loop& loop, Clock const& clock, Config const& config, UniqueFd listener, Control::Wires& wires, Lifecycle& lifecycle, CallerDesk& callers)
    : loop_(loop), clock_(clock), config_(config), listener_(std::move(listener)), wires_(wires), lifecycle_(lifecycle), callers_(callers),
      born_(clock.now())
{
    if (!listener_) return;
    // Level-triggered and drained until empty: an accept that blocks would stop the kill-switch.
    int const flags = ::fcntl(listener_.get(), F_GETFL);
    OCU_ASSERT(flags >= 0 && ::fcntl(listener_.get(), F_SETFL, flags | O_NONBLOCK) == 0);
    watch_listener();
}

void Operators::watch_listener()
{
    listener_watch_ = loop_.on_readable(listener_.get(), [this] { accept_some(); });
}

void Operators::stop()
{
    listener_watch_.reset();
    listener_.reset();
}

void Operators::accept_some()
{
    constexpr int kAcceptsPerTurn = 16;
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
        UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!connection) {
            if (errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS) return;
            listener_watch_ = loop_.after(kAcceptPause, [this] { watch_listener(); });
            return;
        }
        ucred peer{};
        socklen_t size = sizeof(peer);
        if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof(peer)) continue;
        (void)admit(std::move(connection), peer.uid);
    }
}

std::optional<std::string> Operators::operator_name(std::uint32_t uid) const
{
    if (uid == 0) return "root";
    for (auto const& each : config_.operators)
        if (each.uid == uid) return each.name;
    return std::nullopt;
}

bool Operators::admit(UniqueFd connection, std::uint32_t uid)
{
    auto const name = operator_name(uid);
    if (!name) {
        note_refusal("uid " + std::to_string(uid), Reason::forbidden, {}, {});
        return false;
    }
    if (link_ == nullptr) return false;  // the front is down: fail closed; the client sees the connection end
    ConnectionId const id{++last_connection_};
    connections_[id] = *name;
    if (connections_.size() > kConnectionsKnownMax) connections_.erase(connections_.begin());
    std::vector<UniqueFd> handed;
    handed.push_back(std::move(connection));
    link_->send(proto::OperatorConnection{id}, std::move(handed));
    return true;
}

// Recorded, but not so often that knocking fills the log (T-06): what is left out is counted in the next one.
void Operators::note_refusal(std::string const& actor, Reason reason, std::string const& trace, std::string const& detail)
{
    Monotonic const now = clock_.now();
    while (!refusals_.empty() && now - refusals_.front() >= std::chrono::minutes(1)) refusals_.pop_front();
    if (refusals_.size() >= kRefusalsPerMinuteMax) {
        ++refusals_unrecorded_;
        return;
    }
    refusals_.push_back(now);
    proto::Event event;
    event.what = What::operator_refused;
    event.outcome = Outcome::failure;
    event.reason = reason;
    event.trace = wire::Text<64>::cut(trace);
    event.actor = wire::Text<128>::cut(actor);
    event.detail = wire::Text<1024>::cut(detail);
    event.number = std::exchange(refusals_unrecorded_, 0);
    wires_.recorder.note(std::move(event));
}

void Operators::front_up(UniqueFd link)
{
    ++front_;
    link_ = std::make_unique<wire::Link>(
        loop_, std::move(link), wire::Link::Options{.permits = proto::kOperatorFrontMaySend},
        [this](wire::Link::Frame frame) { hear(std::move(frame)); }, [this](wire::Lost why) { lost(why); });
}

// Its connections are gone with it. What it asked for goes on: a kill does not need the one who asked.
void Operators::front_down()
{
    link_.reset();
    connections_.clear();
}

void Operators::lost(wire::Lost why)
{
    if (why != wire::Lost::closed) wires_.spawner.report_violation(helper::Kind::operator_front);
    loop_.post([this, front = front_] {
        if (front == front_) front_down();
    });
}

void Operators::hear(wire::Link::Frame frame)
{
    if (frame.type == static_cast<std::uint16_t>(proto::Type::operator_refused)) {
        auto const told = wire::decode<proto::OperatorRefused>(frame.body);
        if (!told) return link_->violation();
        auto const who = connections_.find(told->connection);
        return note_refusal(who == connections_.end() ? "unknown" : who->second, Reason::bad_request, told->trace.str(), told->code.str());
    }
    auto ask = wire::decode<proto::OperatorAsk>(frame.body);
    if (!ask) return link_->violation();
    // T-17: a kill is taken however many questions wait for the record.
    if (jobs_.size() >= kAsksMax && policy::record_of(ask->action) != policy::Record::never_waits) return link_->violation();
    asked(*std::move(ask));
}

void Operators::asked(proto::OperatorAsk ask)
{
    proto::OperatorAnswer answer;
    answer.request = ask.request;
    auto const who = connections_.find(ask.connection);
    if (who == connections_.end()) {
        answer.reason = Reason::forbidden;
        return send(front_, answer);
    }
    if (policy::record_of(ask.action) == policy::Record::not_needed && ask.action != OperatorAction::leases) {
        if (ask.action == OperatorAction::sessions)
            fill_sessions(answer);
        else if (ask.action == OperatorAction::callers_list)
            answer.callers = callers_.shown();
        else
            fill_status(answer);
        if (ask.action == OperatorAction::metrics) answer.tally.push(tally_);
        return send(front_, answer);
    }
    std::uint64_t const number = ++last_job_;
    Job& job = jobs_[number];
    job.front = front_;
    job.actor = who->second;
    job.answer = std::move(answer);
    job.ask = std::move(ask);
    if (job.ask.action == OperatorAction::leases)
        start_leases(number, job);
    else if (policy::record_of(job.ask.action) == policy::Record::never_waits)
        start_kill(number, job);
    else
        start_recorded(number, job);
}

// Custody's thread knows them; its answer comes at once, or that thread does not run.
void Operators::start_leases(std::uint64_t number, Job& job)
{
    job.answer_watch = loop_.after(kRecordWait, [this, number] {
        if (auto const found = jobs_.find(number); found != jobs_.end()) found->second.answer.reason = Reason::role_unavailable;
        finish(number);
    });
    wires_.custody.send(proto::LeasesWanted{RequestId{number}});
}

void Operators::told(proto::LeasesTold told)
{
    auto const found = jobs_.find(told.request.value);
    if (found == jobs_.end()) return;
    found->second.answer.leases = std::move(told.leases);
    finish(told.request.value);
}

// Its record is on disk. A name is resolved for it, if a rule names it, and nothing else leaves.
void Operators::start_explaining(std::uint64_t number, Job& job)
{
    job.record_watch.reset();
    job.answer_watch = loop_.after(kExplainWait, [this, number] {
        if (auto const found = jobs_.find(number); found != jobs_.end()) found->second.answer.reason = Reason::role_unavailable;
        finish(number);
    });
    wires_.edge.send(proto::ExplainWanted{RequestId{number}, job.ask.session, job.ask.egress});
}

void Operators::told(proto::Explained told)
{
    auto const number = told.request.value;
    auto const found = jobs_.find(number);
    if (found == jobs_.end()) return;
    found->second.answer.explained = std::move(told);
    finish(number);
}

// Likewise on record. Nobody else is asked, and nothing changes.
void Operators::explain_policy(std::uint64_t number, Job& job)
{
    if (wires_.explain_policy)
        job.answer.explained = wires_.explain_policy(job.ask.policy, callers_.book().names());
    else
        job.answer.reason = Reason::role_unavailable;
    finish(number);
}

// Likewise on record. A word that is answered too late may be in force all the same: the operator looks again.
void Operators::ask_files(std::uint64_t number, Job& job)
{
    job.record_watch.reset();
    if (lifecycle_.sessions().find(job.ask.session) == nullptr) {
        job.answer.reason = Reason::unknown_session;
        return finish(number);
    }
    job.answer_watch = loop_.after(kRecordWait, [this, number] {
        if (auto const found = jobs_.find(number); found != jobs_.end()) found->second.answer.reason = Reason::role_unavailable;
        finish(number);
    });
    wires_.storage.send(
        proto::FilesAskWanted{RequestId{number}, job.ask.session, job.ask.files, wire::Text<64>::cut(job.actor)});
}

// Likewise on record, with the refusal if it is one.
void Operators::change_callers(std::uint64_t number, Job& job)
{
    job.record_watch.reset();
    if (job.answer.reason != Reason::none) return finish(number);
    callers_.change(job.ask.action, job.ask.caller, job.actor, [this, number](CallerDesk::Done done) { callers_changed(number, std::move(done)); });
}

// Whoever asked hears of it once nothing of a revoked caller runs any more, or is told that this is not confirmed.
void Operators::callers_changed(std::uint64_t number, CallerDesk::Done done)
{
    auto const found = jobs_.find(number);
    if (found == jobs_.end()) return;
    Job& job = found->second;
    job.answer.reason = done.reason;
    job.answer.callers.key = std::move(done.made.key);
    job.answer.callers.key_id = done.made.key_id;
    for (SessionId const id : done.severed) {
        Session const* const session = lifecycle_.sessions().find(id);
        if (session == nullptr || session->phase == Phase::dead)
            ++job.answer.killed;
        else
            job.waiting.insert(id);
    }
    job.decided = true;
    if (job.waiting.empty()) return finish(number);
    job.answer_watch = loop_.after(kKillAnswerWait, [this, number] { finish(number); });
}

void Operators::told(proto::FilesTold told)
{
    auto const number = told.request.value;
    auto const found = jobs_.find(number);
    if (found == jobs_.end()) return;
    found->second.answer.reason = told.reason;
    found->second.answer.files = std::move(told);
    finish(number);
}

void Operators::record(std::uint64_t number, Job const& job, std::function<void(Result<EventNumber>)> done)
{
    proto::Event event;
    event.what = What::operator_action;
    event.reason = job.answer.reason;
    event.outcome = job.answer.reason == Reason::none ? Outcome::success : Outcome::failure;
    event.session = job.ask.session;
    event.trace = job.ask.trace;
    event.actor = wire::Text<128>::cut(job.actor);
    event.resource = job.ask.session ? session_name(job.ask.session) : "appliance";
    event.detail = proto::name_of(job.ask.action);
    if (job.ask.action == OperatorAction::egress_test) {
        auto const& asked = job.ask.egress;
        event.detail =
            wire::Text<1024>::cut(std::string(proto::name_of(job.ask.action)) + ' ' + std::string(name_of(asked.scheme)) + ' ' +
                                  asked.host.str() + ' ' + std::to_string(asked.port) + ' ' + asked.method.str() + ' ' + asked.path.str());
    }
    if (!job.ask.files.path.empty())
        event.detail = wire::Text<1024>::cut(std::string(proto::name_of(job.ask.action)) + ' ' + job.ask.files.path.str());
    if (job.ask.action == OperatorAction::policy_explain) {
        auto const& asked = job.ask.policy;
        event.detail = wire::Text<1024>::cut(
            std::string(proto::name_of(job.ask.action)) + ' ' + asked.caller.str() + ' ' + asked.tool.str() + ' ' + asked.path.str());
    }
    if (!job.ask.caller.name.empty()) {
        auto const& asked = job.ask.caller;
        event.resource = wire::Text<512>::cut("caller " + asked.name.str());
        if (asked.days != 0) event.detail = wire::Text<1024>::cut(event.detail.str() + " days=" + std::to_string(asked.days));
        if (asked.overlap_s != 0) event.detail = wire::Text<1024>::cut(event.detail.str() + " overlap_s=" + std::to_string(asked.overlap_s));
    }
    event.number = static_cast<std::int64_t>(number);
    wires_.recorder.record(std::move(event), std::move(done));
}

// T-17. In force first: after mark_killed() no call gets these sessions. Then the record is asked for, and after kKillRecordWait at the
// latest, with or without it, they are severed. No failure of audit is looked at, except to tell the operator.
void Operators::start_kill(std::uint64_t number, Job& job)
{
    std::vector<SessionId> targets;
    if (job.ask.action == OperatorAction::kill)
        targets.push_back(job.ask.session);
    else
        targets = lifecycle_.sessions().ids();
    for (SessionId const id : targets) {
        switch (lifecycle_.mark_killed(id)) {
        case Lifecycle::Marked::unknown: job.answer.reason = Reason::unknown_session; break;
        case Lifecycle::Marked::over: ++job.answer.killed; break;
        case Lifecycle::Marked::sever:
            job.to_sever.push_back(id);
            job.waiting.insert(id);
            break;
        }
    }
    job.record_watch = loop_.after(kKillRecordWait, [this, number] { carry_out_kill(number); });
    record(number, job, [this, number](Result<EventNumber> written) {
        auto const found = jobs_.find(number);
        if (found == jobs_.end()) return;
        found->second.answer.recorded = written.has_value();
        carry_out_kill(number);
    });
}

void Operators::carry_out_kill(std::uint64_t number)
{
    auto const found = jobs_.find(number);
    if (found == jobs_.end() || found->second.decided) return;
    Job& job = found->second;
    job.decided = true;
    job.record_watch.reset();
    for (SessionId const id : job.to_sever) lifecycle_.carry_out_kill(id);
    if (job.waiting.empty()) return finish(number);
    job.answer_watch = loop_.after(kKillAnswerWait, [this, number] { finish(number); });
}

void Operators::severed(SessionId id)
{
    std::vector<std::uint64_t> complete;
    for (auto& [number, job] : jobs_) {
        if (job.waiting.erase(id) == 0) continue;
        ++job.answer.killed;
        if (job.waiting.empty() && job.decided) complete.push_back(number);
    }
    for (std::uint64_t const number : complete) finish(number);
}

void Operators::start_recorded(std::uint64_t number, Job& job)
{
    job.answer.reason = callers_.judge(job.ask.action, job.ask.caller);
    job.record_watch = loop_.after(
        kRecordWait, [this, number] { carry_out_recorded(number, fail(Fault::unavailable, "the record did not come in time")); });
    record(number, job, [this, number](Result<EventNumber> written) { carry_out_recorded(number, written); });
}

void Operators::carry_out_recorded(std::uint64_t number, Result<EventNumber> written)
{
    auto const found = jobs_.find(number);
    if (found == jobs_.end()) return;  // it was refused for lateness: a record that comes after that changes nothing
    Job& job = found->second;
    job.answer.recorded = written.has_value();
    if (!written) {
        job.answer.reason = Reason::audit_unavailable;
        return finish(number);
    }
    switch (job.ask.action) {
    case OperatorAction::egress_test: return start_explaining(number, job);
    case OperatorAction::policy_explain: return explain_policy(number, job);
    case OperatorAction::files_list:
    case OperatorAction::files_withhold:
    case OperatorAction::files_release: return ask_files(number, job);
    case OperatorAction::callers_add:
    case OperatorAction::callers_rotate:
    case OperatorAction::callers_revoke:
    case OperatorAction::callers_reset: return change_callers(number, job);
    case OperatorAction::freeze: lifecycle_.set_frozen(Frozen::yes); break;
    case OperatorAction::thaw: lifecycle_.set_frozen(Frozen::no); break;
    case OperatorAction::shutdown:
        log::info("an operator asked for the end");
        shutdown_watch_ = loop_.after(kShutdownDelay, [this] { wires_.shutdown(); });
        break;
    default: break;
    }
    job.answer.frozen = lifecycle_.frozen() == Frozen::yes;
    finish(number);
}

void Operators::finish(std::uint64_t number)
{
    auto const found = jobs_.find(number);
    if (found == jobs_.end()) return;
    Job job = std::move(found->second);
    jobs_.erase(found);
    job.answer.pending = static_cast<std::uint32_t>(job.waiting.size());
    send(job.front, job.answer);
}

void Operators::send(std::uint64_t front, proto::OperatorAnswer const& answer)
{
    if (link_ != nullptr && front == front_) link_->send(answer);
}

void Operators::fill_status(proto::OperatorAnswer& answer) const
{
    answer.callers.state = callers_.book().state();
    answer.healthy = wires_.health.all_up() && !answer.callers.state.damaged;
    answer.frozen = lifecycle_.frozen() == Frozen::yes;
    answer.name = wire::Text<64>::cut(config_.appliance_name);
    answer.version = wire::Text<32>::cut(OCU_VERSION);
    answer.tier = wire::Text<16>::cut(proto::name_of(config_.tier));
    answer.profile = wire::Text<32>::cut(config_.profile);
    answer.uptime = std::chrono::duration_cast<std::chrono::seconds>(clock_.now() - born_);
    answer.session_count = static_cast<std::uint32_t>(lifecycle_.sessions().owned());
    answer.pool_ready = static_cast<std::uint32_t>(lifecycle_.sessions().pool().ready);
    answer.pool_wanted = static_cast<std::uint32_t>(lifecycle_.pool_wanted());
    answer.manifest_serial = config_.manifest_serial;
    answer.manifest_digest = wire::Text<128>::cut(config_.manifest_digest);
    answer.mcp_url = wire::Text<512>::cut(config_.mcp_url);
    answer.certificate_sha256 = wire::Text<96>::cut(config_.certificate_sha256);
    answer.webhook = webhook_;
    answer.store = store_;
    answer.audit_disk = audit_disk_;
    answer.sinks = sinks_;
    answer.witnesses = witnesses_;
    answer.retention = retention_;
    answer.resident_bytes = resident_bytes();
    answer.clock_checked = clock_is_checked();
    answer.cold = cold_;
    answer.now_ms = clock_.wall().time_since_epoch().count();
    for (std::size_t i = 0; i < helper::kStandingKinds; ++i)
        answer.helpers.push({wire::Text<32>::cut(helper::name_of(static_cast<helper::Kind>(i))), wires_.health.up[i].load()});
}

void Operators::fill_sessions(proto::OperatorAnswer& answer) const
{
    Monotonic const now = clock_.now();
    answer.tier = wire::Text<16>::cut(proto::name_of(config_.tier));
    for (SessionId const id : lifecycle_.sessions().ids()) {
        Session const* const session = lifecycle_.sessions().find(id);
        if (session == nullptr || answer.sessions.full()) continue;
        answer.sessions.push({id, wire::Text<64>::cut(session->caller_name), wire::Text<128>::cut(session->chat),
            wire::Text<16>::cut(name_of(session->phase)), session->slot,
            std::chrono::duration_cast<std::chrono::seconds>(now - session->born)});
    }
}

}  // namespace ocu::control
