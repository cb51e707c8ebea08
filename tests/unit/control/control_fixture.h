// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Control's thread between its neighbours, played: real mailboxes, and a real link to a front that the test is.

#include "control/control.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/generators/catch_generators.hpp>
#include <future>

#include "control/limits.h"
#include "proto/operator_front_to_control.h"
#include "support/role_peer.h"

namespace test_control {

using namespace ocu;
using namespace ocu::control;
using proto::OperatorAction;
using proto::Reason;
using proto::What;

enum class Pen { writes, fails, silent };

// A recorder that works, fails at once, or never answers.
class AnyRecorder final : public proto::Recorder {
public:
    void record(proto::Event event, Done done) override
    {
        events.push_back(std::move(event));
        if (pen == Pen::writes) done(EventNumber{events.size()});
        if (pen == Pen::fails) done(fail(Fault::unavailable, "the disk is full"));
    }
    std::size_t count(What what) const { return static_cast<std::size_t>(std::ranges::count(events, what, &proto::Event::what)); }
    std::vector<proto::Event> events;
    Pen pen = Pen::writes;
};

struct Listener {
    Listener()
    {
        fd = UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)) == 0);  // a free abstract name
        size = sizeof(address);
        REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
        REQUIRE(::listen(fd.get(), 8) == 0);
    }
    UniqueFd connect() const
    {
        UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr const*>(&address), size) == 0);
        return client;
    }
    UniqueFd fd;
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    socklen_t size = 0;
};

struct Moved {
    std::uint64_t out = 0;
    std::uint64_t in = 0;
};

struct ControlTest {
    using AuditRoom = std::function<std::optional<DiskRoom>()>;
    explicit ControlTest(Config config = {}, AuditRoom room = {}) : audit_room(std::move(room))
    {
        // On its own thread, as in the core.
        std::promise<void> built;
        static_cast<wire::Loop&>(loop).post([this, &config, &built] {
            start(std::move(config));
            built.set_value();
        });
        built.get_future().wait();
    }
    ~ControlTest() { loop.finish(); }

