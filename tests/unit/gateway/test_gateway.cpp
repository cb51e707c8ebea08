// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: the gateway thread (gateway, desk, call_table, callers) between played neighbours, with a front played over a real link: who may
// call, in which order, what is on record before anybody is answered, and that whatever goes away becomes a reason.

#include "gateway/gateway.h"

#include <catch2/catch_test_macros.hpp>

#include "gateway/call_table.h"
#include "gateway/callers.h"
#include "gateway/rate.h"
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
        front.emplace(loop, std::move(pair->ours), wire::Link::Options{proto::kGatewayMaySayToFront},
            [this](wire::Link::Frame frame) { on_frame(frame); }, [this](wire::Lost) { front_lost = true; });
        neighbours.core_in.send(proto::HelperUp{helper::Kind::gateway_front, std::move(pair->theirs), {}});
    }
    void on_frame(wire::Link::Frame const& frame)
    {
        switch (static_cast<proto::Type>(frame.type)) {
        case proto::Type::authorized: authorized.push_back(wire::decode<proto::FrontAuthorized>(frame.body).value()); break;
        case proto::Type::call_done: answers.push_back(wire::decode<proto::FrontDone>(frame.body).value()); break;
        case proto::Type::call_progress: progress.push_back(wire::decode<proto::FrontProgress>(frame.body).value()); break;
        case proto::Type::health_told: health.push_back(wire::decode<proto::HealthTold>(frame.body).value()); break;
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
    void finish(std::size_t index, std::string_view text = "done")
    {
        neighbours.sandbox_in.send(proto::ToolDone{neighbours.started.at(index).call, text_answer(text)});
    }
    proto::FrontDone const& answer(std::uint64_t number)
    {
        run_until([&] { return std::ranges::any_of(answers, [&](auto const& each) { return each.request.value == number; }); });
        return *std::ranges::find_if(answers, [&](auto const& each) { return each.request.value == number; });
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
    bool grant = true;
    std::vector<proto::FrontAuthorized> authorized;
    std::vector<proto::FrontDone> answers;
    std::vector<proto::FrontProgress> progress;
    std::vector<proto::HealthTold> health;
};

Config small()
{
    Config config;
    config.calls_per_caller_max = 3;
    config.calls_per_session_queue_max = 2;
    config.calls_per_minute_max = 6;
    return config;
}

TEST_CASE("gateway: given a call, when it runs, then begin and end are on record and only then the answer", "[gateway][GW-6][CT-6]")
{
    GatewayTest test;
    test.call(1);
    test.started(1);
    auto const& events = test.neighbours.recorder.events;
    REQUIRE(events.size() == 1);
    CHECK(events[0].what == What::tool_call_begin);
    CHECK(events[0].actor.view() == "alice");
    CHECK(events[0].resource.view() == "bash_tool");
    CHECK(events[0].detail.view() == "command 1");
    CHECK(events[0].session);
    test.neighbours.recorder.held = true;
    test.finish(0, "out");
    test.run_until([&] { return events.size() == 2; });
    test.settle();
    CHECK(test.answers.empty());  // its record is not on disk yet
    test.neighbours.recorder.release();
    CHECK(test.answer(1).answer.body.view() == "out");
    CHECK(events[1].what == What::tool_call_end);
    CHECK(events[1].trace == events[0].trace);
    CHECK(test.answer(1).trace.view() == events[0].trace.view());
    CHECK(events[0].trace.size() == 16);
}

TEST_CASE("gateway: given a call, when its begin is not yet on record, then nothing runs", "[gateway][T-10][CT-6]")
{
    GatewayTest test;
    test.neighbours.recorder.held = true;
    test.call(1);
    test.run_until([&] { return test.neighbours.recorder.events.size() == 1; });
    test.settle();
    CHECK(test.neighbours.started.empty());
}

TEST_CASE("gateway: given a record that cannot be written, when a call begins, then it is not made and says why", "[gateway][T-10][CT-6]")
{
    GatewayTest test;
    test.neighbours.recorder.broken = true;
    test.call(1);
    CHECK(test.answer(1).answer.reason == Reason::audit_unavailable);
    CHECK(test.neighbours.started.empty());
}

TEST_CASE("gateway: given a record that fails at the end, when a call is done, then its result is withheld", "[gateway][T-10][CT-6]")
{
    GatewayTest test;
    test.call(1);
    test.started(1);
    test.neighbours.recorder.broken = true;
    test.finish(0, "secret result");
    CHECK(test.answer(1).answer.reason == Reason::audit_unavailable);
    CHECK(test.answer(1).answer.body.empty());
}

TEST_CASE("gateway: given calls of one chat, when they come together, then they run one after the other in order", "[gateway][GW-6]")
{
    GatewayTest test;
    for (std::uint64_t i = 1; i <= 3; ++i) test.call(i);
    test.started(1);
    test.settle();
    CHECK(test.neighbours.started.size() == 1);
    for (std::size_t i = 0; i < 3; ++i) {
        test.started(i + 1);
        CHECK(test.neighbours.started[i].arguments.command.view() == "command " + std::to_string(i + 1));
        test.finish(i);
        (void)test.answer(i + 1);
    }
    CHECK(test.neighbours.sessions.size() == 1);
}

TEST_CASE("gateway: given calls of different chats or callers, when they come together, then they run side by side in sandboxes of their own", "[gateway][T-01][GW-5]")
{
    GatewayTest test;
    test.call(1, "a");
    test.call(2, "b");
    test.call(3, "a", "key-b");
    test.started(3);
    auto const& started = test.neighbours.started;
    CHECK(started[0].session != started[1].session);
    CHECK(started[0].session != started[2].session);
    CHECK(test.neighbours.wanted_sessions[2].caller_name.view() == "bob");
}

TEST_CASE("gateway: given a token that nobody has, when it is shown, then it is refused and on record once in a while", "[gateway][T-01][GW-3]")
{
    GatewayTest test;
    test.call(1, "default", "key-x");
    CHECK(test.answer(1).answer.reason == Reason::unauthorized);
    CHECK(test.neighbours.started.empty());
    CHECK(test.neighbours.recorder.count(What::caller_refused) == 1);
    for (std::uint64_t i = 0; i < 5; ++i) test.front->send(proto::FrontAuthorize{RequestId{i + 10}, "key-x", "trace"});
    test.run_until([&] { return test.authorized.size() == 5; });
    CHECK_FALSE(test.authorized[0].good);
    CHECK(test.neighbours.recorder.count(What::caller_refused) == 1);  // folded
    test.clock.advance(1s);
    test.front->send(proto::FrontAuthorize{RequestId{20}, "", "trace"});
    test.run_until([&] { return test.authorized.size() == 6; });
    CHECK(test.neighbours.recorder.events.back().number == 6);
    test.front->send(proto::FrontAuthorize{RequestId{21}, "key-b", "trace"});
    test.run_until([&] { return test.authorized.size() == 7; });
    CHECK(test.authorized[6].good);
}

TEST_CASE("gateway: given a caller at its ceilings, when it calls more, then too_many_calls, and another caller is served", "[gateway][T-06][GW-8]")
{
    GatewayTest test(small());
    test.call(1, "a");
    test.call(2, "a");
    test.call(3, "a");
    CHECK(test.answer(3).answer.reason == Reason::too_many_calls);  // the lane is full
    test.call(4, "b");
    test.call(5, "c");
    CHECK(test.answer(5).answer.reason == Reason::too_many_calls);  // the caller is full
    test.call(6, "c", "key-b");
    test.started(3);
    CHECK(test.neighbours.started.back().arguments.command.view() == "command 6");
    CHECK(test.neighbours.recorder.count(What::tool_call_refused) == 1);  // the second is folded into the next
}

TEST_CASE("gateway: given a caller that calls too fast, when the minute is used up, then rate_exceeded until time has passed", "[gateway][T-06][GW-8]")
{
    GatewayTest test(small());
    for (std::uint64_t i = 1; i <= 6; ++i) {
        test.call(i);
        test.started(i);
        test.finish(i - 1);
        CHECK(test.answer(i).answer.reason == Reason::none);
    }
    test.call(7);
    CHECK(test.answer(7).answer.reason == Reason::rate_exceeded);
    test.clock.advance(10s);
    test.call(8);
    test.started(7);
}

TEST_CASE("gateway: given a session that is refused, when a call asks for it, then its reason is on record and answered", "[gateway][CT-3]")
{
    GatewayTest test;
    test.grant = false;
    test.call(1);
    test.run_until([&] { return test.neighbours.wanted_sessions.size() == 1; });
    test.neighbours.control_in.send(proto::SessionRefused{test.neighbours.wanted_sessions[0].request, Reason::sessions_frozen});
    CHECK(test.answer(1).answer.reason == Reason::sessions_frozen);
    CHECK(test.neighbours.recorder.count(What::tool_call_refused) == 1);
}

TEST_CASE("gateway: given a session that is killed, when calls run and wait in it, then all end with that reason", "[gateway][T-17][CT-2]")
{
    GatewayTest test;
    test.call(1);
    test.call(2);
    test.call(3, "other");
    test.started(2);
    test.neighbours.control_in.send(proto::SessionGone{test.neighbours.started[0].session, Reason::session_killed});
    CHECK(test.answer(1).answer.reason == Reason::session_killed);
    CHECK(test.answer(2).answer.reason == Reason::session_killed);
    test.finish(0, "late");  // ignored
    test.settle();
    CHECK(test.answers.size() == 2);
}

TEST_CASE("gateway: given a running call, when it is cancelled, then the sandbox is told and its answer comes", "[gateway][GW-6]")
{
    GatewayTest test;
    test.neighbours.on_cancel = [&](proto::CancelTool const& cancel) {
        proto::ToolAnswer answer;
        answer.reason = Reason::cancelled;
        test.neighbours.sandbox_in.send(proto::ToolDone{cancel.call, answer});
    };
    test.call(1, "default", "key-a", "\"x\"");
    test.started(1);
    test.front->send(proto::FrontCancel{RequestId{}, "key-a", "default", "\"x\""});
    CHECK(test.answer(1).answer.reason == Reason::cancelled);
    REQUIRE(test.neighbours.cancelled.size() == 1);
}

TEST_CASE("gateway: given a waiting call, when it is cancelled, then it never runs and the next one does", "[gateway][GW-6]")
{
    GatewayTest test;
    for (std::uint64_t i = 1; i <= 3; ++i) test.call(i);
    test.started(1);
    test.front->send(proto::FrontCancel{RequestId{2}, {}, {}, {}});
    CHECK(test.answer(2).answer.reason == Reason::cancelled);
    test.finish(0);
    test.started(2);
    CHECK(test.neighbours.started[1].arguments.command.view() == "command 3");
}

TEST_CASE("gateway: given a call whose begin is being written, when it is cancelled, then it never runs", "[gateway][GW-6]")
{
    GatewayTest test;
    test.neighbours.recorder.held = true;
    test.call(1);
    test.run_until([&] { return test.neighbours.recorder.waiting.size() == 1; });
    test.front->send(proto::FrontCancel{RequestId{1}, {}, {}, {}});
    test.settle();
    test.neighbours.recorder.release();
    CHECK(test.answer(1).answer.reason == Reason::cancelled);
    CHECK(test.neighbours.started.empty());
}

TEST_CASE("gateway: given the same request id elsewhere, when it is cancelled, then only within caller and chat", "[gateway][T-01][GW-6]")
{
    GatewayTest test;
    test.call(1, "a", "key-a", "5");
    test.started(1);
    test.front->send(proto::FrontCancel{RequestId{}, "key-b", "a", "5"});
    test.front->send(proto::FrontCancel{RequestId{}, "key-a", "b", "5"});
    test.front->send(proto::FrontCancel{RequestId{}, "key-a", "a", "\"5\""});
    test.front->send(proto::FrontCancel{RequestId{}, "key-x", "a", "5"});
    test.settle();
    CHECK(test.neighbours.cancelled.empty());
}

TEST_CASE("gateway: given progress of a running call, when it comes, then it is passed on, and none after the end", "[gateway][GW-6]")
{
    GatewayTest test;
    test.call(1);
    test.started(1);
    auto const id = test.neighbours.started[0].call;
    test.neighbours.sandbox_in.send(proto::ToolProgress{id, 1500ms, 120s, "line"});
    test.run_until([&] { return test.progress.size() == 1; });
    CHECK(test.progress[0].request == RequestId{1});
    CHECK(test.progress[0].last_line.view() == "line");
    test.finish(0);
    (void)test.answer(1);
    test.neighbours.sandbox_in.send(proto::ToolProgress{id, 3000ms, 120s, "late"});
    test.settle();
    CHECK(test.progress.size() == 1);
}

TEST_CASE("gateway: given an image, when a tool returns it, then only what the parser made of it is answered", "[gateway][T-16]")
{
    GatewayTest test;
    test.call(1);
    test.started(1);
    proto::ToolAnswer image;
    image.content = proto::Content::image;
    image.body = "raw bytes";
    test.neighbours.sandbox_in.send(proto::ToolDone{test.neighbours.started[0].call, image});
    test.run_until([&] { return test.neighbours.inspected.size() == 1; });
    CHECK(test.answers.empty());
    proto::BodyInspected shown;
    shown.call = test.neighbours.inspected[0].call;
    SECTION("it is good")
    {
        shown.good = true;
        shown.content = proto::Content::image;
        shown.mime = "image/png";
        shown.body = "scaled";
        test.neighbours.storage_in.send(shown);
        CHECK(test.answer(1).answer.body.view() == "scaled");
        CHECK(test.answer(1).answer.mime.view() == "image/png");
    }
    SECTION("it is not")
    {
        test.neighbours.storage_in.send(shown);
        CHECK(test.answer(1).answer.is_error);
        CHECK(test.answer(1).answer.content == proto::Content::text);
        CHECK_FALSE(test.answer(1).answer.body.view().contains("raw"));
    }
}

TEST_CASE("gateway: given a role that is down, when health is asked for, then it is not healthy", "[gateway][CT-6]")
{
    GatewayTest test;
    test.settle();
    CHECK(test.health.back().healthy);
    test.neighbours.health.up[3] = false;
    test.settle();
    CHECK_FALSE(test.health.back().healthy);
}

TEST_CASE("gateway: given a front that dies, when it had calls, then they are ended, and a new front begins afresh", "[gateway][T-13][T-14]")
{
    GatewayTest test;
    test.call(1);
    test.started(1);
    test.neighbours.core_in.send(proto::HelperDown{helper::Kind::gateway_front});
    test.run_until([&] { return test.neighbours.cancelled.size() == 1; });
    test.connect_front();
    test.call(1, "other");  // the same number again
    test.started(2);
    test.finish(0, "for nobody");
    test.finish(1, "for the new one");
    CHECK(test.answer(1).answer.body.view() == "for the new one");
    CHECK(test.neighbours.spawner.violations == 0);
}

TEST_CASE("gateway: given a front that breaks the grammar, when it does, then it is reported and its link ends", "[gateway][T-14]")
{
    GatewayTest test;
    SECTION("a type it may not say") { test.front->send_frame(static_cast<std::uint16_t>(proto::Type::operator_ask), {}); }
    SECTION("an answer of ours") { test.front->send(proto::FrontAuthorized{}); }
    SECTION("a body that does not decode") { test.front->send_frame(static_cast<std::uint16_t>(proto::Type::call_tool), wire::Bytes(3)); }
    SECTION("a call without a number") { test.call(0); }
    SECTION("a number that is in use")
    {
        test.call(1);
        test.call(1);
    }
    test.run_until([&] { return test.neighbours.spawner.violations == 1; });
    test.run_until([&] { return test.front_lost; });
}

TEST_CASE("gateway: given calls under way, when the role stops, then all are answered and only then it has stopped", "[gateway][T-13]")
{
    GatewayTest test;
    test.call(1);
    test.call(2);
    test.started(1);
    test.neighbours.core_in.send(proto::StopRole{});
    CHECK(test.answer(2).answer.reason == Reason::shutting_down);
    CHECK(test.neighbours.stopped == 0);
    CHECK(test.neighbours.cancelled.size() == 1);
    test.call(3, "late");
    CHECK(test.answer(3).answer.reason == Reason::shutting_down);
    test.finish(0);
    test.run_until([&] { return test.neighbours.stopped == 1; });
    CHECK(test.answer(1).request == RequestId{1});
}

TEST_CASE("gateway: given a sandbox that does not answer, when the role stops, then it stops all the same", "[gateway][T-13]")
{
    GatewayTest test;
    test.call(1);
    test.started(1);
    test.neighbours.core_in.send(proto::StopRole{});
    test.run_until([&] { return test.neighbours.stopped == 1; });
    CHECK(test.answer(1).answer.reason == Reason::shutting_down);
}

TEST_CASE("gateway: given a timeout over the ceiling from a front gone bad, when it runs, then the ceiling holds", "[gateway][T-14]")
{
    GatewayTest test;
    proto::FrontCall frame;
    frame.request = RequestId{1};
    frame.token = "key-a";
    frame.chat = "c";
    frame.arguments.timeout = 10h;
    test.front->send(frame);
    test.started(1);
    CHECK(test.neighbours.started[0].arguments.timeout == 600s);
}

TEST_CASE("gateway: given what a front is told at its start, when it is encoded, then no caller is in it", "[gateway][T-12][T-14]")
{
    Config config;
    config.callers = {make_caller(1, "a-name-to-look-for", "key")};
    config.host_names = {"box.example"};
    auto const bytes = front_config(config, "127.0.0.1:8811");
    std::string_view const text(reinterpret_cast<char const*>(bytes.data()), bytes.size());
    CHECK(text.contains("box.example"));
    CHECK(text.contains("localhost"));
    CHECK(text.contains("http://127.0.0.1:8811"));
    CHECK_FALSE(text.contains("a-name-to-look-for"));
    std::string_view const digest(reinterpret_cast<char const*>(config.callers[0].digest.data()), 32);
    CHECK_FALSE(text.contains(digest));
}

TEST_CASE("callers: given a key, when it is looked for, then by its own salted digest and no other", "[gateway][T-01][GW-3]")
{
    Callers const callers({make_caller(1, "alice", "key-a"), make_caller(2, "bob", "key-b")});
    CHECK(callers.find("key-b")->name == "bob");
    CHECK(callers.find("key-a")->name == "alice");
    CHECK(callers.find("key-c") == nullptr);
    CHECK(callers.find("") == nullptr);
    CHECK(callers.find("key-a ") == nullptr);
}

TEST_CASE("fold: given a flood, when it is written down, then once in each period with the count", "[gateway][T-10]")
{
    ManualClock clock;
    Fold fold(1s);
    CHECK(fold.add(clock.now()) == 1);
    CHECK(fold.add(clock.now()) == 0);
    clock.advance(999ms);
    CHECK(fold.add(clock.now()) == 0);
    clock.advance(1ms);
    CHECK(fold.add(clock.now()) == 3);
}

}  // namespace test_gateway
