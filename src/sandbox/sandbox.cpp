// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/sandbox.h"

#include <map>
#include <unordered_map>

#include "base/assert.h"
#include "base/log.h"
#include "helper/helper.h"
#include "proto/sandbox_to_exec.h"
#include "proto/sandbox_to_launcher.h"
#include "sandbox/limits.h"
#include "sandbox/session.h"
#include "sandbox/session_notes.h"
#include "sandbox/trust.h"

namespace ocu::sandbox {

namespace {

using proto::Reason;

// The exec helper's first frame says that it is confined.
constexpr auto kExecSays = [] {
    std::array<wire::Permit, proto::kExecMaySend.size() + 1> out{};
    std::ranges::copy(proto::kExecMaySend, out.begin());
    out.back() = {helper::kReadyType, 0, 4096};
    return out;
}();

}  // namespace

struct Sandbox::State {
    State(wire::Loop& loop_in, Clock const& clock_in, Config config_in, Wires wires_in)
        : loop(loop_in), clock(clock_in), config(config_in), wires(std::move(wires_in)), notes(wires.recorder, clock)
    {}

    // Control and core.
    void create(proto::SessionCreate wanted);
    void end_asked(proto::SessionEnd const& wanted);
    void launcher_up(UniqueFd link);
    void launcher_down();
    void measure_all();
    void measured(std::span<std::byte const> body);
    void stop();
    // Calls.
    void call(proto::CallTool wanted);
    void cancel(proto::CancelTool const& wanted);
    void refuse(CallId call, Reason reason);
    // What the launcher and the exec helper say.
    void launcher_says(wire::Link::Frame frame);
    void prepared(wire::Link::Frame frame);
    void exec_says(SessionId id, wire::Link::Frame const& frame);
    void exec_lost(SessionId id, wire::Lost why);

    void happens(SessionId id, Happening happening, Reason reason);
    void perform(Session& session, Act act, Reason reason);
    void equip_with(Session& session, std::vector<UniqueFd> descriptors);
    void announce(Session& session);
    void hand_over(Session& session, proto::CallTool call);
    void end(Session& session, Reason reason);
    void finish(SessionId id);
    void stop_if_empty();
    template <class Message>
    void tell_launcher(Message const& message);
    template <class Message>
    void slot_happens(std::span<std::byte const> body, Happening happening, Reason reason);

