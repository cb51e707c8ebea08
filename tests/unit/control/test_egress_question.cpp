// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/control/egress_question, and how control carries such a question.

#include "control/egress_question.h"

#include "control/operator_face.h"
#include "control_fixture.h"

namespace test_control {

using proto::EgressScheme;

TEST_CASE("egress_question: given a URL, when it is read, then scheme, host, port and the path as it would be judged", "[control][EG-6]")
{
    auto const https = read_egress_url("HTTPS://Api.Example.COM./a/../b%7e?key=hidden#x", "GET").value();
    CHECK(https.scheme == EgressScheme::https);
    CHECK(https.host.view() == "api.example.com");
    CHECK(https.port == 443);
    CHECK(https.path.view() == "/b~");
    auto const http = read_egress_url("http://[2001:db8::1]:8080", "PUT").value();
    CHECK(http.host.view() == "2001:db8::1");
    CHECK(http.port == 8080);
    CHECK(http.path.view() == "/");
    CHECK(http.method.view() == "PUT");
    auto const tcp = read_egress_url("tcp://mail.example:25", "GET").value();
    CHECK(tcp.port == 25);
    CHECK(tcp.path.empty());
}

TEST_CASE("egress_question: given what is no such URL, when it is read, then a sentence", "[control][T-02]")
{
    for (auto const* url : {"", "api.example.com", "ftp://h/", "https://", "https:///x", "https://u@h/", "https://h:0/", "https://h:99999/",
             "https://h x/", "https://h/\n", "https://h/%zz", "https://h/a\\b", "tcp://h", "tcp://h:1/x", "https://[::1/"}) {
        INFO(url);
        CHECK_FALSE(read_egress_url(url, "GET"));
    }
    for (auto const* method : {"", "get", "G T", "GET\n", "AAAAAAAAAABBBBBBBBBBCCCCCCCCCCDDD"})
        CHECK_FALSE(read_egress_url("https://h/", method));
    CHECK_FALSE(read_egress_url("https://h/" + std::string(kEgressUrlBytesMax, 'a'), "GET"));
}

TEST_CASE("egress_question: given the operation, when it is asked, then only its own words are taken", "[control][CT-5][T-02]")
{
    auto const asked = parse_question("POST", "/v1/egress/test", R"({"url":"https://h/","session":"s-00000000000000ff"})");
    REQUIRE(asked);
    CHECK(asked->action == OperatorAction::egress_test);
    CHECK(asked->session == SessionId{255});
    CHECK(asked->egress.host.view() == "h");
    auto const status = [](std::string_view method, std::string_view body) {
        auto const question = parse_question(method, "/v1/egress/test", body);
        return question ? 0u : question.error().status;
    };
    CHECK(status("GET", "") == 405);
    for (auto const* body : {"", "{}", "[]", R"({"url":1})", R"({"url":"https://h/","other":"x"})",
             R"({"url":"https://h/","session":"s-1"})", R"({"url":"https://h/","method":"get"})", R"({"url":"https://h/"}{})"}) {
        INFO(body);
        CHECK(status("POST", body) == 400);
    }
}

TEST_CASE_METHOD(
    ControlTest, "control: given an egress test, when an operator asks, then it is on record before the edge is asked", "[control][CT-6]")
{
    connect_front();
    proto::OperatorAsk question{connection, RequestId{1}, OperatorAction::egress_test, {}, "trace", {}};
    question.egress = read_egress_url("https://api.example.com/v1", "GET").value();
    recorder.pen = Pen::fails;
    front.send(question);
    CHECK(front.take<proto::OperatorAnswer>().reason == Reason::audit_unavailable);
    loop.settle();
    CHECK(to_explain.empty());
    recorder.pen = Pen::writes;
    question.request = RequestId{2};
    front.send(question);
    loop.settle();
    REQUIRE(to_explain.size() == 1);
    CHECK(to_explain[0].question.host.view() == "api.example.com");
    CHECK(recorder.events.back().what == What::operator_action);
    CHECK(recorder.events.back().detail.view() == "egress-test https api.example.com 443 GET /v1");
    proto::Explained told;
    told.request = to_explain[0].request;
    told.reason = Reason::not_allowed;
    told.steps.push({"rule", "no rule names it", false});
    told.needed = R"({"hosts":["api.example.com"]})";
    edge_in.send(told);
    loop.settle();
    auto const answer = front.take<proto::OperatorAnswer>();
    CHECK(answer.reason == Reason::none);
    CHECK(answer.recorded);
    auto const body = render_answer(OperatorAction::egress_test, answer, "t").body;
    CHECK(body == R"({"verdict":"denied","reason":"not_allowed","steps":[{"topic":"rule","words":"no rule names it","good":false}],)"
                  R"("needed":{"hosts":["api.example.com"]},"trace":"t","recorded":true})");
}

}  // namespace test_control
