// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/inspections. One request at a time, and a parser that dies, stalls or lies costs one request.
#include <catch2/catch_test_macros.hpp>

#include <sys/socket.h>

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
    std::vector<UniqueFd> channels, given;
    std::vector<std::pair<proto::Reason, proto::ArchiveRule>> verdicts;
    bool broker_there = true;

    void start_parser()
    {
        auto pair = make_socket_pair().value();
        parser = std::make_unique<wire::Link>(
            loop, std::move(pair.theirs), wire::Link::Options{proto::kStorageMaySendParser},
            [this](wire::Link::Frame frame) {
                if (frame.type == static_cast<std::uint16_t>(proto::Type::check_archive)) {
                    asked.push_back(wire::decode<proto::CheckArchive>(frame.body).value().request);
                    channels.push_back(std::move(frame.descriptors.front()));
                    return;
                }
                asked.push_back(wire::decode<proto::Inspect>(frame.body).value().request);
            },
            [](wire::Lost) {});
        inspections.parser_up(std::move(pair.ours));
    }
    void ask(std::uint64_t call) { inspections.ask({CallId{call}, proto::Content::archive, "body"}); }
    void check(std::uint64_t bytes = 100)
    {
        inspections.check({bytes,
            [this](UniqueFd channel) {
                given.push_back(std::move(channel));
                return broker_there;
            },
            [this](proto::Reason reason, proto::ArchiveVerdict const& verdict) { verdicts.emplace_back(reason, verdict.rule); }});
    }
    void verdict(RequestId request, proto::ArchiveRule rule = {}) { parser->send(proto::ArchiveChecked{request, {.rule = rule}}); }
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

using proto::ArchiveRule;
using proto::Reason;

TEST_CASE_METHOD(
    InspectionsTest, "inspections: given uploads, when the parser has read them, then each has its verdict", "[storage][T-32][SB-7]")
{
    start_parser();
    check();
    check();
    settle();
    REQUIRE(asked.size() == 1);
    REQUIRE(given.size() == 1);
    // The two ends of one channel.
    CHECK(::send(channels[0].get(), "x", 1, 0) == 1);
    char got = 0;
    CHECK(::recv(given[0].get(), &got, 1, MSG_DONTWAIT) == 1);
    verdict(asked[0]);
    settle();
    REQUIRE(asked.size() == 2);
    verdict(asked[1], ArchiveRule::overlap);
    settle();
    REQUIRE(verdicts.size() == 2);
    CHECK(verdicts[0] == std::pair(Reason::none, ArchiveRule::none));
    CHECK(verdicts[1] == std::pair(Reason::archive_refused, ArchiveRule::overlap));
    CHECK(misbehaved == 0);
}

TEST_CASE_METHOD(InspectionsTest,
    "inspections: given a parser that dies on an upload, when the next is up, then that upload is refused and the rest are read",
    "[storage][T-16][T-32]")
{
    start_parser();
    check();
    check();
    settle();
    parser.reset();
    settle();
    REQUIRE(verdicts.size() == 1);
    CHECK(verdicts[0] == std::pair(Reason::archive_refused, ArchiveRule::unchecked));
    start_parser();
    settle();
    verdict(asked.back());
    settle();
    REQUIRE(verdicts.size() == 2);
    CHECK(verdicts[1].first == Reason::none);
}

TEST_CASE_METHOD(InspectionsTest,
    "inspections: given an answer of the other kind, when it is heard, then nothing is let in and the parser is reported",
    "[storage][T-14][T-32]")
{
    start_parser();
    SECTION("text for an upload")
    {
        check();
        settle();
        answer(asked[0]);
        settle();
        REQUIRE(verdicts.size() == 1);
        CHECK(verdicts[0].first == Reason::archive_refused);
    }
    SECTION("a verdict for a look")
    {
        ask(1);
        settle();
        verdict(asked[0]);
        settle();
        REQUIRE(answers.size() == 1);
        CHECK_FALSE(answers[0].good);
    }
    SECTION("a verdict for another upload")
    {
        check();
        settle();
        verdict(RequestId{asked[0].value + 1});
        settle();
        REQUIRE(verdicts.size() == 1);
        CHECK(verdicts[0].first == Reason::archive_refused);
    }
    SECTION("a verdict that nobody asked for") { verdict(RequestId{1}); }
    settle();
    CHECK(misbehaved == 1);
}

TEST_CASE_METHOD(InspectionsTest, "inspections: given a broker that has gone, when its upload's turn comes, then the parser is not asked",
    "[storage][T-32]")
{
    start_parser();
    broker_there = false;
    check();
    broker_there = true;
    check();
    settle();
    CHECK(asked.size() == 1);
    REQUIRE(verdicts.size() == 1);
    CHECK(verdicts[0].first == Reason::role_unavailable);
}

TEST_CASE_METHOD(
    InspectionsTest, "inspections: given looks and uploads that wait, when the parser is free, then looks come first", "[storage][T-06]")
{
    check();
    ask(1);
    start_parser();
    settle();
    answer(asked.back());
    settle();
    CHECK(answers.size() == 1);
    CHECK(verdicts.empty());
    CHECK(channels.size() == 1);
}

TEST_CASE_METHOD(InspectionsTest, "inspections: given more uploads than may wait, or the end, when they are asked, then they are refused",
    "[storage][T-06][T-32]")
{
    for (std::size_t i = 0; i <= kChecksWaitingMax; ++i) check();
    REQUIRE(verdicts.size() == 1);
    CHECK(verdicts[0].first == Reason::too_many_calls);
    ask(1);
    CHECK(answers.empty());  // a look has a place of its own
    inspections.stop();
    CHECK(verdicts.size() == kChecksWaitingMax + 1);
    check();
    CHECK(verdicts.back().first == Reason::shutting_down);
}

TEST_CASE("inspections: given an upload's size, when its time is set, then it is bounded both ways", "[storage][T-06][T-32]")
{
    CHECK(check_time(0) == kCheckTimeLeast);
    CHECK(check_time(5 * kCheckBytesPerSecond) == kCheckTimeLeast + std::chrono::seconds(5));
    CHECK(check_time(~0ull) == kCheckTimeMost);
}

}  // namespace test_inspections
