// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/control/files_question, and how control carries such a question (SB-5).

#include "control/files_question.h"

#include "control/operator_face.h"
#include "control_fixture.h"

namespace test_control {

using proto::FilesVerb;

TEST_CASE("files_question: given the operations, when they are asked, then only their own words are taken", "[control][CT-5][T-02]")
{
    auto const asked = parse_question("POST", "/v1/files/withhold", R"({"session":"s-00000000000000ff","path":"outputs/a b"})");
    REQUIRE(asked);
    CHECK(asked->action == OperatorAction::files_withhold);
    CHECK(asked->session == SessionId{255});
    CHECK(asked->files.verb == FilesVerb::withhold);
    CHECK(asked->files.path.view() == "outputs/a b");
    auto const listed = parse_question("POST", "/v1/files/list", R"({"session":"s-00000000000000ff"})");
    REQUIRE(listed);
    CHECK(listed->action == OperatorAction::files_list);
    CHECK(parse_question("POST", "/v1/files/list", R"({"session":"s-00000000000000ff","after":"outputs/a"})")->files.path.view() ==
          "outputs/a");
    CHECK(parse_question("POST", "/v1/files/release", R"({"session":"s-00000000000000ff","path":"x"})")->action ==
          OperatorAction::files_release);
    CHECK(parse_question("GET", "/v1/files/list", "").error().status == 405);
    for (auto const* body : {"", "{}", "[]", R"({"session":"s-1","path":"x"})", R"({"session":"s-00000000000000ff"})",
             R"({"session":"s-00000000000000ff","path":1})", R"({"session":"s-00000000000000ff","after":"x"})",
             R"({"session":"s-00000000000000ff","path":"x","more":"y"})"}) {
        INFO(body);
        auto const question = parse_question("POST", "/v1/files/withhold", body);
        REQUIRE_FALSE(question);
        CHECK(question.error().status == 400);
    }
    CHECK_FALSE(read_files_question(
        FilesVerb::withhold, R"({"session":"s-00000000000000ff","path":")" + std::string(proto::kAskedPathBytesMax + 1, 'a') + "\"}"));
}

TEST_CASE_METHOD(ControlTest,
    "control: given a word about a file, when an operator says it, then it is on record before storage hears of it",
    "[control][CT-6][SB-5]")
{
    connect_front();
    auto const session = bring_up();
    to_storage.clear();
    for (auto const action : {OperatorAction::files_list, OperatorAction::files_withhold, OperatorAction::files_release}) {
        proto::OperatorAsk question{
            connection, RequestId{++last_request}, action, session, "trace", {}, {FilesVerb::withhold, "outputs/x"}};
        recorder.pen = Pen::fails;
        front.send(question);
        CHECK(front.take<proto::OperatorAnswer>().reason == Reason::audit_unavailable);
        loop.settle();
        CHECK(to_storage.empty());
        recorder.pen = Pen::writes;
        question.request = RequestId{++last_request};
        front.send(question);
        loop.settle();
        REQUIRE(to_storage.size() == 1);
        auto const wanted = std::get<proto::FilesAskWanted>(std::exchange(to_storage, {})[0]);
        CHECK(wanted.session == session);
        CHECK(wanted.question.path.view() == "outputs/x");
        CHECK_FALSE(wanted.actor.empty());
        CHECK(recorder.events.back().what == What::operator_action);
        CHECK(recorder.events.back().detail.view() == std::string(proto::name_of(action)) + " outputs/x");
        CHECK(recorder.events.back().session == session);
        proto::FilesTold told;
        told.request = wanted.request;
        told.files.push({"outputs/x", 7, proto::FileStanding::by_operator, "root"});
        storage_in.send(told);
        loop.settle();
        auto const answer = front.take<proto::OperatorAnswer>();
        CHECK(answer.reason == Reason::none);
        CHECK(render_answer(action, answer, "t").body ==
              R"({"files":[{"path":"outputs/x","size":7,"standing":"operator","by":"root"}],"more":false,"trace":"t","recorded":true})");
    }
}

TEST_CASE_METHOD(
    ControlTest, "control: given a word about a file, when there is no such session, then it is told so, on record", "[control][SB-5]")
{
    connect_front();
    CHECK(ask(OperatorAction::files_list, SessionId{77}).reason == Reason::unknown_session);
    CHECK(to_storage.empty());
    CHECK(recorder.events.back().what == What::operator_action);
}

}  // namespace test_control
