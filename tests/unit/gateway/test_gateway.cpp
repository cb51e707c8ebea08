// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: the gateway thread (gateway, desk, call_table, callers): who may call, in which order, and what is on record before anybody is
// answered.

#include "gateway/call_table.h"
#include "helper/callers.h"
#include "helper/rate.h"
#include "unit/gateway/gateway_fixture.h"

namespace test_gateway {

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
    CHECK(events[0].detail.view() == "command 1 sha256=b4793bf45977acb4ee0269521749b51bc48b5873dd41b585654849792ca3dcb4");
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

TEST_CASE(
    "gateway: given calls of different chats or callers, when they come together, then they run side by side in sandboxes of their own",
    "[gateway][T-01][GW-5]")
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

TEST_CASE(
    "gateway: given a token that nobody has, when it is shown, then it is refused and on record once in a while", "[gateway][T-01][GW-3]")
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

TEST_CASE("gateway: given a caller at its ceilings, when it calls more, then too_many_calls, and another caller is served",
    "[gateway][T-06][GW-8]")
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

TEST_CASE("gateway: given a caller that calls too fast, when the minute is used up, then rate_exceeded until time has passed",
    "[gateway][T-06][GW-8]")
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

TEST_CASE("gateway: given a call that is refused or cancelled while it waits, when its record is not yet on disk, then nobody is answered",
    "[gateway][T-10][CT-6]")
{
    GatewayTest test;
    test.grant = false;
    test.call(1);
    test.run_until([&] { return test.neighbours.wanted_sessions.size() == 1; });
    test.neighbours.recorder.held = true;
    SECTION("refused")
    {
        test.neighbours.control_in.send(proto::SessionRefused{test.neighbours.wanted_sessions[0].request, Reason::sessions_frozen});
    }
    SECTION("cancelled") { test.front->send(proto::FrontCancel{RequestId{1}, {}, {}, {}}); }
    test.run_until([&] { return test.neighbours.recorder.waiting.size() == 1; });
    test.settle();
    CHECK(test.answers.empty());
    test.neighbours.recorder.release();
    CHECK(test.answer(1).answer.is_error);
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
    helper::Callers const callers({make_caller(1, "alice", "key-a"), make_caller(2, "bob", "key-b")});
    CHECK(callers.find("key-b")->name == "bob");
    CHECK(callers.find("key-a")->name == "alice");
    CHECK(callers.find("key-c") == nullptr);
    CHECK(callers.find("") == nullptr);
    CHECK(callers.find("key-a ") == nullptr);
}

TEST_CASE("fold: given a flood, when it is written down, then once in each period with the count", "[gateway][T-10]")
{
    ManualClock clock;
    helper::Fold fold(1s);
    CHECK(fold.add(clock.now()) == 1);
    CHECK(fold.add(clock.now()) == 0);
    clock.advance(999ms);
    CHECK(fold.add(clock.now()) == 0);
    clock.advance(1ms);
    CHECK(fold.add(clock.now()) == 3);
}

}  // namespace test_gateway
