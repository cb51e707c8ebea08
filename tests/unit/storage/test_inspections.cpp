// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/inspections. One request at a time, and a parser that dies, stalls or lies costs one request.
#include <catch2/catch_test_macros.hpp>

#include "storage/inspections.h"
#include "storage/limits.h"

namespace test_inspections {

using namespace ocu;
using namespace ocu::storage;

struct InspectionsTest {
    wire::Loop loop;
    std::vector<proto::BodyInspected> answers;
    int misbehaved = 0;
    Inspections inspections{loop, [this](proto::BodyInspected answer) { answers.push_back(std::move(answer)); }, [this] { ++misbehaved; }};
    std::unique_ptr<wire::Link> parser;
    std::vector<RequestId> asked;

    void start_parser()
    {
        auto pair = make_socket_pair().value();
        parser = std::make_unique<wire::Link>(
            loop, std::move(pair.theirs), wire::Link::Options{proto::kStorageMaySendParser},
            [this](wire::Link::Frame frame) { asked.push_back(wire::decode<proto::Inspect>(frame.body).value().request); },
            [](wire::Lost) {});
        inspections.parser_up(std::move(pair.ours));
    }
    void ask(std::uint64_t call) { inspections.ask({CallId{call}, proto::Content::archive, "body"}); }
    void answer(RequestId request, proto::Content content = proto::Content::text)
    {
        proto::Inspected inspected;
        inspected.request = request;
        inspected.good = true;
        inspected.content = content;
        inspected.body = "seen";
        parser->send(inspected);
    }
    // Delivers what has been sent, and what that caused to be sent. Socket pairs need no time, and each turn looks at them.
    void settle()
    {
        for (int i = 0; i < 32; ++i) {
            bool turned = false;
            loop.post([&turned] { turned = true; });
            while (!turned) loop.run_one();
        }
    }
};

TEST_CASE_METHOD(
    InspectionsTest, "inspections: given two requests, when the parser answers, then they went one after the other", "[storage]")
{
    start_parser();
    ask(1);
    ask(2);
    settle();
    REQUIRE(asked.size() == 1);
    answer(asked[0]);
    settle();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].good);
    CHECK(answers[0].call == CallId{1});
    CHECK(answers[0].body.view() == "seen");
    CHECK(asked.size() == 2);
}

TEST_CASE_METHOD(InspectionsTest,
    "inspections: given a parser that dies on a request, when the next one is up, then only that request has failed", "[storage][T-16]")
{
    start_parser();
    ask(1);
    ask(2);
    settle();
    parser.reset();
    settle();
    REQUIRE(answers.size() == 1);
    CHECK_FALSE(answers[0].good);
    CHECK(answers[0].call == CallId{1});
    CHECK(misbehaved == 0);
    start_parser();
    settle();
    answer(asked.back());
    settle();
    REQUIRE(answers.size() == 2);
    CHECK(answers[1].good);
    CHECK(answers[1].call == CallId{2});
}

TEST_CASE_METHOD(InspectionsTest, "inspections: given a parser that answers what was not asked, when it is heard, then it is reported",
    "[storage][T-14]")
{
    start_parser();
    ask(1);
    settle();
    SECTION("another request") { answer(RequestId{asked[0].value + 1}); }
    SECTION("bytes to be opened elsewhere") { answer(asked[0], proto::Content::archive); }
    SECTION("unlisted frame") { parser->send_frame(0x7777, {}); }
    settle();
    CHECK(misbehaved == 1);
    REQUIRE(answers.size() == 1);
    CHECK_FALSE(answers[0].good);
}

TEST_CASE_METHOD(
    InspectionsTest, "inspections: given an answer without a question, when it is heard, then the parser is reported", "[storage][T-14]")
{
    start_parser();
    answer(RequestId{1});
    settle();
    CHECK(misbehaved == 1);
    CHECK(answers.empty());
}

TEST_CASE_METHOD(InspectionsTest,
    "inspections: given a parser that stalls, when its time is over, then it is reported and the next parser goes on",
    "[storage][T-06][T-16]")
{
    auto const began = Monotonic::clock::now();  // before its time can begin to run
    start_parser();
    ask(1);
    ask(2);
    settle();
    REQUIRE(asked.size() == 1);
    bool late = false;
    auto const guard = loop.after(kInspectionTime * 2, [&late] { late = true; });
    while (misbehaved == 0 && !late) loop.run_one();
    CHECK(misbehaved == 1);
    CHECK(Monotonic::clock::now() - began >= kInspectionTime);
    REQUIRE(answers.size() == 1);
    CHECK_FALSE(answers[0].good);
    CHECK(answers[0].call == CallId{1});
    start_parser();
    settle();
    REQUIRE(asked.size() == 2);
    answer(asked[1]);
    settle();
    REQUIRE(answers.size() == 2);
    CHECK(answers[1].good);
}

TEST_CASE_METHOD(InspectionsTest, "inspections: given more requests than may wait, when they are asked, then the rest is refused at once",
    "[storage][T-06]")
{
    for (std::uint64_t call = 1; call <= kInspectionsWaitingMax + 1; ++call) ask(call);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].call == CallId{kInspectionsWaitingMax + 1});
    CHECK_FALSE(answers[0].good);
}

TEST_CASE_METHOD(InspectionsTest,
    "inspections: given the end, when it comes, then everything that waits is answered and nothing more is taken", "[storage]")
{
    start_parser();
    ask(1);
    ask(2);
    inspections.stop();
    CHECK(answers.size() == 2);
    ask(3);
    REQUIRE(answers.size() == 3);
    CHECK_FALSE(answers[2].good);
}

TEST_CASE_METHOD(InspectionsTest,
    "inspections: given text, when it is asked about, then it is refused: nothing but images and archives is opened", "[storage]")
{
    inspections.ask({CallId{1}, proto::Content::text, "x"});
    REQUIRE(answers.size() == 1);
    CHECK_FALSE(answers[0].good);
}

}  // namespace test_inspections
