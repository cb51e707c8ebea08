// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/control/caller_desk and caller_question: what an operator asks about callers is read strictly, put on record, on disk and in force, in this order.

#include "control/caller_question.h"
#include "control/operator_face.h"
#include "unit/control/control_fixture.h"

namespace test_control {

namespace {

Config declaring()
{
    Config config;
    config.callers = CallerBook({{CallerId{1}, "dev", {}, {}}}, {}, std::nullopt, ManualClock{});
    return config;
}

Config damaged()
{
    Config config;
    config.callers = CallerBook({{CallerId{1}, "dev", {}, {}}}, {}, std::span<std::byte const>{}, ManualClock{});
    return config;
}

}  // namespace

struct CallersTest : ControlTest {
    explicit CallersTest(Config config = declaring()) : ControlTest(std::move(config)) { connect_front(); }

    void send(OperatorAction action, char const* name, std::uint32_t days = 0, std::uint32_t overlap_s = 0)
    {
        proto::OperatorAsk wanted{connection, RequestId{++last_request}, action, {}, "trace", {}};
        wanted.caller = {name, days, overlap_s};
        front.send(wanted);
    }
    proto::OperatorAnswer change(OperatorAction action, char const* name, std::uint32_t days = 0)
    {
        send(action, name, days);
        auto answer = front.take<proto::OperatorAnswer>();
        loop.settle();
        return answer;
    }
    // Everybody who is let in, as the gateway was told last.
    std::vector<std::string> names() const
    {
        std::vector<std::string> out;
        for (auto const& message : to_gateway)
            if (auto const* const told = std::get_if<proto::CallersInForce>(&message)) {
                out.clear();
                for (auto const& each : *told->callers) out.push_back(each.name);
            }
        return out;
    }
    std::size_t told_storage() const
    {
        return static_cast<std::size_t>(
            std::ranges::count_if(to_storage, [](auto const& m) { return std::holds_alternative<proto::CallersInForce>(m); }));
    }
    // The session of a caller that was made, up.
    SessionId session_of(std::uint64_t caller)
    {
        want(77, caller);
        SessionId const session = created();
        sandbox_in.send(proto::SessionUp{session});
        loop.settle();
        return session;
    }
};

TEST_CASE_METHOD(CallersTest, "callers: given one to be made, when an operator asks, then it is on record, on disk, in force, and its key is in the answer alone",
    "[control][GW-3][CT-6]")
{
    auto const answer = change(OperatorAction::callers_add, "ci", 30);
    CHECK(answer.reason == Reason::none);
    CHECK(answer.callers.key.size() == 43);
    CHECK(answer.recorded);
    CHECK(names() == std::vector<std::string>{"dev", "ci"});
    CHECK(told_storage() == 1);
    CHECK_FALSE(callers_file.empty());
    auto const& event = recorder.events.back();
    CHECK(event.what == What::operator_action);
    CHECK(event.actor.view() == (::getuid() == 0 ? "root" : "tester"));
    CHECK(event.resource.view() == "caller ci");
    CHECK(event.detail.view() == "callers-add days=30");
    CHECK(std::string_view(reinterpret_cast<char const*>(callers_file.data()), callers_file.size()).find(answer.callers.key.view()) == std::string_view::npos);
    auto const list = ask(OperatorAction::callers_list);
    REQUIRE(list.callers.callers.items().size() == 2);
    CHECK(list.callers.callers.items()[0].made_by.view() == event.actor.view());
    CHECK(list.callers.key.empty());
}

TEST_CASE_METHOD(CallersTest, "callers: given audit that fails, when one is to be made or revoked, then nothing is", "[control][CT-6][AU-7]")
{
    recorder.pen = Pen::fails;
    CHECK(change(OperatorAction::callers_add, "ci").reason == Reason::audit_unavailable);
    CHECK(change(OperatorAction::callers_revoke, "dev").reason == Reason::audit_unavailable);
    CHECK(names().empty());
    CHECK(callers_file.empty());
}

TEST_CASE_METHOD(CallersTest, "callers: given what cannot be, when it is asked, then the refusal has its reason, and is on record under it", "[control][GW-3]")
{
    struct Row {
        OperatorAction action;
        char const* name;
        Reason reason;
    };
    REQUIRE(change(OperatorAction::callers_add, "ci").reason == Reason::none);
    for (auto const& row : {Row{OperatorAction::callers_add, "ci", Reason::caller_exists}, Row{OperatorAction::callers_add, "dev", Reason::caller_of_manifest},
             Row{OperatorAction::callers_rotate, "dev", Reason::caller_of_manifest}, Row{OperatorAction::callers_rotate, "x", Reason::unknown_caller},
             Row{OperatorAction::callers_revoke, "x", Reason::unknown_caller}}) {
        CHECK(change(row.action, row.name).reason == row.reason);
        CHECK(recorder.events.back().reason == row.reason);
        CHECK(recorder.events.back().outcome == proto::Outcome::failure);
    }
}

TEST_CASE_METHOD(CallersTest, "callers: given one whose session runs, when it is revoked, then nobody lets it in, its session is severed, and it gets no other", "[control][CT-3][T-46]")
{
    REQUIRE(change(OperatorAction::callers_add, "ci").reason == Reason::none);
    REQUIRE(bring_up());
    auto const made = std::get<proto::CallersInForce>(to_gateway.front()).callers->back().id;
    auto const session = session_of(made.value);
    auto const answer = change(OperatorAction::callers_revoke, "ci");
    CHECK(answer.reason == Reason::none);
    CHECK(answer.killed == 1);
    CHECK(severed_edge == std::vector{session});
    CHECK(names() == std::vector<std::string>{"dev"});
    want(78, made.value, "other");
    CHECK(last_refusal() == Reason::unauthorized);
    want(79, 1, "other");
    CHECK(granted(session).size() == 1);
}

TEST_CASE_METHOD(CallersTest, "callers: given a disk that takes nothing, when one is made, then it is not; when one is revoked, then it is, and the operator hears", "[control][CT-3]")
{
    REQUIRE(change(OperatorAction::callers_add, "ci").reason == Reason::none);
    callers_disk = Pen::fails;
    auto const made = change(OperatorAction::callers_add, "ci2");
    CHECK(made.reason == Reason::callers_not_kept);
    CHECK(made.callers.key.empty());
    CHECK(change(OperatorAction::callers_revoke, "ci").reason == Reason::callers_not_kept);
    CHECK(names() == std::vector<std::string>{"dev"});
}

TEST_CASE_METHOD(CallersTest, "callers: given a disk that does not answer, when a session is killed, then it dies all the same, and changes wait for each other", "[control][T-17]")
{
    auto const session = bring_up();
    callers_disk = Pen::silent;
    send(OperatorAction::callers_add, "one");
    send(OperatorAction::callers_add, "two");
    loop.settle();
    CHECK(ask(OperatorAction::kill, session).killed == 1);
    REQUIRE(callers_wait.size() == 1);
    callers_wait.front()(true);
    CHECK(front.take<proto::OperatorAnswer>().callers.key.size() == 43);
    loop.settle();
    REQUIRE(callers_wait.size() == 2);
    callers_wait.back()(true);
    CHECK(front.take<proto::OperatorAnswer>().callers.key.size() == 43);
    loop.settle();
    CHECK(names() == std::vector<std::string>{"dev", "one", "two"});
}

TEST_CASE_METHOD(CallersTest, "callers: given one with days, when they are over, then it is out within a second or so, on record, and its session is ended", "[control][GW-3][CT-3]")
{
    REQUIRE(change(OperatorAction::callers_add, "ci", 1).reason == Reason::none);
    auto const session = session_of(std::get<proto::CallersInForce>(to_gateway.front()).callers->back().id.value);
    clock.advance(std::chrono::hours(24));
    // Its thread looks once a second, and what it does is looked at on that thread.
    auto const expired = [this] {
        std::promise<std::size_t> told;
        static_cast<wire::Loop&>(loop).post([&] { told.set_value(recorder.count(What::caller_expired)); });
        return told.get_future().get();
    };
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (expired() == 0 && std::chrono::steady_clock::now() < until) loop.settle();
    CHECK(expired() == 1);
    loop.settle();
    CHECK(names() == std::vector<std::string>{"dev"});
    CHECK(severed_edge == std::vector{session});
    CHECK(ask(OperatorAction::callers_list).callers.callers.items()[0].state == proto::CallerState::expired);
}

struct DamagedTest : CallersTest {
    DamagedTest() : CallersTest(damaged()) {}
};

TEST_CASE_METHOD(DamagedTest, "callers: given a damaged file, when it starts, then that is on record and in the status, nobody gets a session, and an operator can begin anew", "[control][GW-3][T-45]")
{
    CHECK(recorder.count(What::callers_damaged) == 1);
    auto const status = ask(OperatorAction::status);
    CHECK(status.callers.state.damaged);
    CHECK_FALSE(status.healthy);
    want(1);
    CHECK(last_refusal() == Reason::unauthorized);
    CHECK(change(OperatorAction::callers_add, "ci").reason == Reason::callers_damaged);
    CHECK(change(OperatorAction::callers_reset, "").reason == Reason::none);
    CHECK(names() == std::vector<std::string>{"dev"});
    CHECK_FALSE(ask(OperatorAction::status).callers.state.damaged);
    REQUIRE(bring_up(2));
}

TEST_CASE_METHOD(DamagedTest, "callers: given audit that is not open when a damaged file is found, when it is, then that is on record all the same", "[control][T-45][CT-6]")
{
    auto const refused = on_loop(What::callers_damaged, [this] {
        control.reset();
        recorder.events.clear();
        recorder.pen = Pen::fails;
        listener = {};
        start(damaged());
    });
    CHECK(refused >= 1);
    auto const until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (on_loop(What::callers_damaged, [this] { recorder.pen = Pen::writes; }) == refused && std::chrono::steady_clock::now() < until) loop.settle();
    CHECK(on_loop(What::callers_damaged, [] {}) == refused + 1);
}

TEST_CASE("callers: given a body, when it is read, then a name and one number, and nothing else", "[control][GW-3]")
{
    auto const add = parse_question("POST", "/v1/callers/add", R"({"name":"ci","expires_days":30})");
    REQUIRE(add);
    CHECK(add->action == OperatorAction::callers_add);
    CHECK(add->caller.name.view() == "ci");
    CHECK(add->caller.days == 30);
    CHECK(parse_question("POST", "/v1/callers/rotate", R"({"name":"ci","overlap_s":60})")->caller.overlap_s == 60);
    CHECK(parse_question("POST", "/v1/callers/revoke", R"({"name":"ci"})")->action == OperatorAction::callers_revoke);
    CHECK(parse_question("POST", "/v1/callers/reset", "{}")->action == OperatorAction::callers_reset);
    CHECK(parse_question("GET", "/v1/callers", "")->action == OperatorAction::callers_list);
    CHECK(parse_question("GET", "/v1/callers/add", "").error().status == 405);
    for (auto const& body : std::vector<std::string>{"", "{}", "[]", R"({"name":""})", R"({"name":5})", R"({"name":"a b"})", R"({"name":"a/b"})",
             R"({"name":"ci","key":"x"})", R"({"name":"ci","overlap_s":1})", R"({"name":"ci","expires_days":0})", R"({"name":"ci","expires_days":3651})",
             R"({"name":"ci","expires_days":"1"})", R"({"name":")" + std::string(64, 'a') + R"("})"}) {
        INFO(body);
        auto const question = parse_question("POST", "/v1/callers/add", body);
        REQUIRE_FALSE(question);
        CHECK(question.error().status == 400);
    }
    CHECK(parse_question("POST", "/v1/callers/rotate", R"({"name":"ci","overlap_s":604801})").error().status == 400);
}

TEST_CASE("callers: given answers, when they are written, then times are text, and each refusal has a status and words that say what to do", "[control][GW-3][CT-5]")
{
    proto::OperatorAnswer answer;
    proto::CallerShown row;
    row.name = "ci";
    row.origin = proto::CallerOrigin::operators;
    row.key = {1, 2, 3, 4};
    row.made_s = 1'790'000'000;
    row.made_by = "root";
    answer.callers.callers.push(std::move(row));
    CHECK(render_answer(OperatorAction::callers_list, answer, "t").body ==
          R"({"callers":[{"name":"ci","origin":"operator","state":"active","key_id":"01020304","sessions":0,"made":"2026-09-21T14:13:20Z","made_by":"root"}],"more":false,"state":"well"})");
    answer.callers.key = "the key";
    CHECK(render_answer(OperatorAction::callers_add, answer, "t").body ==
          R"({"done":"callers-add","trace":"t","recorded":false,"key":"the key","key_id":"00000000"})");
    for (auto const& [reason, status] : {std::pair{Reason::unknown_caller, 404u}, {Reason::caller_exists, 409u}, {Reason::caller_of_manifest, 409u},
             {Reason::caller_over, 409u}, {Reason::too_many_callers, 507u}, {Reason::callers_damaged, 503u}, {Reason::callers_not_kept, 507u}}) {
        answer.reason = reason;
        auto const refused = render_answer(OperatorAction::callers_add, answer, "t");
        CHECK(refused.status == status);
        CHECK(refused.body.find("the request failed") == std::string::npos);
        CHECK(refused.body.find("the key") == std::string::npos);
    }
}

}  // namespace test_control
