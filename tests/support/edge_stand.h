// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The edge role's thread between its mailboxes, a session's helper and the uplink, both of which the test plays. Sockets are real ones of
// loopback.

#include <catch2/catch_test_macros.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge/address.h"
#include "edge/edge.h"
#include "edge/limits.h"
#include "helper/helper.h"
#include "proto/edge_helper_to_edge.h"
#include "proto/edge_to_uplink.h"
#include "proto/storage_lane_to_edge.h"
#include "support/role_peer.h"

namespace test_edge_thread {

using namespace ocu;
using proto::Reason;
using proto::What;

constexpr SessionId kSession{5};

// A connection over loopback: what `uplink` would hand over, and the far end.
struct Wire {
    Wire()
    {
        UniqueFd const listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr*>(&at), size) == 0);
        REQUIRE(::listen(listener.get(), 1) == 0);
        REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&at), &size) == 0);
        port = ntohs(at.sin_port);
        near = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::connect(near.get(), reinterpret_cast<sockaddr*>(&at), size) == 0);
        far = UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        REQUIRE(far);
    }
    // Whether the far end has seen the end of it.
    bool is_shut() const
    {
        pollfd entry{far.get(), POLLRDHUP, 0};
        return ::poll(&entry, 1, 0) == 1;
    }
    UniqueFd near;
    UniqueFd far;
    std::uint16_t port = 0;
};

class EdgeSpawner final : public helper::Spawner {
public:
    Result<helper::Spawned> spawn(helper::Kind kind, Slot slot, wire::Bytes, std::vector<UniqueFd> descriptors) override
    {
        kinds.push_back(kind);
        slots.push_back(slot);
        given = std::move(descriptors);
        if (fails) return fail(Fault::unavailable, "refused by the test");
        return helper::Spawned{{}, peer.connect()};
    }
    void report_violation(helper::Kind kind) override { violations.push_back(kind); }

    std::vector<helper::Kind> kinds;
    std::vector<Slot> slots;
    std::vector<UniqueFd> given;
    std::vector<helper::Kind> violations;
    test::HelperPeer peer;
    bool fails = false;
};

// Keeps what is recorded waiting if it is told to.
class HeldRecorder final : public proto::Recorder {
public:
    void record(proto::Event event, Done done) override
    {
        events.push_back(std::move(event));
        if (broken) return done(fail(Fault::unavailable, "the disk is full"));
        if (events.back().what == What::egress_opened && hold) return waiting.push_back(std::move(done));
        done(EventNumber{events.size()});
    }
    std::vector<proto::Event> of(What what) const
    {
        std::vector<proto::Event> out;
        for (auto const& each : events)
            if (each.what == what) out.push_back(each);
        return out;
    }
    std::vector<proto::Event> events;
    std::vector<Done> waiting;
    bool hold = false;
    bool broken = false;
};

struct Heard {
    std::vector<SessionId> channels;
    std::vector<SessionId> over;
    std::vector<proto::LeaseWanted> leases;
    std::vector<proto::SourceDialled> sources;
    std::vector<proto::NoticeSignWanted> notices;
};

inline edge::Rule rule(std::string name, std::string host, std::uint16_t port)
{
    edge::Rule out;
    out.name = std::move(name);
    out.hosts = {std::move(host)};
    out.ranges = {edge::parse_range("127.0.0.1").value()};
    out.ports = {port};
    return out;
}

struct EdgeTest {
    explicit EdgeTest(std::function<void(edge::Config&)> change = {})
    {
        config.rules = {rule("one", "one.example", wire.port), rule("two", "two.example", wire.port)};
        if (change) change(config);
        custody.on_message([this](proto::EdgeToCustody::Message message) {
            std::visit(wire::Overloaded{[this](proto::EdgeChannel& m) { heard.channels.push_back(m.session); },
                           [this](proto::EdgeSessionOver& m) { heard.over.push_back(m.session); },
                           [this](proto::LeaseWanted& m) { heard.leases.push_back(std::move(m)); },
                           [this](proto::SourceDialled& m) { heard.sources.push_back(std::move(m)); },
                           [this](proto::NoticeSignWanted& m) { heard.notices.push_back(std::move(m)); }},
                message);
        });
        control.on_message([this](proto::EdgeToControl::Message message) {
            std::visit(wire::Overloaded{[this](proto::Explained& m) { explained.push_back(std::move(m)); },
                           [this](proto::WebhookState const& m) { webhook = m; },
                           [this](proto::StoreState const& m) { store = m; },
                           [this](proto::SessionTraffic const& m) { traffic.push_back(m); }},
                message);
        });
        to_storage.on_message([this](proto::EdgeToStorage::Message) { ++times_lane_up; });
        to_audit.on_message([this](proto::EdgeToAudit::Message message) { sinks.push_back(std::move(std::get<proto::SinkDialled>(message))); });
        edge.emplace(loop, clock, config, UniqueFd(::eventfd(0, EFD_CLOEXEC)),
            edge::Edge::Wires{core_in, sandbox_in, control_in, custody_in, storage_in, audit_in, custody, control, to_storage, to_audit,
                recorder, spawner, [this] { stopped = true; }});
    }
    ~EdgeTest() { loop.finish(); }

