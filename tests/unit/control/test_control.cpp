// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/control/control (the thread), over real mailboxes and a real link to a front that the test plays.

#include "unit/control/control_fixture.h"

namespace test_control {

TEST_CASE_METHOD(
    ControlTest, "control: given two calls of one chat, when the session comes up, then both get the same one", "[control][GW-5][CT-1]")
{
    want(1);
    want(2);
    REQUIRE(creates() == 1);
    auto const& create = std::get<proto::SessionCreate>(to_sandbox.front());
    CHECK(create.token.view().starts_with("token of s-"));
    REQUIRE(create.scoped.items().size() == 1);
    CHECK(create.scoped.items()[0].name.view() == "API_TOKEN");
    CHECK(granted(create.session).empty());
    sandbox_in.send(proto::SessionUp{create.session});
    loop.settle();
    CHECK(granted(create.session) == std::vector{RequestId{1}, RequestId{2}});
    want(3);
    CHECK(granted(create.session).size() == 3);
    CHECK(creates() == 1);
    CHECK(recorder.events.front().what == What::session_create);
}

TEST_CASE_METHOD(ControlTest, "control: given audit that fails, when a session is wanted, then it is refused and nothing is created",
    "[control][CT-6][T-09]")
{
    recorder.pen = Pen::fails;
    want(1);
    CHECK(last_refusal() == Reason::audit_unavailable);
    CHECK(to_sandbox.empty());
}

TEST_CASE_METHOD(ControlTest, "control: given audit that is silent, when a session is wanted, then nothing is created before its record",
    "[control][CT-6]")
{
    recorder.pen = Pen::silent;
    want(1);
    CHECK(to_sandbox.empty());
    CHECK(to_gateway.empty());
}

TEST_CASE_METHOD(ControlTest, "control: given custody that refuses, when a session is wanted, then it is refused and its slot is free",
    "[control][EG-12]")
{
    custody_mints = false;
    want(1);
    CHECK(last_refusal() == Reason::role_unavailable);
    CHECK(recorder.count(What::session_failed) == 1);
    CHECK(creates() == 0);
    custody_mints = true;
    want(2);
    CHECK(creates() == 1);
}

TEST_CASE_METHOD(
    ControlTest, "control: given a sandbox that cannot start, when it goes down, then who waits hears session_failed", "[control][CT-1]")
{
    want(1);
    sandbox_in.send(proto::SessionDown{created(), Reason::session_failed});
    loop.settle();
    CHECK(last_refusal() == Reason::session_failed);
    CHECK(recorder.count(What::session_destroy) == 1);
    want(2);
    CHECK(creates() == 2);
}

TEST_CASE_METHOD(
    ControlTest, "control: given a guest that goes away by itself, when it dies, then the gateway hears session_ended", "[control][T-13]")
{
    SessionId const session = bring_up();
    sandbox_in.send(proto::SessionDead{session});
    sandbox_in.send(proto::SessionDown{session, Reason::session_ended});
    loop.settle();
    auto const& gone = std::get<proto::SessionGone>(to_gateway.back());
    CHECK(gone.session == session);
    CHECK(gone.reason == Reason::session_ended);
}

TEST_CASE_METHOD(ControlTest,
    "control: given a running session, when an operator kills it, then every zone is told and the caller's next call gets another",
    "[control][CT-2][T-17]")
{
    connect_front();
    SessionId const session = bring_up();
    auto const answer = ask(OperatorAction::kill, session);
    CHECK(answer.reason == Reason::none);
    CHECK(answer.killed == 1);
    CHECK(answer.pending == 0);
    CHECK(answer.recorded);
    CHECK(severed_edge == std::vector{session});
    CHECK(severed_storage == std::vector{session});
    CHECK(severed_custody == std::vector{session});
    CHECK(std::get<proto::SessionEnd>(to_sandbox.back()).how == proto::How::kill);
    CHECK(std::get<proto::SessionGone>(to_gateway.back()).reason == Reason::session_killed);
    want(2);
    CHECK(created() != session);
}

TEST_CASE_METHOD(ControlTest, "control: given audit that fails or never answers, when a session is killed, then it dies all the same",
    "[control][AU-7][T-17]")
{
    connect_front();
    SessionId const session = bring_up();
    recorder.pen = GENERATE(Pen::fails, Pen::silent);
    auto const answer = ask(OperatorAction::kill, session);
    CHECK(answer.reason == Reason::none);
    CHECK(answer.killed == 1);
    CHECK_FALSE(answer.recorded);
    CHECK(severed_edge == std::vector{session});
}

TEST_CASE_METHOD(ControlTest,
    "control: given a sandbox role that does not answer, when a session is killed, then the operator hears that it is pending",
    "[control][T-17]")
{
    connect_front();
    SessionId const session = bring_up();
    sandbox_obeys = false;
    auto const answer = ask(OperatorAction::kill, session);
    CHECK(answer.killed == 0);
    CHECK(answer.pending == 1);
    want(2);
    CHECK(created() != session);
}

TEST_CASE_METHOD(
    ControlTest, "control: given a call that waits for a session, when that is killed, then it is refused at once", "[control][CT-2]")
{
    connect_front();
    want(1);
    auto const answer = ask(OperatorAction::kill, created());
    CHECK(answer.killed == 1);
    CHECK(last_refusal() == Reason::session_killed);
}

TEST_CASE_METHOD(ControlTest, "control: given two sessions, when all are killed, then both die and a third may come", "[control][CT-2]")
{
    connect_front();
    (void)bring_up();
    want(2, 1, "other");
    auto const answer = ask(OperatorAction::kill_all);
    CHECK(answer.killed == 2);
    CHECK(ask(OperatorAction::sessions).sessions.items().empty());
    want(3);
    CHECK(creates() == 3);
}

TEST_CASE_METHOD(ControlTest, "control: given no such session, when it is killed, then the operator hears so", "[control]")
{
    connect_front();
    CHECK(ask(OperatorAction::kill, SessionId{42}).reason == Reason::unknown_session);
}

TEST_CASE_METHOD(
    ControlTest, "control: given freeze, when a new chat calls, then it is refused; what runs goes on; thaw undoes it", "[control][CT-2]")
{
    connect_front();
    SessionId const session = bring_up();
    CHECK(ask(OperatorAction::freeze).frozen);
    want(2);
    CHECK(granted(session).size() == 2);
    want(3, 1, "other");
    CHECK(last_refusal() == Reason::sessions_frozen);
    CHECK(recorder.count(What::session_refused) == 1);
    CHECK_FALSE(ask(OperatorAction::thaw).frozen);
    want(4, 1, "other");
    CHECK(creates() == 2);
}

TEST_CASE_METHOD(ControlTest, "control: given audit that fails, when freeze, thaw or shutdown is asked, then it is refused without effect",
    "[control][CT-6][T-09]")
{
    connect_front();
    recorder.pen = Pen::fails;
    CHECK(ask(OperatorAction::freeze).reason == Reason::audit_unavailable);
    CHECK(ask(OperatorAction::thaw).reason == Reason::audit_unavailable);
    CHECK(ask(OperatorAction::shutdown).reason == Reason::audit_unavailable);
    CHECK(shutdowns == 0);
    recorder.pen = Pen::writes;
    CHECK_FALSE(ask(OperatorAction::status).frozen);
}

TEST_CASE_METHOD(ControlTest, "control: given any action, when it is recorded, then the record names the operator and the action",
    "[control][CT-7][T-11]")
{
    connect_front();
    (void)ask(OperatorAction::freeze);
    auto const& event = recorder.events.back();
    CHECK(event.what == What::operator_action);
    CHECK(event.actor.view() == (::getuid() == 0 ? "root" : "tester"));
    CHECK(event.detail.view() == "freeze");
    CHECK(event.trace.view() == "trace");
}

TEST_CASE_METHOD(ControlTest, "control: given a connection that was never handed out, when the front asks under it, then it is forbidden",
    "[control][T-11][T-14]")
{
    connect_front();
    connection.value += 1;
    CHECK(ask(OperatorAction::kill_all).reason == Reason::forbidden);
}

TEST_CASE_METHOD(ControlTest,
    "control: given a front that breaks the grammar, when it does, then it is reported and its connections are void", "[control][T-14]")
{
    connect_front();
    front.send_raw(static_cast<std::uint16_t>(proto::Type::operator_ask), wire::Bytes(3));
    loop.settle();
    CHECK(spawner.violations == std::vector{helper::Kind::operator_front});
}

TEST_CASE_METHOD(ControlTest, "control: given no front, when an operator connects, then the connection ends", "[control][EG-12]")
{
    client = listener.connect();
    char byte = 0;
    CHECK(::read(client.get(), &byte, 1) == 0);
}

TEST_CASE_METHOD(ControlTest, "control: given status, when it is asked, then it says what runs and what is down", "[control][CT-5]")
{
    health.up[0] = true;
    connect_front();
    (void)bring_up();
    clock.advance(std::chrono::seconds(5));
    auto const answer = ask(OperatorAction::status);
    CHECK_FALSE(answer.healthy);
    CHECK(answer.session_count == 1);
    CHECK(answer.uptime == std::chrono::seconds(5));
    REQUIRE(answer.helpers.items().size() == helper::kStandingKinds);
    CHECK(answer.helpers.items()[0].up);
    CHECK_FALSE(answer.helpers.items()[1].up);
    auto const listed = ask(OperatorAction::sessions).sessions.items();
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].state.view() == "up");
    CHECK(listed[0].age == std::chrono::seconds(5));
}

