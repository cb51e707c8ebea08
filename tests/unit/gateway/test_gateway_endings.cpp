// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: the gateway thread when something goes away, misbehaves or ends: whatever it is becomes a reason, and nobody waits for ever.

#include "unit/gateway/gateway_fixture.h"

namespace test_gateway {

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

TEST_CASE(
    "gateway: given a front that dies, when it had calls, then they are ended, and a new front begins afresh", "[gateway][T-13][T-14]")
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

TEST_CASE("gateway: given a read that waits for a program, when more calls of its chat come, then they run meanwhile; behind others they wait", "[gateway][GW-6][SX-3]")
{
    GatewayTest test;
    auto const nothing = [](auto&) {};
    test.process_call(1, proto::Tool::process_read, nothing);
    test.process_call(2, proto::Tool::process_write, nothing);
    test.process_call(3, proto::Tool::process_read, nothing);
    test.started(2);
    test.settle();
    CHECK(test.neighbours.started.size() == 2);  // a write goes first
    test.finish(1);
    (void)test.answer(2);
    test.started(3);
    test.call(4);
    test.started(4);  // two reads wait, and hold nobody up
    for (std::size_t i : {0u, 2u, 3u}) test.finish(i);
    for (std::uint64_t number : {1u, 3u, 4u}) (void)test.answer(number);
}

TEST_CASE("gateway: given calls of process tools, when they are on record, then input is there by its digest alone", "[gateway][SX-9][SX-3]")
{
    GatewayTest test;
    auto const& events = test.neighbours.recorder.events;
    test.process_call(1, proto::Tool::process_start, [](auto& arguments) { arguments.command = "python3"; });
    test.started(1);
    CHECK(events[0].resource.view() == "process_start");
    CHECK(events[0].detail.view().starts_with("python3 sha256="));
    auto begun = text_answer("hello");
    begun.process = 3;
    test.neighbours.sandbox_in.send(proto::ToolDone{test.neighbours.started[0].call, begun});
    (void)test.answer(1);
    CHECK(events[1].number == 3);
    test.process_call(2, proto::Tool::process_write, [](auto& arguments) { arguments.text = "hunter2\n"; });
    test.started(2);
    CHECK(events[2].detail.view().starts_with("process 3 sha256="));
    CHECK_FALSE(events[2].detail.view().contains("hunter2"));
    test.finish(1);
    test.process_call(3, proto::Tool::process_signal, [](auto& arguments) { arguments.process.signal = 15; });
    test.started(3);
    CHECK(events[4].detail.view() == "process 3 TERM");
    test.finish(2);
    (void)test.answer(3);
}

TEST_CASE("gateway: given times over the ceiling from a front gone bad, when a process tool runs, then the ceilings hold", "[gateway][T-14][SX-3]")
{
    GatewayTest test;
    test.process_call(1, proto::Tool::process_start, [](auto& arguments) {
        arguments.timeout = std::chrono::hours(1000);
        arguments.process.wait = std::chrono::hours(1000);
        arguments.process.cpu_max = std::chrono::hours(1000);
    });
    test.started(1);
    auto const& ran = test.neighbours.started[0].arguments;
    CHECK(ran.timeout == proto::kProcessTimeMax);
    CHECK(ran.process.wait == proto::kProcessWaitMax);
    CHECK(ran.process.cpu_max == proto::kProcessTimeMax);
}

TEST_CASE("gateway: given callers that are told anew, when keys are shown, then only theirs count, at once, and the front forgets whom it let in",
    "[gateway][GW-3][CT-3][T-46]")
{
    GatewayTest t;
    auto const good = [&t](std::string_view key) {
        proto::FrontAuthorize asked;
        asked.request = RequestId{t.authorized.size() + 1};
        asked.token = key;
        t.front->send(asked);
        auto const before = t.authorized.size();
        t.run_until([&] { return t.authorized.size() > before; });
        return t.authorized.back().good;
    };
    CHECK(good("key-a"));
    CHECK_FALSE(good("key-c"));
    t.neighbours.control_in.send(proto::CallersInForce{std::make_shared<std::vector<helper::Caller> const>(
        std::vector{make_caller(2, "bob", "key-b"), make_caller(3, "carol", "key-c"), make_caller(3, "carol", "key-d")})});
    t.settle();
    CHECK(t.callers_changed == 1);
    CHECK_FALSE(good("key-a"));
    CHECK(good("key-b"));
    CHECK(good("key-c"));
    CHECK(good("key-d"));
    t.call(1, "default", "key-a");
    CHECK(t.answer(1).answer.reason == Reason::unauthorized);
    t.call(2, "default", "key-d");
    t.started(1);
    t.finish(0);
    CHECK(t.answer(2).answer.reason == Reason::none);
}

}  // namespace test_gateway
