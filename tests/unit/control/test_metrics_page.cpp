// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/control/metrics_page. The page of metrics: its form, its numbers, and that nothing in it is an operator's, a caller's or a guest's text.

#include "control/metrics_page.h"

#include "control/operator_face.h"
#include "unit/control/control_fixture.h"

namespace test_control {

namespace {

bool has(std::string const& page, std::string_view line) { return page.starts_with(std::string(line) + "\n") || page.find("\n" + std::string(line) + "\n") != std::string::npos; }

}  // namespace

TEST_CASE("metrics: given a status and a tally, when the page is written, then each number is there once under its name, and histograms add up", "[control][AP-9]")
{
    proto::OperatorAnswer answer;
    answer.version = "1\"2\\3";
    answer.healthy = true;
    answer.session_count = 3;
    answer.helpers.push({"custody", false});
    proto::SinkState sink;
    sink.name = "siem";
    sink.size = 10;
    sink.position = 4;
    answer.sinks.push(sink);
    answer.cold.place = "record/box/ of https://s3.corp.example";
    answer.cold.health = proto::ColdHealth::keeping;
    answer.cold.due = 2;
    proto::Tally tally;
    tally.counted[static_cast<std::size_t>(proto::Counted::calls)] = 7;
    tally.refused[static_cast<std::size_t>(Reason::policy_denied)] = 5;
    for (std::uint64_t const us : {10'000ull, 10'001ull, 90'000ull, 700'000'000ull}) tally.calls.add(proto::kCallBounds, us);
    answer.tally.push(tally);
    auto const page = metrics_text(answer);
    CHECK(has(page, R"(ocu_info{version="1\"2\\3",tier="",profile=""} 1)"));
    CHECK(has(page, "ocu_healthy 1"));
    CHECK(has(page, "ocu_sessions 3"));
    CHECK(has(page, R"(ocu_helper_up{helper="custody"} 0)"));
    CHECK(has(page, R"(ocu_audit_sink_lag_records{sink="siem"} 6)"));
    CHECK(has(page, "ocu_audit_cold_up 1"));
    CHECK(has(page, "ocu_audit_cold_due_segments 2"));
    CHECK(metrics_text({}).find("_cold_") == std::string::npos);
    CHECK(has(page, "ocu_calls_total 7"));
    CHECK(has(page, R"(ocu_refusals_total{reason="policy_denied"} 5)"));
    CHECK(has(page, R"(ocu_call_seconds_bucket{le="0.01"} 1)"));
    CHECK(has(page, R"(ocu_call_seconds_bucket{le="0.025"} 2)"));
    CHECK(has(page, R"(ocu_call_seconds_bucket{le="0.1"} 3)"));
    CHECK(has(page, R"(ocu_call_seconds_bucket{le="600"} 3)"));
    CHECK(has(page, R"(ocu_call_seconds_bucket{le="+Inf"} 4)"));
    CHECK(has(page, "ocu_call_seconds_count 4"));
    CHECK(has(page, "ocu_call_seconds_sum 700.110001"));
    CHECK(has(page, R"(ocu_audit_commit_seconds_bucket{le="0.0005"} 0)"));
    CHECK(page.size() < 32u << 10);
}

TEST_CASE("metrics: given the question, when it is asked, then it is that action, and the answer has the type that scrapers know", "[control][AP-9]")
{
    CHECK(parse_question("GET", "/metrics", "")->action == OperatorAction::metrics);
    CHECK(parse_question("POST", "/metrics", "").error().status == 405);
    CHECK(parse_question("GET", "/metrics?x", "").error().status == 400);
    auto const response = render_answer(OperatorAction::metrics, {}, "t");
    CHECK(response.status == 200);
    CHECK(response.headers.front().value == kMetricsType);
    CHECK(response.body.starts_with("# HELP ocu_info "));
}

TEST_CASE_METHOD(ControlTest, "metrics: given a tally that audit told, when an operator asks for metrics, then it is in the answer, and in no other", "[control][AP-9]")
{
    connect_front();
    proto::Tally tally;
    tally.counted[static_cast<std::size_t>(proto::Counted::calls)] = 7;
    audit_in.send(tally);
    loop.settle();
    auto const answer = ask(OperatorAction::metrics);
    REQUIRE(answer.tally.items().size() == 1);
    CHECK(answer.tally.items()[0].counted == tally.counted);
    CHECK(answer.resident_bytes > 0);
    CHECK(answer.healthy == ask(OperatorAction::status).healthy);
    CHECK(ask(OperatorAction::status).tally.items().empty());
}

}  // namespace test_control