TEST_CASE_METHOD(
    ControlTest, "control: given sessions, when the role stops, then they end in order before it says stopped", "[control][CT-1][T-13]")
{
    (void)bring_up();
    core_in.send(proto::StopRole{});
    loop.settle();
    CHECK(std::get<proto::SessionEnd>(to_sandbox.back()).how == proto::How::orderly);
    CHECK(stops == 1);
    want(9);
    CHECK(last_refusal() == Reason::shutting_down);
}

struct SmallControlTest : ControlTest {
    SmallControlTest() : ControlTest(small()) {}
    static Config small()
    {
        Config config;
        config.sessions_max = 1;
        return config;
    }
};

TEST_CASE_METHOD(
    SmallControlTest, "control: given a full appliance, when another chat calls, then it is refused and recorded", "[control][CT-4][T-06]")
{
    want(1);
    want(2, 2);
    CHECK(last_refusal() == Reason::too_many_sessions);
    CHECK(recorder.count(What::session_refused) == 1);
}

struct TightControlTest : ControlTest {
    TightControlTest() : ControlTest(tight()) {}
    static Config tight()
    {
        Config config;
        config.sessions_per_caller_max = 1;
        config.creates_per_minute_max = 2;
        return config;
    }
};

TEST_CASE_METHOD(TightControlTest,
    "control: given a caller at its own ceiling, when it wants another chat, then it is refused, others are not, and its own comes back",
    "[control][CT-4][T-06]")
{
    SessionId const first = bring_up();
    want(2, 1, "other");
    CHECK(last_refusal() == Reason::too_many_sessions);
    CHECK(recorder.count(What::session_refused) == 1);
    CHECK(creates() == 1);
    want(3, 2, "other");
    CHECK(creates() == 2);
    want(4, 1);  // the chat that it has
    CHECK(granted(first) == std::vector{RequestId{1}, RequestId{4}});
    sandbox_in.send(proto::SessionDead{first});
    sandbox_in.send(proto::SessionDown{first, Reason::none});
    loop.settle();
    want(5, 1, "other");
    CHECK(creates() == 3);
}

TEST_CASE_METHOD(TightControlTest,
    "control: given a caller that makes sessions too fast, when its minute is used up, then it is refused until time has passed",
    "[control][CT-4][T-06]")
{
    for (std::uint64_t request = 1; request <= 2; ++request) {
        SessionId const session = bring_up(request);
        sandbox_in.send(proto::SessionDead{session});
        sandbox_in.send(proto::SessionDown{session, Reason::none});
        loop.settle();
    }
    CHECK(creates() == 2);
    want(3);
    CHECK(last_refusal() == Reason::too_many_sessions);
    CHECK(creates() == 2);
    clock.advance(std::chrono::minutes(1));
    want(4);
    CHECK(creates() == 3);
}

TEST_CASE_METHOD(
    ControlTest, "control: given leases, when an operator asks for them, then custody's list, without a record", "[control][CU-2]")
{
    connect_front();
    auto const answer = ask(OperatorAction::leases);
    CHECK(answer.reason == Reason::none);
    REQUIRE(answer.leases.items().size() == 1);
    CHECK(answer.leases.items()[0].credential.view() == "api-key");
    CHECK(answer.leases.items()[0].left == std::chrono::seconds(840));
    CHECK(recorder.count(What::operator_action) == 0);
}

}  // namespace test_control