    void start(Config config)
    {
        config.operators.push_back({::getuid(), "tester"});
        config.appliance_name = "test";
        gateway.on_message([this](auto message) { to_gateway.push_back(std::move(message)); });
        sandbox.on_message([this](auto message) {
            to_sandbox.push_back(message);
            if (auto const* const end = std::get_if<proto::SessionEnd>(&message); end != nullptr && sandbox_obeys) {
                if (neighbours_count) last_words(end->session);
                sandbox_in.send(proto::SessionDead{end->session});
                sandbox_in.send(proto::SessionDown{end->session, Reason::none});
            }
        });
        edge.on_message([this](auto message) {
            if (auto const* const wanted = std::get_if<proto::ExplainWanted>(&message)) return to_explain.push_back(*wanted);
            severed_edge.push_back(std::get<proto::SessionSever>(message).session);
        });
        storage.on_message([this](auto message) {
            if (auto const* const sever = std::get_if<proto::SessionSever>(&message)) return severed_storage.push_back(sever->session);
            to_storage.push_back(std::move(message));
        });
        custody.on_message([this](auto message) {
            std::visit(wire::Overloaded{[this](proto::TokenWanted const& wanted) {
                                            proto::TokenMinted minted{
                                                wanted.request, custody_mints, "token of " + wanted.container.str(), {}};
                                            minted.scoped.push({"API_TOKEN", "ocu-scoped-x"});
                                            custody_in.send(std::move(minted));
                                        },
                           [this](proto::SessionSever const& severed) { severed_custody.push_back(severed.session); },
                           [this](proto::LeasesWanted const& wanted) {
                               proto::LeasesTold told{wanted.request, {}};
                               told.leases.push({SessionId{7}, "api-key", "api.example.com", std::chrono::seconds(840)});
                               custody_in.send(std::move(told));
                           }},
                message);
        });
        control = std::make_unique<Control>(loop, clock, std::move(config), std::move(listener.fd),
            Control::Wires{core_in, gateway_in, storage_in, sandbox_in, custody_in, edge_in, audit_in, gateway, sandbox, storage, edge,
                custody, recorder, spawner, health, [this] { shutdowns++; }, [this] { stops++; }, nullptr,
                [this](proto::PolicyQuestion const& question, std::span<std::string const>) {
                    policy_questions.push_back(question);
                    proto::Explained told;
                    told.reason = Reason::policy_denied;
                    return told;
                },
                audit_room,
                [this](wire::Bytes bytes, std::function<void(bool)> done) {
                    if (callers_disk == Pen::silent) return callers_wait.push_back(std::move(done));
                    if (callers_disk == Pen::writes) callers_file = std::move(bytes);
                    done(callers_disk == Pen::writes);
                }});
    }
    // All that the role's thread does is looked at on that thread: its own timer may be due at any moment. How many of `what` are on record then.
    std::size_t on_loop(What what, auto act)
    {
        std::promise<std::size_t> told;
        static_cast<wire::Loop&>(loop).post([&] {
            act();
            told.set_value(recorder.count(what));
        });
        return told.get_future().get();
    }
    void connect_front()
    {
        core_in.send(proto::HelperUp{helper::Kind::operator_front, front.connect(), {}});
        loop.settle();
        client = listener.connect();
        connection = front.take<proto::OperatorConnection>().connection;
    }
    proto::OperatorAnswer ask(OperatorAction action, SessionId session = {})
    {
        front.send(proto::OperatorAsk{connection, RequestId{++last_request}, action, session, "trace", {}});
        auto answer = front.take<proto::OperatorAnswer>();
        CHECK(answer.request == RequestId{last_request});
        loop.settle();
        return answer;
    }
    void want(std::uint64_t request, std::uint64_t caller = 1, std::string chat = "default")
    {
        gateway_in.send(proto::SessionWanted{RequestId{request}, CallerId{caller}, "dev", std::move(chat), "trace"});
        loop.settle();
    }
    SessionId created() const
    {
        SessionId last_created;
        for (auto const& message : to_sandbox)
            if (auto const* const create = std::get_if<proto::SessionCreate>(&message)) last_created = create->session;
        return last_created;
    }
    // What each of those who count says of a session that is over.
    void last_words(SessionId session, std::uint64_t cpu_us = 0, std::uint64_t memory_kib_s = 0, Moved mount = {}, Moved traffic = {})
    {
        edge_in.send(proto::SessionTraffic{session, traffic.out, traffic.in, proto::Telling::last});
        storage_in.send(proto::SessionMounted{session, mount.in, mount.out, proto::Telling::last});
        sandbox_in.send(proto::SessionUsed{session, cpu_us, memory_kib_s, true, true, proto::Telling::last});
    }
    std::size_t creates() const
    {
        return static_cast<std::size_t>(
            std::ranges::count_if(to_sandbox, [](auto const& m) { return std::holds_alternative<proto::SessionCreate>(m); }));
    }
    SessionId bring_up(std::uint64_t request = 1)
    {
        want(request);
        SessionId const session = created();
        sandbox_in.send(proto::SessionUp{session});
        loop.settle();
        return session;
    }
    Reason last_refusal() const
    {
        Reason reason = Reason::none;
        for (auto const& message : to_gateway)
            if (auto const* const refused = std::get_if<proto::SessionRefused>(&message)) reason = refused->reason;
        return reason;
    }
    std::vector<RequestId> granted(SessionId session) const
    {
        std::vector<RequestId> requests;
        for (auto const& message : to_gateway)
            if (auto const* const grant = std::get_if<proto::SessionGranted>(&message); grant != nullptr && grant->session == session)
                requests.push_back(grant->request);
        return requests;
    }

    AuditRoom audit_room;
    Pen callers_disk = Pen::writes;
    wire::Bytes callers_file;
    std::vector<std::function<void(bool)>> callers_wait;
    ManualClock clock;
    test::LoopThread loop;
    proto::CoreToRole core_in{loop};
    proto::GatewayToControl gateway_in{loop};
    proto::StorageToControl storage_in{loop};
    proto::SandboxToControl sandbox_in{loop};
    proto::CustodyToControl custody_in{loop};
    proto::EdgeToControl edge_in{loop};
    proto::AuditToControl audit_in{loop};
    proto::ControlToGateway gateway{loop};
    proto::ControlToSandbox sandbox{loop};
    proto::ControlToStorage storage{loop};
    std::vector<proto::ControlToStorage::Message> to_storage;  // but for sever
    proto::ControlToEdge edge{loop};
    proto::ControlToCustody custody{loop};
    AnyRecorder recorder;
    test::Spawner spawner;
    helper::Health health;
    Listener listener;
    test::HelperPeer front;
    UniqueFd client;
    ConnectionId connection;
    std::uint64_t last_request = 0;
    bool sandbox_obeys = true;
    bool neighbours_count = true;  // and have no more to say when a session is ended in order
    bool custody_mints = true;
    int shutdowns = 0;
    int stops = 0;
    std::vector<proto::ControlToGateway::Message> to_gateway;
    std::vector<proto::ControlToSandbox::Message> to_sandbox;
    std::vector<SessionId> severed_edge;
    std::vector<SessionId> severed_storage;
    std::vector<proto::ExplainWanted> to_explain;
    std::vector<proto::PolicyQuestion> policy_questions;
    std::vector<SessionId> severed_custody;
    std::unique_ptr<Control> control;
};

}  // namespace test_control