    wire::Loop& loop;
    Clock const& clock;
    Config config;
    Wires wires;
    SessionNotes notes;
    std::unique_ptr<wire::Link> launcher;
    bool launcher_was_up = false;
    std::unordered_map<SessionId, Session> sessions;
    std::map<Slot, SessionId> slots;
    std::vector<UniqueFd> arriving;  // Prepared's descriptors, for the act that uses them in the same call
    bool stopping = false;
    wire::Watch stop_deadline;
    wire::Watch measure_tick;
};

template <class Message>
void Sandbox::State::tell_launcher(Message const& message)
{
    if (launcher) launcher->send(message);  // else it is said again when there is one: Happening::launcher_back
}

void Sandbox::State::create(proto::SessionCreate wanted)
{
    SessionId const id = wanted.session;
    if (!launcher || stopping || sessions.contains(id) || slots.contains(wanted.slot) || wanted.slot.value >= config.slots)
        return wires.control.send(proto::SessionDown{id, stopping ? Reason::shutting_down : Reason::role_unavailable});
    Session& session = sessions[id];
    session.id = id;
    session.slot = wanted.slot;
    session.tier = wanted.tier;
    session.token = std::move(wanted.token);
    session.scoped = std::move(wanted.scoped);
    session.began = clock.now();
    if (session.tier == proto::Tier::gvisor)
        session.rest.emplace(loop, kRestAfter, [this, slot = wanted.slot](Rest::Order order) {
            order == Rest::Order::stop ? tell_launcher(proto::LauncherPause{slot}) : tell_launcher(proto::LauncherResume{slot});
        });
    session.deadline = loop.after(kStartDeadline, [this, id] { happens(id, Happening::deadline, Reason::session_failed); });
    slots[wanted.slot] = id;
    tell_launcher(proto::LauncherPrepare{wanted.slot, wanted.tier});
}

void Sandbox::State::end_asked(proto::SessionEnd const& wanted)
{
    if (!sessions.contains(wanted.session)) return wires.control.send(proto::SessionDown{wanted.session, Reason::none});
    happens(wanted.session, Happening::end_asked, wanted.how == proto::How::kill ? Reason::session_killed : Reason::none);
}

void Sandbox::State::happens(SessionId id, Happening happening, Reason reason)
{
    auto const found = sessions.find(id);
    if (found == sessions.end()) return;
    Step const step = step_of(found->second.stage, happening);
    found->second.stage = step.next;
    perform(found->second, step.act, reason);
}

// May end the session, and with it the reference.
void Sandbox::State::perform(Session& session, Act act, Reason reason)
{
    switch (act) {
    case Act::nothing: return;
    case Act::equip: return equip_with(session, std::move(arriving));
    case Act::start: return tell_launcher(proto::LauncherStart{session.slot});
    case Act::announce: return announce(session);
    case Act::end: return end(session, reason);
    case Act::dead:
        wires.control.send(session.meter.told(session.id, proto::Telling::last));
        wires.control.send(proto::SessionDead{session.id});
        return tell_launcher(proto::LauncherDestroy{session.slot});
    case Act::finish: return finish(session.id);
    case Act::kill_again: return tell_launcher(proto::LauncherKill{session.slot});
    case Act::remove_again: return tell_launcher(proto::LauncherDestroy{session.slot});
    case Act::retry_later:
        session.retry = loop.after(kDestroyRetry, [this, id = session.id] { happens(id, Happening::retry_due, Reason::none); });
        return;
    }
}

void Sandbox::State::equip_with(Session& session, std::vector<UniqueFd> descriptors)
{
    OCU_ASSERT(descriptors.size() == proto::kPreparedDescriptors);
    auto const take = [&](proto::PreparedDescriptor which) { return std::move(descriptors[static_cast<std::size_t>(which)]); };
    using enum proto::PreparedDescriptor;
    session.lane_program = take(lane_program);
    wires.edge.send(proto::LaneAttach{session.id, session.slot, take(tcp_listener), take(dns_socket)});
    std::uint32_t const owner = kHostIdBase + static_cast<std::uint32_t>(session.slot.value) * kHostIdsPerSlot + kGuestUser;
    wires.storage.send(proto::MountAttach{session.id, session.slot, take(fuse), owner});
    proto::ExecConfig exec;
    exec.token = std::move(session.token);
    exec.stream_bytes_max = config.limits.stream_bytes;
    exec.monitored = session.tier == proto::Tier::gvisor;
    for (auto const& each : session.scoped.items()) exec.variables.push(each);
    if (config.trusts_authority)
        for (auto& each : trust_variables()) exec.variables.push(std::move(each));
    std::vector<UniqueFd> given;
    given.push_back(take(channel));
    if (exec.monitored) given.push_back(take(monitor));
    auto spawned = wires.spawner.spawn(helper::Kind::exec, session.slot, wire::encode(exec), std::move(given));
    if (!spawned) {
        log::failure("an exec helper could not be started", spawned.error());
        return happens(session.id, Happening::guest_gone, Reason::session_failed);
    }
    session.exec = std::move(spawned->child);
    SessionId const id = session.id;
    session.exec_link = std::make_unique<wire::Link>(
        loop, std::move(spawned->link), wire::Link::Options{kExecSays}, [this, id](wire::Link::Frame frame) { exec_says(id, frame); },
        [this, id](wire::Lost why) { loop.post([this, id, why] { exec_lost(id, why); }); });
}

void Sandbox::State::announce(Session& session)
{
    session.deadline.reset();
    notes.session(session, proto::What::session_ready, proto::Outcome::success, Reason::none);
    wires.control.send(proto::SessionUp{session.id});
    tell_launcher(proto::LauncherMeasure{session.slot});
    if (!measure_tick) measure_tick = loop.after(config.measure_every, [this] { measure_all(); });
    if (session.rest) session.rest->is_up();
    for (auto& waiting : session.calls.release()) hand_over(session, std::move(waiting));
}

void Sandbox::State::hand_over(Session& session, proto::CallTool call)
{
    if (session.rest) session.rest->is_wanted();
    if (call.arguments.tool == proto::Tool::process_start) ++session.programs;
    session.exec_link->send(proto::ExecCall{call.call, std::move(call.arguments), true});
}

// The order is SX-6: route, mount, channel, then the guest itself; none of it needs the guest's help.
void Sandbox::State::end(Session& session, Reason reason)
{
    session.end_reason = reason;
    notes.programs_left(session);
    bool const failed = reason == Reason::session_failed || reason == Reason::role_unavailable;
    if (failed) notes.session(session, proto::What::session_failed, proto::Outcome::failure, reason);
    wires.edge.send(proto::LaneDetach{session.id});
    wires.storage.send(proto::MountDetach{session.id});
    session.cut_off();
    for (CallId const each : session.calls.drain()) refuse(each, reason == Reason::none ? Reason::session_ended : reason);
    tell_launcher(proto::LauncherKill{session.slot});
}

void Sandbox::State::finish(SessionId id)
{
    auto const found = sessions.find(id);
    proto::SessionDown const down{id, found->second.end_reason};
    slots.erase(found->second.slot);
    sessions.erase(found);
    wires.control.send(down);
    stop_if_empty();
}

void Sandbox::State::refuse(CallId call, Reason reason)
{
    proto::ToolDone done{call, {}};
    done.answer.reason = reason;
    done.answer.is_error = true;
    wires.gateway.send(std::move(done));
}

void Sandbox::State::call(proto::CallTool wanted)
{
    auto const found = sessions.find(wanted.session);
    if (found == sessions.end()) return refuse(wanted.call, Reason::session_ended);
    Session& session = found->second;
    if (session.stage == Stage::up) {
        session.calls.run(wanted.call);
        return hand_over(session, std::move(wanted));
    }
    if (session.stage > Stage::up)
        return refuse(wanted.call, session.end_reason == Reason::none ? Reason::session_ended : session.end_reason);
    CallId const id = wanted.call;
    if (!session.calls.wait(std::move(wanted))) refuse(id, Reason::too_many_calls);
}

void Sandbox::State::cancel(proto::CancelTool const& wanted)
{
    auto const found = sessions.find(wanted.session);
    if (found == sessions.end()) return;  // its calls have been answered
    switch (found->second.calls.cancel(wanted.call)) {
    case CallQueue::Cancelled::is_running: return found->second.exec_link->send(proto::ExecCancel{wanted.call});
    case CallQueue::Cancelled::was_waiting: return refuse(wanted.call, Reason::cancelled);
    case CallQueue::Cancelled::unknown: return;
    }
}

void Sandbox::State::exec_says(SessionId id, wire::Link::Frame const& frame)
{
    Session& session = sessions.at(id);  // the link lives in the session
    if (frame.type == helper::kReadyType) return happens(id, Happening::exec_reported, Reason::session_failed);
    switch (static_cast<proto::Type>(frame.type)) {
    case proto::Type::exec_ready: return happens(id, Happening::exec_ready, Reason::session_failed);
    case proto::Type::exec_guest_gone:
        return happens(id, Happening::guest_gone, session.stage == Stage::up ? Reason::session_ended : Reason::session_failed);
    case proto::Type::exec_progress:
        if (auto news = wire::decode<proto::ExecProgress>(frame.body); news && session.calls.running(news->call)) {
            // A helper that its guest has taken over would fill the gateway's inbox with them (T-06, T-14).
            if (clock.now() < session.progress_from) return;
            session.progress_from = clock.now() + kProgressGap;
            return wires.gateway.send(proto::ToolProgress{news->call, news->elapsed, news->total, std::move(news->last_line)});
        }
        break;
    case proto::Type::exec_done:
        if (auto done = wire::decode<proto::ExecDone>(frame.body); done && session.calls.answered(done->call))
            return wires.gateway.send(proto::ToolDone{done->call, std::move(done->answer)});
        break;
    case proto::Type::exec_process_ended:
        if (auto const ended = wire::decode<proto::ExecProcessEnded>(frame.body); ended && session.programs > 0) {
            --session.programs;
            return notes.process_ended(session, *ended);
        }
        break;
    case proto::Type::exec_idle:  // a call that is on its way to the guest is news to it
        if (session.rest && !session.calls.any_running() && session.programs == 0) session.rest->is_idle();
        return;
    case proto::Type::exec_programs_run:
        if (auto const told = wire::decode<proto::ExecProgramsRun>(frame.body); told && session.tier == proto::Tier::gvisor)
            return notes.programs_ran(session, *told);
        break;
    default: break;
    }
    session.exec_link->violation();
}

void Sandbox::State::exec_lost(SessionId id, wire::Lost why)
{
    auto const found = sessions.find(id);
    if (found == sessions.end() || !found->second.exec_link) return;  // it was ended meanwhile, by us
    // T-14: a helper that breaks the grammar has been taken over by its guest, or is wrong. Either way the session is lost.
    if (why != wire::Lost::closed) notes.session(found->second, proto::What::helper_violation, proto::Outcome::failure, Reason::internal);
    happens(id, Happening::guest_gone, found->second.stage == Stage::up ? Reason::session_ended : Reason::session_failed);
}

void Sandbox::State::launcher_up(UniqueFd link)
{
    launcher = std::make_unique<wire::Link>(
        loop, std::move(link), wire::Link::Options{proto::kLauncherToSandbox},
        [this](wire::Link::Frame frame) { launcher_says(std::move(frame)); },
        [this](wire::Lost why) {
            if (why != wire::Lost::closed) wires.spawner.report_violation(helper::Kind::launcher);
        });
    if (!std::exchange(launcher_was_up, true)) {
        // What an appliance that was ended hard has left under these names. A launcher that comes back later finds sessions that live.
        for (std::uint64_t slot = 0; slot < config.slots; ++slot) tell_launcher(proto::LauncherDestroy{Slot{slot}});
    }
    std::vector<SessionId> all;
    for (auto& [id, session] : sessions) {
        all.push_back(id);
        if (session.rest && session.stage == Stage::up) session.rest->say_again();
    }
    for (SessionId const id : all) happens(id, Happening::launcher_back, Reason::none);
}

void Sandbox::State::launcher_down()
{
    launcher.reset();
    std::vector<SessionId> all;
    for (auto const& [id, session] : sessions) all.push_back(id);
    for (SessionId const id : all) happens(id, Happening::launcher_lost, Reason::role_unavailable);
}

// Nobody waits for the answers: a launcher that is down or busy costs a sample.
void Sandbox::State::measure_all()
{
    measure_tick.reset();
    bool any = false;
    for (auto const& [id, session] : sessions) {
        if (session.stage != Stage::up) continue;
        any = true;
        tell_launcher(proto::LauncherMeasure{session.slot});
    }
    if (any) measure_tick = loop.after(config.measure_every, [this] { measure_all(); });
}

void Sandbox::State::measured(std::span<std::byte const> body)
{
    auto const message = wire::decode<proto::LauncherMeasured>(body);
    if (!message) return launcher->violation();
    auto const found = slots.find(message->slot);
    if (found == slots.end()) return;
    Session& session = sessions.at(found->second);
    session.meter.take(*message, clock.now());
    if (session.stage == Stage::up) wires.control.send(session.meter.told(session.id, proto::Telling::so_far));
}

void Sandbox::State::prepared(wire::Link::Frame frame)
{
    auto const message = wire::decode<proto::LauncherPrepared>(frame.body);
    if (!message) return launcher->violation();
    auto const found = slots.find(message->slot);
    if (found == slots.end()) return;
    arriving = std::move(frame.descriptors);
    happens(found->second, Happening::prepared, Reason::session_failed);
    arriving.clear();  // a session that has ended meanwhile has no use for them: closing them ends lane and mount
}

template <class Message>
void Sandbox::State::slot_happens(std::span<std::byte const> body, Happening happening, Reason reason)
{
    auto const message = wire::decode<Message>(body);
    if (!message) return launcher->violation();
    if (auto const found = slots.find(message->slot); found != slots.end()) happens(found->second, happening, reason);
}

void Sandbox::State::launcher_says(wire::Link::Frame frame)
{
    switch (static_cast<proto::Type>(frame.type)) {
    case proto::Type::launcher_prepared: return prepared(std::move(frame));
    case proto::Type::launcher_started: return;  // the agent's own answer counts
    case proto::Type::launcher_killed: return slot_happens<proto::LauncherKilled>(frame.body, Happening::killed, Reason::none);
    case proto::Type::launcher_destroyed: return slot_happens<proto::LauncherDestroyed>(frame.body, Happening::destroyed, Reason::none);
    case proto::Type::launcher_measured: return measured(frame.body);
    case proto::Type::launcher_exited: return slot_happens<proto::LauncherExited>(frame.body, Happening::guest_gone, Reason::session_ended);
    case proto::Type::launcher_failed: {
        auto const failed = wire::decode<proto::LauncherFailed>(frame.body);
        bool const destroying = failed && failed->stage == proto::LaunchStage::destroy;
        return slot_happens<proto::LauncherFailed>(
            frame.body, destroying ? Happening::destroy_failed : Happening::launch_failed, Reason::session_failed);
    }
    default: return launcher->violation();
    }
}

void Sandbox::State::stop()
{
    stopping = true;
    std::vector<SessionId> all;
    for (auto const& [id, session] : sessions) all.push_back(id);
    for (SessionId const id : all) happens(id, Happening::end_asked, Reason::shutting_down);
    // The launcher clears what is left when its own link closes; the core's end does not wait for it here.
    stop_deadline = loop.after(kStopDeadline, [this] {
        log::warning("sessions were still ending when the sandbox role stopped");
        wires.stopped();
    });
    stop_if_empty();
}

void Sandbox::State::stop_if_empty()
{
    if (!stopping || !sessions.empty() || !stop_deadline) return;
    stop_deadline.reset();
    wires.stopped();
}

Sandbox::Sandbox(wire::Loop& loop, Clock const& clock, Config config, Wires wires)
    : state_(std::make_unique<State>(loop, clock, config, std::move(wires)))
{
    State& state = *state_;
    state.wires.core_in.on_message([&state](proto::CoreToRole::Message message) {
        std::visit(wire::Overloaded{
                       [&state](proto::HelperUp& up) {
                           if (up.kind == helper::Kind::launcher) state.launcher_up(std::move(up.link));
                       },
                       [&state](proto::HelperDown& down) {
                           if (down.kind == helper::Kind::launcher) state.launcher_down();
                       },
                       [&state](proto::StopRole&) { state.stop(); },
                   },
            message);
    });
    state.wires.control_in.on_message([&state](proto::ControlToSandbox::Message message) {
        std::visit(wire::Overloaded{
                       [&state](proto::SessionCreate& create) { state.create(std::move(create)); },
                       [&state](proto::SessionEnd& end) { state.end_asked(end); },
                   },
            message);
    });
    state.wires.gateway_in.on_message([&state](proto::GatewayToSandbox::Message message) {
        std::visit(wire::Overloaded{
                       [&state](proto::CallTool& call) { state.call(std::move(call)); },
                       [&state](proto::CancelTool& cancel) { state.cancel(cancel); },
                   },
            message);
    });
    state.wires.storage_in.on_message([&state](proto::StorageToSandbox::Message message) {
        std::visit(wire::Overloaded{
                       [&state](proto::MountReady& ready) { state.happens(ready.session, Happening::mount_ready, Reason::session_failed); },
                       [&state](proto::MountLost& lost) { state.happens(lost.session, Happening::mount_lost, Reason::session_failed); },
                   },
            message);
    });
}

Sandbox::~Sandbox() = default;

}  // namespace ocu::sandbox
