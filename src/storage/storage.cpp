// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/storage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <format>

#include "appliance/profiles/broker.h"
#include "base/log.h"
#include "proto/broker_to_storage.h"
#include "storage/inspections.h"
#include "storage/limits.h"
#include "storage/mount_meter.h"
#include "storage/operator_files.h"
#include "storage/remote_store.h"
#include "storage/resource_calls.h"
#include "storage/session_store.h"

namespace ocu::storage {

namespace {

constexpr std::chrono::milliseconds kStopWait{5'000};  // for removals; what is left is removed at the next start

}  // namespace

struct Storage::State {
    struct Session {
        helper::Child broker;
        std::unique_ptr<wire::Link> link;
        wire::Watch start_deadline;
        MountMeter meter;
        MountBytes told;  // to control
        Monotonic since;
        bool ready = false;
    };

    State(wire::Loop& loop_in, Clock const& clock_in, Config config_in, UniqueFd store_in, Wires wires_in)
        : loop(loop_in), clock(clock_in), config(config_in), wires(std::move(wires_in)), remote(make_remote(store_in.get())),
          store(loop_in, std::move(store_in)), inspections(
                                                   loop_in, [this](proto::BodyInspected answer) { wires.gateway.send(std::move(answer)); },
                                                   [this] { wires.spawner.report_violation(helper::Kind::parser); }),
          resources(loop_in, [this](proto::ResourceTold told) { wires.gateway.send(std::move(told)); }),
          operator_files([this](proto::FilesTold told) { wires.files_control.send(std::move(told)); }),
          files(loop_in, clock_in, std::exchange(config.files, {}),
              {wires.files_control, wires.recorder, [this](SessionId id) { return ready_broker(id); },
                  [this] { wires.spawner.report_violation(helper::Kind::files_front); },
                  [this](SessionId id, proto::FilesCheck const& wanted) { check_upload(id, wanted); }})
    {}

    std::unique_ptr<RemoteStore> make_remote(int directory);
    void listen();
    void attach(proto::MountAttach request);
    Result<void> start_broker(Session& session, proto::MountAttach request);
    Result<std::vector<UniqueFd>> equip_broker(Session& session, proto::MountAttach& request, proto::BrokerConfig& settings);
    void broker_said(SessionId id, wire::Link::Frame const& frame);
    bool broker_told(SessionId id, wire::Link::Frame const& frame);
    void broker_lost(SessionId id, wire::Lost why);
    // Kills the broker at once, which aborts the FUSE connection; the files go afterwards, in steps.
    void end(SessionId id, proto::Outcome outcome);
    void helper_up(proto::HelperUp up);
    void helper_down(helper::Kind kind);
    wire::Link* ready_broker(SessionId id);
    void check_upload(SessionId id, proto::FilesCheck const& wanted);
    void tell_meters();
    void stop();
    void note(proto::What what, SessionId session, proto::Outcome outcome, std::uint64_t bytes, std::chrono::milliseconds duration);

