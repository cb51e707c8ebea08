// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The gateway thread between played neighbours, with a front that the test plays over a real link.

#include "gateway/gateway.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "proto/gateway_front_to_gateway.h"
#include "support/gateway_fakes.h"
#include "wire/link.h"

namespace test_gateway {

using namespace ocu;
using namespace ocu::gateway;
using namespace ocu::support;
using namespace std::chrono_literals;
using proto::Reason;
using proto::What;

// Everything runs on one loop, in the test's own thread; run_until() turns it until something is so.
struct GatewayTest {
    explicit GatewayTest(Config changed = {}) : neighbours(loop)
    {
        changed.callers = {make_caller(1, "alice", "key-a"), make_caller(2, "bob", "key-b")};
        gateway.emplace(loop, clock, std::move(changed), neighbours.wires());
        neighbours.on_wanted = [this](proto::SessionWanted const& wanted) {
            if (grant) neighbours.control_in.send(proto::SessionGranted{wanted.request, neighbours.session_of(wanted)});
        };
        connect_front();
    }
    ~GatewayTest()
    {
        front.reset();
        gateway.reset();
    }

    void connect_front()
    {
        auto pair = make_socket_pair();
        REQUIRE(pair);
        front.emplace(
            loop, std::move(pair->ours), wire::Link::Options{proto::kGatewayMaySayToFront},
            [this](wire::Link::Frame frame) { on_frame(frame); }, [this](wire::Lost) { front_lost = true; });
        neighbours.core_in.send(proto::HelperUp{helper::Kind::gateway_front, std::move(pair->theirs), {}});
    }
    void on_frame(wire::Link::Frame const& frame)
    {
        switch (static_cast<proto::Type>(frame.type)) {
        case proto::Type::authorized: authorized.push_back(wire::decode<proto::FrontAuthorized>(frame.body).value()); break;
        case proto::Type::call_done: answers.push_back(wire::decode<proto::FrontDone>(frame.body).value()); break;
        case proto::Type::call_progress: progress.push_back(wire::decode<proto::FrontProgress>(frame.body).value()); break;
        case proto::Type::resource_told: resources.push_back(wire::decode<proto::FrontResource>(frame.body).value()); break;
        case proto::Type::health_told: health.push_back(wire::decode<proto::HealthTold>(frame.body).value()); break;
        case proto::Type::callers_changed: ++callers_changed; break;
        default: FAIL("a frame that the gateway does not say");
        }
    }
    template <class Condition>
    void run_until(Condition done)
    {
        bool late = false;
        auto const guard = loop.after(5s, [&] { late = true; });
        while (!done() && !late) loop.run_one();
        REQUIRE_FALSE(late);
    }
    // Until nothing that was sent so far can still be on its way: a question asked now has been answered.
    void settle()
    {
        for (int i = 0; i < 2; ++i) {
            std::size_t const before = health.size();
            front->send(proto::HealthWanted{RequestId{1000}});
            run_until([&] { return health.size() > before; });
        }
    }
    void call(std::uint64_t number, std::string_view chat = "default", std::string_view token = "key-a", std::string_view client_id = {})
    {
        proto::FrontCall frame;
        frame.request = RequestId{number};
        frame.token = std::string(token);
        frame.chat = std::string(chat);
        frame.client_id = client_id.empty() ? std::to_string(number) : std::string(client_id);
        frame.arguments.tool = proto::Tool::bash;
        frame.arguments.command = "command " + std::to_string(number);
        frame.arguments.timeout = 120s;
        frame.wants_progress = true;
        front->send(frame);
    }
    void process_call(std::uint64_t number, proto::Tool tool, auto change)
    {
        proto::FrontCall frame;
        frame.request = RequestId{number};
        frame.token = std::string("key-a");
        frame.chat = std::string("default");
        frame.client_id = std::to_string(number);
        frame.arguments.tool = tool;
        frame.arguments.process.process = 3;
        change(frame.arguments);
        front->send(frame);
    }
    void finish(std::size_t index, std::string_view text = "done")
    {
        neighbours.sandbox_in.send(proto::ToolDone{neighbours.started.at(index).call, text_answer(text)});
    }
    proto::FrontDone const& answer(std::uint64_t number)
    {
        run_until([&] { return std::ranges::any_of(answers, [&](auto const& each) { return each.request.value == number; }); });
        return *std::ranges::find_if(answers, [&](auto const& each) { return each.request.value == number; });
    }
    void ask_resource(std::uint64_t number, proto::ResourceVerb verb, std::string path = {}, std::string token = "key-a")
    {
        front->send(proto::FrontAskResource{RequestId{number}, token, "default", {verb, path}});
    }
    proto::FrontResource const& resource(std::uint64_t number)
    {
        run_until([&] { return std::ranges::any_of(resources, [&](auto const& each) { return each.request.value == number; }); });
        return *std::ranges::find_if(resources, [&](auto const& each) { return each.request.value == number; });
    }
    void started(std::size_t count)
    {
        run_until([&] { return neighbours.started.size() >= count; });
    }

    wire::Loop loop;
    ManualClock clock;
    GatewayNeighbours neighbours;
    std::optional<Gateway> gateway;
    std::optional<wire::Link> front;
    bool front_lost = false;
    int callers_changed = 0;
    bool grant = true;
    std::vector<proto::FrontAuthorized> authorized;
    std::vector<proto::FrontDone> answers;
    std::vector<proto::FrontProgress> progress;
    std::vector<proto::HealthTold> health;
    std::vector<proto::FrontResource> resources;
};

}  // namespace test_gateway
