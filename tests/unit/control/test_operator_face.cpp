// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/control/operator_face. Which request is which question, and what everything else is told.

#include "control/operator_face.h"
#include "wire/json.h"

namespace test_operator_face {

using namespace ocu;
using namespace ocu::control;
using proto::OperatorAction;

TEST_CASE("operator_face: given each operation, when it is asked for, then it is that question", "[control][CT-5]")
{
    struct Row {
        std::string_view method, target;
        OperatorAction action;
    };
    for (auto const& row : {Row{"GET", "/health", OperatorAction::health}, Row{"GET", "/v1/status", OperatorAction::status},
             Row{"GET", "/v1/sessions", OperatorAction::sessions}, Row{"GET", "/v1/leases", OperatorAction::leases},
             Row{"POST", "/v1/kill-all", OperatorAction::kill_all}, Row{"POST", "/v1/freeze", OperatorAction::freeze},
             Row{"POST", "/v1/thaw", OperatorAction::thaw}, Row{"POST", "/v1/shutdown", OperatorAction::shutdown}}) {
        auto const question = parse_question(row.method, row.target, "");
        REQUIRE(question);
        CHECK(question->action == row.action);
        CHECK(parse_question(row.method, row.target, "{}"));
    }
    auto const kill = parse_question("POST", "/v1/sessions/s-00000000000000ff/kill", " {} ");
    REQUIRE(kill);
    CHECK(kill->action == OperatorAction::kill);
    CHECK(kill->session == SessionId{255});
}

TEST_CASE("operator_face: given anything else, when it is asked, then it is refused with its own status", "[control][T-02]")
{
    auto const status = [](std::string_view method, std::string_view target, std::string_view body = "") {
        auto const question = parse_question(method, target, body);
        return question ? 0u : question.error().status;
    };
    CHECK(status("GET", "/v1/freeze") == 405);
    CHECK(status("POST", "/v1/status") == 405);
    CHECK(status("get", "/v1/status") == 405);
    CHECK(status("GET", "/") == 404);
    CHECK(status("GET", "/v1/status/") == 404);
    CHECK(status("GET", "//v1/status") == 404);
    CHECK(status("GET", "/v1/%73tatus") == 404);
    CHECK(status("GET", "/v1/status?x") == 400);
    CHECK(status("POST", "/v1/freeze", "{\"force\":true}") == 400);
    CHECK(status("POST", "/v1/freeze", "[]") == 400);
    CHECK(status("POST", "/v1/freeze", "null") == 400);
    CHECK(status("POST", "/v1/freeze", "{}{}") == 400);
    CHECK(status("POST", "/v1/sessions/kill") == 404);
    CHECK(status("POST", "/v1/sessions//kill") == 404);
    CHECK(status("POST", "/v1/sessions/../kill") == 400);
    CHECK(status("POST", "/v1/sessions/s-00000000000000FF/kill") == 400);
    CHECK(status("GET", "/v1/sessions/s-00000000000000ff/kill") == 405);
}

TEST_CASE("operator_face: given a refusal, when it is written, then it has a stable code and the correlation id only", "[control][GW-9]")
{
    proto::OperatorAnswer answer;
    answer.reason = proto::Reason::audit_unavailable;
    auto const response = render_answer(OperatorAction::freeze, answer, "0011223344556677");
    CHECK(response.status == 503);
    auto const body = wire::Json::parse(response.body).value();
    CHECK(body.view()["error"]["code"].string() == "audit_unavailable");
    CHECK(body.view()["error"]["trace"].string() == "0011223344556677");
    answer.reason = proto::Reason::unknown_session;
    CHECK(render_answer(OperatorAction::kill, answer, "t").status == 404);
    answer.reason = proto::Reason::forbidden;
    CHECK(render_answer(OperatorAction::status, answer, "t").status == 403);
    auto const refused = render_refusal({405, "method_not_allowed", "no", "POST"}, "t");
    CHECK(refused.status == 405);
    CHECK(refused.headers.back().value == "POST");
}

TEST_CASE("operator_face: given an unhealthy appliance, when health is asked, then it is 503", "[control][AP-9]")
{
    proto::OperatorAnswer answer;
    CHECK(render_answer(OperatorAction::health, answer, "t").status == 503);
    answer.healthy = true;
    CHECK(render_answer(OperatorAction::health, answer, "t").body == R"({"status":"healthy"})");
}

TEST_CASE(
    "operator_face: given leases, when they are listed, then each says session, credential, destination, time left and source", "[control][CU-2]")
{
    proto::OperatorAnswer answer;
    answer.leases.push({SessionId{7}, "api-key", "api.example.com", std::chrono::seconds(840), {}});
    answer.leases.push({SessionId{8}, "other", "api.example.com", std::chrono::seconds(60), "unix:/run/secrets.sock"});
    CHECK(render_answer(OperatorAction::leases, answer, "t").body ==
          R"({"leases":[{"session":"s-0000000000000007","credential":"api-key","destination":"api.example.com","left_s":840,"source":"manifest"},)"
          R"({"session":"s-0000000000000008","credential":"other","destination":"api.example.com","left_s":60,"source":"unix:/run/secrets.sock"}]})");
}

TEST_CASE("operator_face: given a chat of any bytes, when sessions are listed, then it is JSON", "[control][T-02]")
{
    proto::OperatorAnswer answer;
    answer.tier = "runc";
    answer.sessions.push({SessionId{7}, "dev", std::string("a\"\n\x00\xff", 5), "up", Slot{3}, std::chrono::seconds(61)});
    auto const response = render_answer(OperatorAction::sessions, answer, "t");
    auto const body = wire::Json::parse(response.body);
    REQUIRE(body);
    auto const session = body->view()["sessions"].at(0);
    CHECK(session["id"].string() == "s-0000000000000007");
    CHECK(session["tier"].string() == "runc");
    CHECK(session["age_s"].integer() == 61);
    CHECK(session["slot"].integer() == 3);
}

TEST_CASE("operator_face: given files here or elsewhere, when the status is shown, then the engine, and how it goes with its store",
    "[control][T-31][SB-4]")
{
    proto::OperatorAnswer answer;
    auto const storage = [&answer] {
        auto const body = wire::Json::parse(render_answer(OperatorAction::status, answer, "t").body);
        REQUIRE(body);
        return body->view()["storage"].print();
    };
    CHECK(storage() == R"({"engine":"local"})");
    answer.store = {proto::StoreHealth::reached, 3};
    CHECK(storage() == R"({"engine":"s3","state":"reached","connections":3})");
    answer.store = {proto::StoreHealth::down, 0};
    CHECK(storage() == R"({"engine":"s3","state":"down","connections":0})");
}

}  // namespace test_operator_face