    wire::Loop& loop;
    Clock const& clock;
    Config config;
    Wires wires;
    std::unique_ptr<RemoteStore> remote;  // null: files of sessions lie here
    SessionStore store;
    Inspections inspections;
    ResourceCalls resources;
    OperatorFiles operator_files;
    FilesDesk files;
    std::unordered_map<SessionId, Session> sessions;
    bool stopping = false;
    bool stopped_said = false;
    wire::Watch stop_deadline;
    wire::Watch meter_tick;
};

void Storage::State::listen()
{
    wires.core_in.on_message([this](proto::CoreToRole::Message message) {
        std::visit(wire::Overloaded{
                       [this](proto::HelperUp& up) { helper_up(std::move(up)); },
                       [this](proto::HelperDown& down) { helper_down(down.kind); },
                       [this](proto::StopRole&) { stop(); },
                   },
            message);
    });
    wires.sandbox_in.on_message([this](proto::SandboxToStorage::Message message) {
        std::visit(wire::Overloaded{
                       [this](proto::MountAttach& request) { attach(std::move(request)); },
                       [this](proto::MountDetach& request) { end(request.session, proto::Outcome::success); },
                   },
            message);
    });
    wires.edge_in.on_message([this](proto::EdgeToStorage::Message) {
        if (remote) remote->lane_up();
    });
    wires.gateway_in.on_message([this](proto::GatewayToStorage::Message message) {
        std::visit(wire::Overloaded{
                       [this](proto::InspectBody& body) { inspections.ask(std::move(body)); },
                       [this](proto::ResourceWanted const& wanted) { resources.ask(ready_broker(wanted.session), wanted); },
                   },
            message);
    });
    wires.control_in.on_message([this](proto::ControlToStorage::Message message) {
        std::visit(wire::Overloaded{
                       [this](proto::SessionSever const& sever) { end(sever.session, proto::Outcome::success); },
                       [this](proto::FilesSessionGranted const& granted) { files.granted(granted); },
                       [this](proto::FilesSessionRefused const& refused) { files.refused(refused); },
                       [this](proto::FilesAskWanted const& wanted) { operator_files.ask(ready_broker(wanted.session), wanted); },
                       [this](proto::CallersInForce const& told) { files.callers_are(*told.callers); },
                   },
            message);
    });
}

void Storage::State::note(
    proto::What what, SessionId session, proto::Outcome outcome, std::uint64_t bytes, std::chrono::milliseconds duration)
{
    proto::Event event;
    event.what = what;
    event.outcome = outcome;
    event.session = session;
    event.actor = "storage";
    event.resource = "broker";
    event.bytes = bytes;
    event.duration_ms = duration.count();
    wires.recorder.note(std::move(event));
}

void Storage::State::attach(proto::MountAttach request)
{
    auto const id = request.session;
    if (stopping || sessions.contains(id) || sessions.size() >= kSessionsMax) {
        wires.sandbox.send(proto::MountLost{id});
        return;
    }
    auto& session = sessions[id];
    session.since = clock.now();
    auto const started = start_broker(session, std::move(request));
    note(proto::What::mount_attach, id, started ? proto::Outcome::success : proto::Outcome::failure, 0, {});
    if (started) return;
    log::failure("broker did not start", started.error());
    wires.sandbox.send(proto::MountLost{id});
    end(id, proto::Outcome::failure);
}

Result<void> Storage::State::start_broker(Session& session, proto::MountAttach request)
{
    auto const id = request.session;
    proto::BrokerConfig settings{request.guest_uid, config.file_bytes_max, config.session_bytes_max, {}, {}, config.upload_types, config.output_types};
    for (auto const& each : config.withhold) settings.withhold.push(wire::Text<proto::kWithholdRuleBytesMax>(each));
    auto descriptors = OCU_TRY(equip_broker(session, request, settings));
    auto spawned = OCU_TRY(wires.spawner.spawn(helper::Kind::broker, request.slot, wire::encode(settings), std::move(descriptors)));
    session.broker = std::move(spawned.child);
    session.link = std::make_unique<wire::Link>(
        loop, std::move(spawned.link), wire::Link::Options{proto::kBrokerMaySend},
        [this, id](wire::Link::Frame frame) { broker_said(id, frame); }, [this, id](wire::Lost why) { broker_lost(id, why); });
    session.start_deadline =
        loop.after(remote ? kRemoteBrokerStartTime : kBrokerStartTime, [this, id] { broker_lost(id, wire::Lost::closed); });
    return {};
}

Result<std::vector<UniqueFd>> Storage::State::equip_broker(Session& session, proto::MountAttach& request, proto::BrokerConfig& settings)
{
    auto const id = request.session;
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(request.fuse));  // given away: the broker's is the last, so its death ends the connection
    descriptors.push_back(OCU_TRY(MountMeter::make_page()));
    session.meter = OCU_TRY(MountMeter::map(descriptors.back().get(), MountMeter::Side::reads));
    if (!remote) {
        auto const owner = static_cast<uid_t>(helper::kHelperUidBase + profiles::kBroker.user_offset + request.slot.value);
        descriptors.push_back(OCU_TRY(store.make(id, owner)));
        return descriptors;
    }
    auto equipment = OCU_TRY(remote->equip(id, [this, id] { loop.post([this, id] { broker_lost(id, wire::Lost::violation); }); }));
    settings.place = std::move(equipment.place);
    descriptors.push_back(std::move(equipment.supply));
    descriptors.push_back(std::move(equipment.credential));
    return descriptors;
}

wire::Link* Storage::State::ready_broker(SessionId id)
{
    auto const found = sessions.find(id);
    return found == sessions.end() || !found->second.ready ? nullptr : found->second.link.get();
}

// The parser gets a channel to that one upload; its bytes pass this thread by.
void Storage::State::check_upload(SessionId id, proto::FilesCheck const& wanted)
{
    auto const channel = wanted.channel;
    inspections.check({wanted.bytes,
        [this, id, channel](UniqueFd theirs) {
            auto* const broker = ready_broker(id);
            if (broker == nullptr) return false;
            std::vector<UniqueFd> descriptors;
            descriptors.push_back(std::move(theirs));
            broker->send(proto::FilesCheckSource{channel}, std::move(descriptors));
            return true;
        },
        [this, id, channel](proto::Reason reason, proto::ArchiveVerdict const& verdict) { files.checked(id, channel, reason, verdict); }});
}

bool Storage::State::broker_told(SessionId id, wire::Link::Frame const& frame)
{
    switch (static_cast<proto::Type>(frame.type)) {
    case proto::Type::store_damaged: note(proto::What::store_damaged, id, proto::Outcome::failure, 0, {}); return true;
    case proto::Type::contents_withheld: {
        auto told = wire::decode<proto::ContentsWithheld>(frame.body);
        if (told) wires.edge.send(proto::SessionWithholds{id, std::move(told->change)});
        return told.has_value();
    }
    case proto::Type::broker_files_told: return operator_files.told(id, frame.body);
    case proto::Type::broker_resource_told: return resources.told(id, frame.body);
    default: return files.broker_said(id, frame);
    }
}

void Storage::State::broker_said(SessionId id, wire::Link::Frame const& frame)
{
    auto& session = sessions.at(id);
    bool const says_ready = frame.type == helper::kReadyType;
    if (says_ready == session.ready) return session.link->violation();  // ready comes first, and once
    if (!says_ready) {
        if (!broker_told(id, frame)) session.link->violation();
        return;
    }
    session.ready = true;
    session.start_deadline.reset();
    wires.sandbox.send(proto::MountReady{id});
    if (!meter_tick) meter_tick = loop.after(kTellMeterEvery, [this] { tell_meters(); });
}

// What has changed; what comes between this and the last word is in that.
void Storage::State::tell_meters()
{
    meter_tick.reset();
    if (sessions.empty()) return;
    for (auto& [id, session] : sessions) {
        auto const carried = session.meter.bytes();
        if (carried == std::exchange(session.told, carried)) continue;
        wires.files_control.send(proto::SessionMounted{id, carried.read, carried.written, proto::Telling::so_far});
    }
    meter_tick = loop.after(kTellMeterEvery, [this] { tell_meters(); });
}

void Storage::State::broker_lost(SessionId id, wire::Lost why)
{
    if (!sessions.contains(id)) return;
    if (why != wire::Lost::closed) note(proto::What::helper_violation, id, proto::Outcome::failure, 0, {});
    wires.sandbox.send(proto::MountLost{id});
    end(id, proto::Outcome::failure);
}

void Storage::State::end(SessionId id, proto::Outcome outcome)
{
    auto const found = sessions.find(id);
    if (found == sessions.end()) return;
    auto const since = found->second.since;
    bool const had_key = static_cast<bool>(found->second.broker);
    auto const meter = std::move(found->second.meter);
    sessions.erase(found);  // the broker has ended when this returns, and the only copy of the session's data key with it
    auto const carried = meter.bytes();
    wires.files_control.send(proto::SessionMounted{id, carried.read, carried.written, proto::Telling::last});
    if (had_key) note(proto::What::data_key_destroyed, id, proto::Outcome::success, 0, {});
    resources.session_gone(id);
    operator_files.session_gone(id);
    files.session_ended(id);
    if (remote) remote->session_over(id);
    store.remove(id, [this, id, outcome, since](std::uint64_t bytes, bool whole) {
        auto const lasted = std::chrono::duration_cast<std::chrono::milliseconds>(clock.now() - since);
        note(proto::What::mount_detach, id, whole ? outcome : proto::Outcome::failure, bytes, lasted);
    });
}

void Storage::State::helper_up(proto::HelperUp up)
{
    if (up.kind == helper::Kind::parser) inspections.parser_up(std::move(up.link));
    if (up.kind == helper::Kind::files_front) files.front_up(std::move(up.link));
}

void Storage::State::helper_down(helper::Kind kind)
{
    if (kind == helper::Kind::parser) inspections.parser_down();
    if (kind == helper::Kind::files_front) files.front_down();
}

void Storage::State::stop()
{
    if (std::exchange(stopping, true)) return;
    inspections.stop();
    files.stop();
    files.front_down();
    std::vector<SessionId> open;
    for (auto const& [id, session] : sessions) open.push_back(id);
    for (auto const id : open) end(id, proto::Outcome::success);
    auto const say = [this] {
        if (!std::exchange(stopped_said, true)) wires.stopped();
    };
    stop_deadline = loop.after(kStopWait, say);
    store.when_idle([this, say] { remote ? remote->stop(say) : say(); });
}

std::unique_ptr<RemoteStore> Storage::State::make_remote(int directory)
{
    if (!config.s3) return nullptr;
    auto copy = duplicate(directory);
    auto out = std::make_unique<RemoteStore>(loop, clock, *config.s3, copy ? std::move(*copy) : UniqueFd(),
        RemoteStore::Wires{wires.edge, wires.custody, wires.recorder, wires.spawner});
    if (auto const begun = out->begin(); !begun)
        log::failure("no session can be served: what it leaves in its store would be forgotten", begun.error());
    return out;
}

Storage::Storage(wire::Loop& loop, Clock const& clock, Config config, UniqueFd store, Wires wires)
    : state_(std::make_unique<State>(loop, clock, config, std::move(store), std::move(wires)))
{
    state_->listen();
    state_->store.remove_leftovers();
}

Storage::~Storage() = default;

}  // namespace ocu::storage
