// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: s3_segments, how they write, against a store of the test's own.

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "support/s3_stand.h"

namespace test_s3_segments_write {

using namespace ocu;
using namespace ocu::storage;
using namespace std::chrono_literals;
using test::S3Heard;
using test::S3Stand;
using test::s3_answer;

namespace {

constexpr auto kFirst = "p/00000001/0000000000";

// Parts of a hundred bytes, and no patience.
S3Segments::Rules small()
{
    return {.part_bytes = 100, .buffer_bytes_max = 2'000, .append_time = 150ms, .operation_time = 400ms, .down_time = 100ms};
}

std::string text_of(std::size_t bytes)
{
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>('a' + i / 10 % 26);
    return text;
}

bool is_put(S3Heard const& heard) { return heard.method() == "PUT"; }
bool is_completion(S3Heard const& heard) { return heard.method() == "POST" && heard.asks("uploadId"); }

struct WriteTest {
    Answer<void> append(std::size_t bytes, std::uint64_t offset = 0, SegmentNumber segment = 1)
    {
        return engine.append(segment, offset, crypto::as_bytes(std::string_view(text).substr(offset, bytes)));
    }
    void begin(S3Segments::Rules const& with)
    {
        rules = with;
        engine.~S3Segments();
        new (&engine) S3Segments(store.place(), S3Stand::credential(), store.connect(), store.clock, with);
        REQUIRE(engine.make(1).has_value());
    }
    std::size_t count(std::string_view begin)
    {
        auto const said = store.said_to_it();
        return static_cast<std::size_t>(std::ranges::count_if(said, [begin](std::string const& each) { return each.starts_with(begin); }));
    }

    std::string text = text_of(5'000);
    S3Segments::Rules rules = small();
    S3Stand store;
    S3Segments engine{store.place(), S3Stand::credential(), store.connect(), store.clock, rules};
};

}  // namespace

TEST_CASE_METHOD(WriteTest,
    "s3_segments: given a piece, when it is settled, then the store has said that it has it, and that it was new [SB-9]",
    "[storage][SB-4][SB-9]")
{
    begin({});
    std::string condition;
    store.say([&, busy = 2](S3Heard const& heard) mutable -> std::optional<std::string> {
        if (is_put(heard)) condition = heard.field("If-None-Match");
        return is_put(heard) && busy-- > 0 ? std::optional(s3_answer(503)) : std::nullopt;
    });
    REQUIRE(append(60).has_value());
    CHECK(store.object(kFirst) == "none");
    REQUIRE(engine.settle().has_value());
    CHECK(store.object(kFirst) == text.substr(0, 60));
    CHECK(condition == "*");
    REQUIRE(append(10, 60).has_value());
    REQUIRE(engine.sync().has_value());
    CHECK(store.object("p/00000001/0000000060") == text.substr(60, 10));
}

TEST_CASE_METHOD(WriteTest, "s3_segments: given an object that somebody else wrote, when it is met, then nothing more is written [SB-9]",
    "[storage][SB-9][T-31]")
{
    begin(small());
    store.objects[kFirst] = "another's";
    store.said_to_it();
    REQUIRE(append(60).has_value());
    CHECK(engine.settle().error() == EIO);
    CHECK(count("PUT") == 1);
    CHECK(engine.settle().error() == EIO);
    CHECK(append(10, 60).error() == EIO);
    CHECK(engine.make(2).error() == EIO);
    CHECK(engine.cut(1, 0).error() == EIO);
    CHECK(engine.sync().error() == EIO);
    CHECK(count("") == 0);
    CHECK(store.object(kFirst) == "another's");
}

TEST_CASE_METHOD(WriteTest, "s3_segments: given an answer that was lost, when the condition then fails, then the object is our own [SB-9]",
    "[storage][SB-9]")
{
    begin({});
    bool half = false;
    SECTION("on a connection that was kept: libcurl asks once more by itself") {}
    SECTION("in the midst of its head") { half = true; }
    store.say([&, lost = false](S3Heard const& heard) mutable -> std::optional<std::string> {
        if (!is_put(heard) || std::exchange(lost, true)) return std::nullopt;
        (void)store.answer_to(heard);
        return half ? S3Stand::kCut : S3Stand::kHangUp;
    });
    REQUIRE(append(60).has_value());
    REQUIRE(engine.settle().has_value());
    CHECK(store.object(kFirst) == text.substr(0, 60));
    CHECK(append(10, 60).has_value());
}

TEST_CASE_METHOD(WriteTest,
    "s3_segments: given a store that knows no condition, when it says so, then it is not asked for one again [SB-4]", "[storage][SB-4]")
{
    begin(small());
    store.say(s3_answer(501), [](S3Heard const& heard) { return !heard.field("If-None-Match").empty(); });
    store.said_to_it();
    REQUIRE(append(60).has_value());
    REQUIRE(engine.settle().has_value());
    CHECK(count("PUT") == 2);
    REQUIRE(append(10, 60).has_value());
    REQUIRE(engine.settle().has_value());
    CHECK(count("PUT") == 1);
}

TEST_CASE_METHOD(WriteTest,
    "s3_segments: given more than a part, when it is settled, then it is one object of whole parts in their order [SB-4]",
    "[storage][SB-4]")
{
    begin(small());
    std::map<std::string, std::size_t> sizes;
    store.say([&](S3Heard const& heard) -> std::optional<std::string> {
        if (is_put(heard)) sizes[heard.query("partNumber")] = heard.body.size();
        return std::nullopt;
    });
    REQUIRE(append(130).has_value());
    REQUIRE(append(220, 130).has_value());
    REQUIRE(engine.settle().has_value());
    CHECK(sizes == std::map<std::string, std::size_t>{{"1", 100}, {"2", 100}, {"3", 100}, {"4", 50}});
    CHECK(store.object(kFirst) == text.substr(0, 350));
    CHECK(store.uploads.empty());
}

TEST_CASE_METHOD(WriteTest,
    "s3_segments: given a completion that was none, when it is heard, then the object is looked at or it is asked again [SB-9]",
    "[storage][SB-9]")
{
    begin({.part_bytes = 100});
    SECTION("an error under 200")
    {
        store.say(s3_answer(200, "<Error><Code>InternalError</Code></Error>"), is_completion, 2);
        REQUIRE(append(250).has_value());
        REQUIRE(engine.settle().has_value());
        CHECK(count("POST") == 4);
    }
    SECTION("the answer was lost")
    {
        store.say([&, lost = false](S3Heard const& heard) mutable -> std::optional<std::string> {
            if (!is_completion(heard) || std::exchange(lost, true)) return std::nullopt;
            (void)store.answer_to(heard);
            return S3Stand::kHangUp;
        });
        REQUIRE(append(250).has_value());
        REQUIRE(engine.settle().has_value());
        CHECK(count("PUT") == 3);
    }
    SECTION("the upload was lost, and another object is there")
    {
        store.objects[kFirst] = "shorter";
        store.say([&, lost = false](S3Heard const& heard) mutable -> std::optional<std::string> {
            if (!is_completion(heard) || std::exchange(lost, true)) return std::nullopt;
            store.uploads.clear();
            return std::nullopt;
        });
        REQUIRE(append(250).has_value());
        REQUIRE(engine.settle().has_value());
        CHECK(count("PUT") == 6);
    }
    CHECK(store.object(kFirst) == text.substr(0, 250));
}

TEST_CASE_METHOD(WriteTest, "s3_segments: given completions that are never one, when they are heard, then it is an error in the end [SB-9]",
    "[storage][SB-9]")
{
    begin({.part_bytes = 100});
    auto const* const said = "<Error><Code>InternalError</Code></Error>";
    store.say(s3_answer(200, said), is_completion);
    REQUIRE(append(250).has_value());
    CHECK(engine.settle().error() == EIO);
    CHECK(count("POST") == 6);
    store.say({});
    REQUIRE(engine.settle().has_value());
    CHECK(store.object(kFirst) == text.substr(0, 250));
}

TEST_CASE_METHOD(WriteTest,
    "s3_segments: given a part's tag that is none, when it is completed, then it is an error and nothing is made up [T-31]",
    "[storage][T-31][SB-9]")
{
    begin(small());
    store.say(s3_answer(200, {}, "ETag: \"<x>\"\r\n"), [](S3Heard const& heard) { return heard.query("partNumber") == "2"; });
    REQUIRE(append(250).has_value());
    CHECK(engine.settle().error() == EIO);
    CHECK(count("POST") == 1);
}

TEST_CASE_METHOD(WriteTest, "s3_segments: given parts that the store lost and nobody has, when it says so, then EIO from then on [SB-9]",
    "[storage][SB-9]")
{
    auto with = small();
    with.buffer_bytes_max = 300;
    with.append_time = 5s;
    begin(with);
    for (std::uint64_t at = 0; at < 700; at += 100) REQUIRE(append(100, at).has_value());
    {
        std::lock_guard const held(store.lock);
        store.uploads.clear();
    }
    CHECK(engine.settle().error() == EIO);
    store.said_to_it();
    CHECK(engine.settle().error() == EIO);
    CHECK(append(10, 700).error() == EIO);
    CHECK(count("") == 0);
}

TEST_CASE_METHOD(WriteTest,
    "s3_segments: given parts that the store lost and memory has, when it says so, then they are sent once more [SB-9]", "[storage][SB-9]")
{
    begin({.part_bytes = 100});
    store.say([&, lost = false](S3Heard const& heard) mutable -> std::optional<std::string> {
        if (heard.query("partNumber") == "3" && !std::exchange(lost, true)) store.uploads.clear();
        return std::nullopt;
    });
    REQUIRE(append(350).has_value());
    REQUIRE(engine.settle().has_value());
    CHECK(store.object(kFirst) == text.substr(0, 350));
}

TEST_CASE_METHOD(WriteTest, "s3_segments: given many parts and a silent store, when they go out, then four at once and no more [SB-7]",
    "[storage][SB-7]")
{
    begin(small());
    store.say(S3Stand::kSilence, is_put);
    store.said_to_it();
    REQUIRE(append(1'500).has_value());
    CHECK(engine.settle().error() == EIO);
    CHECK(count("PUT") == kS3RequestsMax);
}

TEST_CASE_METHOD(WriteTest,
    "s3_segments: given a store that takes nothing, when memory is full, then writes are refused and nothing is lost [SB-7]",
    "[storage][SB-7][SB-9]")
{
    auto with = small();
    auto const full = GENERATE(false, true);
    with.buffer_bytes_max = 300;
    with.append_time = full ? 20s : 1s;  // also what a store that is back has, on a machine that is busy
    with.down_time = 20s;
    with.times.attempt = full ? 10s : 100ms;
    begin(with);
    store.say(full ? s3_answer(507) : S3Stand::kSilence, [](S3Heard const&) { return true; });
    REQUIRE(append(300).has_value());
    CHECK(append(1, 300).error() == (full ? ENOSPC : EIO));
    store.say({});
    REQUIRE(append(50, 300).has_value());
    REQUIRE(engine.settle().has_value());
    CHECK(store.object(kFirst) + (store.object(kFirst).size() == 300 ? store.object("p/00000001/0000000300") : "") == text.substr(0, 350));
}

TEST_CASE_METHOD(
    WriteTest, "s3_segments: given a silent store, when as many pieces wait as may, then the next is refused [SB-7]", "[storage][SB-7]")
{
    begin(small());
    REQUIRE(engine.make(2).has_value());
    store.say(S3Stand::kSilence, [](S3Heard const&) { return true; });
    for (std::size_t i = 0; i < kS3UploadsMax; ++i) REQUIRE(append(1, i / 2, 1 + i % 2).has_value());
    CHECK(append(1, kS3UploadsMax / 2).error() == EIO);
}

TEST_CASE_METHOD(WriteTest, "s3_segments: given as many pieces as may be, when one more is appended, then ENOSPC [SB-7]", "[storage][SB-7]")
{
    auto with = small();
    with.pieces_max = 3;
    begin(with);
    for (std::uint64_t at = 0; at < 30; at += 10) {
        REQUIRE(append(10, at).has_value());
        REQUIRE(engine.settle().has_value());
    }
    CHECK(append(10, 30).error() == ENOSPC);
    CHECK(store.engine(with).list().value().front().bytes == 30);
    store.objects["p/00000001/0000000030"] = "x";
    CHECK(store.engine(with).list().error() == EIO);
}

TEST_CASE_METHOD(WriteTest, "s3_segments: given a segment as long as one may be, when more is appended, then EIO [SB-7]", "[storage][SB-7]")
{
    store.say(s3_answer(200, "<ListBucketResult><Contents><Key>p/00000001/0000000000</Key><Size>" + std::to_string(kSegmentBytesMax - 10) +
                                 "</Size></Contents></ListBucketResult>"),
        [](S3Heard const& heard) { return heard.method() == "GET"; });
    REQUIRE(engine.list().has_value());
    auto const eleven = crypto::as_bytes(std::string_view("eleven----b"));
    CHECK(engine.append(1, kSegmentBytesMax - 10, eleven).error() == EIO);
    CHECK(engine.append(1, kSegmentBytesMax - 11, eleven.first(1)).error() == EIO);
    CHECK(engine.append(1, kSegmentBytesMax - 10, eleven.first(10)).has_value());
}

TEST_CASE_METHOD(WriteTest,
    "s3_segments: given a store that does not answer, when it is asked again, then nobody waits that long again [SB-9]", "[storage][SB-9]")
{
    auto with = small();
    with.operation_time = 1'500ms;
    with.times.attempt = 300ms;
    begin(with);
    store.say(S3Stand::kSilence, [](S3Heard const&) { return true; });
    REQUIRE(append(10).has_value());
    auto const begun = store.clock.now();
    CHECK(engine.settle().error() == EIO);
    auto const first = store.clock.now();
    CHECK(engine.settle().error() == EIO);
    CHECK(store.clock.now() - first < (first - begun) / 2);
    CHECK(count("PUT") > 1);  // an attempt ends before the operation does
    store.say({});
    CHECK(engine.settle().has_value());
}

}  // namespace test_s3_segments_write
