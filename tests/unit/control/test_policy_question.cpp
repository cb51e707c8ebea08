// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/control/policy_question and the action: what is read of a question about mcp.policy, and that it is on record before it is answered.

#include "control/policy_question.h"

#include "control/operator_face.h"
#include "unit/control/control_fixture.h"

namespace test_control {

TEST_CASE("control: given a question about a call, when it is read, then caller, tool and path, and nothing else", "[control][GW-7]")
{
    auto const asked =
        parse_question("POST", "/v1/policy/explain", R"({"caller":"dev","tool":"view","arguments":{"path":"/a","view_range":[1,2]}})");
    REQUIRE(asked);
    CHECK(asked->action == OperatorAction::policy_explain);
    CHECK_FALSE(asked->session);
    CHECK(asked->policy.caller.view() == "dev");
    CHECK(asked->policy.tool.view() == "view");
    CHECK(asked->policy.path.view() == "/a");
    CHECK(read_policy_question(R"({"caller":"dev","tool":"bash_tool"})")->path.empty());
    for (auto const& body :
        std::vector<std::string>{"", "[]", "{}", R"({"caller":"dev"})", R"({"tool":"view"})", R"({"caller":"","tool":"view"})",
            R"({"caller":"dev","tool":5})", R"({"caller":"dev","tool":"view","session":"s-1"})",
            R"({"caller":"dev","tool":"view","arguments":[]})", R"({"caller":"dev","tool":"view","arguments":{"path":5}})",
            R"({"caller":")" + std::string(65, 'a') + R"(","tool":"view"})", R"({"caller":"dev","tool":")" + std::string(33, 'a') + R"("})",
            R"({"caller":"dev","tool":"view","arguments":{"path":")" + std::string(4097, 'a') + R"("}})"}) {
        INFO(body);
        auto const question = parse_question("POST", "/v1/policy/explain", body);
        REQUIRE_FALSE(question);
        CHECK(question.error().status == 400);
    }
    CHECK(parse_question("GET", "/v1/policy/explain", "").error().status == 405);
}

TEST_CASE_METHOD(ControlTest, "control: given a question about a call, when an operator asks, then it is on record before it is answered",
    "[control][GW-7][CT-6]")
{
    connect_front();
    proto::OperatorAsk question{connection, RequestId{1}, OperatorAction::policy_explain, {}, "trace", {}};
    question.policy = {"dev", "view", "/a"};
    recorder.pen = Pen::fails;
    front.send(question);
    CHECK(front.take<proto::OperatorAnswer>().reason == Reason::audit_unavailable);
    CHECK(policy_questions.empty());
    recorder.pen = Pen::writes;
    question.request = RequestId{2};
    front.send(question);
    auto const answer = front.take<proto::OperatorAnswer>();
    REQUIRE(policy_questions.size() == 1);
    CHECK(policy_questions[0].path.view() == "/a");
    CHECK(recorder.events.back().what == What::operator_action);
    CHECK(recorder.events.back().detail.view() == "policy-explain dev view /a");
    CHECK(answer.recorded);
    auto const body = render_answer(OperatorAction::policy_explain, answer, "t").body;
    CHECK(body == R"({"verdict":"denied","reason":"policy_denied","steps":[],"trace":"t","recorded":true})");
}

}  // namespace test_control