    void attach(SessionId session = kSession)
    {
        tcp = UniqueFd(::eventfd(0, EFD_CLOEXEC));
        sandbox_in.send(proto::LaneAttach{session, Slot{9}, duplicate(tcp.get()).value(), UniqueFd(::eventfd(0, EFD_CLOEXEC))});
        loop.settle();
    }
    void first_packet()
    {
        std::uint64_t const one = 1;
        REQUIRE(::write(tcp.get(), &one, sizeof one) == sizeof one);
        loop.settle();
    }
    void uplink_up()
    {
        core_in.send(proto::HelperUp{helper::Kind::uplink, uplink.connect(), {}});
        loop.settle();
    }
    void served()
    {
        uplink_up();
        attach();
        first_packet();
        spawner.peer.send_raw(helper::kReadyType, {});
        loop.settle();
    }
    template <class Message>
    void say(Message const& message)
    {
        spawner.peer.send(message);
        loop.settle();
    }
    proto::RouteAsked asked(std::uint64_t connection = 1, std::string name = "one.example",
        proto::EgressProtocol protocol = proto::EgressProtocol::tls) const
    {
        proto::RouteAsked out;
        out.connection = ConnectionId{connection};
        out.protocol = protocol;
        out.name = wire::Text<253>(name);
        out.inner_name = wire::Text<253>(name);
        out.port = wire.port;
        return out;
    }
    // A route that is open, as the helper got it.
    proto::RouteOpened open(proto::RouteAsked const& route)
    {
        say(route);
        auto const dial = uplink.take<proto::Dial>();
        answer(dial.request);
        std::vector<UniqueFd> descriptors;
        auto opened = spawner.peer.take<proto::RouteOpened>(&descriptors);
        REQUIRE(descriptors.size() == 1);
        socket = std::move(descriptors[0]);
        return opened;
    }
    void answer(RequestId request)
    {
        int const lent = wire.near.get();
        uplink.send_raw(static_cast<std::uint16_t>(proto::Type::dialled), wire::encode(proto::Dialled{request, "127.0.0.1"}), {&lent, 1});
        wire.near.reset();
        loop.settle();
    }
    Reason refused() { return spawner.peer.take<proto::RouteRefused>().reason; }
    void is_violation()
    {
        loop.settle();
        CHECK(recorder.of(What::helper_violation).size() == 1);
    }

    Wire wire;
    edge::Config config;
    test::LoopThread loop;
    ManualClock clock;
    proto::CoreToRole core_in{loop};
    proto::SandboxToEdge sandbox_in{loop};
    proto::ControlToEdge control_in{loop};
    proto::CustodyToEdge custody_in{loop};
    proto::StorageToEdge storage_in{loop};
    proto::AuditToEdge audit_in{loop};
    proto::EdgeToCustody custody{loop};
    proto::EdgeToStorage to_storage{loop};
    proto::EdgeToAudit to_audit{loop};
    std::vector<proto::SinkDialled> sinks;
    proto::EdgeToControl control{loop};
    std::vector<proto::Explained> explained;
    proto::WebhookState webhook;
    proto::StoreState store;
    std::vector<proto::SessionTraffic> traffic;
    int times_lane_up = 0;
    HeldRecorder recorder;
    EdgeSpawner spawner;
    test::HelperPeer uplink;
    Heard heard;
    UniqueFd tcp;
    UniqueFd socket;
    bool stopped = false;
    std::optional<edge::Edge> edge;
};

}  // namespace test_edge_thread
