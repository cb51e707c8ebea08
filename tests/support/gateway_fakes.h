// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The gateway thread's neighbours, played: a control that grants what it is asked, a sandbox that answers when the test says so or by a
// small script, a storage that shows what it is given, a recorder that remembers and can be made to fail.

#include <deque>
#include <map>
#include <set>

#include "base/crypto/crypto.h"
#include "gateway/gateway.h"

namespace ocu::support {

// Remembers; answers at once or when told to.
class FakeRecorder final : public proto::Recorder {
public:
    void record(proto::Event event, Done done) override
    {
        events.push_back(std::move(event));
        if (broken) return done(fail(Fault::unavailable, "the log is closed"));
        if (held) return waiting.push_back(std::move(done));
        done(EventNumber{events.size()});
    }
    void release()
    {
        held = false;
        for (auto const& done : std::exchange(waiting, {})) done(EventNumber{1});
    }
    std::size_t count(proto::What what) const
    {
        std::size_t found = 0;
        for (auto const& event : events)
            if (event.what == what) ++found;
        return found;
    }

    std::vector<proto::Event> events;
    std::vector<Done> waiting;
    bool broken = false;
    bool held = false;
};

class FakeSpawner final : public helper::Spawner {
public:
    Result<helper::Spawned> spawn(helper::Kind, Slot, wire::Bytes, std::vector<UniqueFd>) override
    {
        return fail(Fault::unavailable, "nothing is spawned here");
    }
    void report_violation(helper::Kind) override { ++violations; }
    int violations = 0;
};

// Every arrow of the gateway, all on one loop, with what was sent on them kept for the test to look at.
struct GatewayNeighbours {
    explicit GatewayNeighbours(wire::Loop& on)
        : loop(on), core_in(on), control_in(on), sandbox_in(on), storage_in(on), control(on), sandbox(on), storage(on)
    {
        for (auto& up : health.up) up = true;
        control.on_message([this](proto::GatewayToControl::Message message) {
            if (auto const* const refused = std::get_if<proto::CallDenied>(&message)) return calls_denied.push_back(*refused);
            auto const& wanted = std::get<proto::SessionWanted>(message);
            wanted_sessions.push_back(wanted);
            if (on_wanted) on_wanted(wanted);
        });
        sandbox.on_message([this](proto::GatewayToSandbox::Message message) {
            std::visit(wire::Overloaded{[this](proto::CallTool& call) {
                                            started.push_back(call);
                                            if (on_call) on_call(call);
                                        },
                           [this](proto::CancelTool& cancel) {
                               cancelled.push_back(cancel);
                               if (on_cancel) on_cancel(cancel);
                           }},
                message);
        });
        storage.on_message([this](proto::GatewayToStorage::Message message) {
            std::visit(wire::Overloaded{[this](proto::InspectBody const& inspect) {
                                            inspected.push_back(inspect);
                                            if (on_inspect) on_inspect(inspect);
                                        },
                           [this](proto::ResourceWanted const& wanted) {
                               resources.push_back(wanted);
                               if (on_resource) on_resource(wanted);
                           }},
                message);
        });
    }

    gateway::Gateway::Wires wires()
    {
        return {core_in, control_in, sandbox_in, storage_in, control, sandbox, storage, recorder, spawner, health, [this] { ++stopped; }};
    }
    // A session for each (caller, chat), the same one each time.
    SessionId session_of(proto::SessionWanted const& wanted)
    {
        auto const [at, made] = sessions.try_emplace({wanted.caller, wanted.chat.str()}, SessionId{sessions.size() + 100});
        return at->second;
    }

    wire::Loop& loop;
    proto::CoreToRole core_in;
    proto::ControlToGateway control_in;
    proto::SandboxToGateway sandbox_in;
    proto::StorageToGateway storage_in;
    proto::GatewayToControl control;
    proto::GatewayToSandbox sandbox;
    proto::GatewayToStorage storage;
    FakeRecorder recorder;
    FakeSpawner spawner;
    helper::Health health;
    int stopped = 0;

    std::function<void(proto::SessionWanted const&)> on_wanted;
    std::function<void(proto::CallTool const&)> on_call;
    std::function<void(proto::CancelTool const&)> on_cancel;
    std::function<void(proto::InspectBody const&)> on_inspect;
    std::function<void(proto::ResourceWanted const&)> on_resource;
    std::vector<proto::SessionWanted> wanted_sessions;
    std::vector<proto::CallDenied> calls_denied;
    std::vector<proto::CallTool> started;
    std::vector<proto::CancelTool> cancelled;
    std::vector<proto::InspectBody> inspected;
    std::vector<proto::ResourceWanted> resources;
    std::map<std::pair<CallerId, std::string>, SessionId> sessions;
};

inline gateway::Caller make_caller(std::uint64_t id, std::string name, std::string_view token)
{
    gateway::Caller caller;
    caller.id = CallerId{id};
    caller.name = std::move(name);
    caller.salt.fill(static_cast<std::uint8_t>(id));
    caller.digest = crypto::Sha256().update(std::as_bytes(std::span(caller.salt))).update(token).finish();
    return caller;
}

inline proto::ToolAnswer text_answer(std::string_view text)
{
    proto::ToolAnswer answer;
    answer.body = std::string(text);
    return answer;
}

}  // namespace ocu::support
