// SPDX-License-Identifier: GPL-3.0-or-later
// Units: s3_segments, how they are found, read, cut and removed; s3_sweep. Against a store of the test's own, which may say anything.

#include <catch2/catch_test_macros.hpp>

#include "storage/s3_sweep.h"
#include "support/s3_stand.h"

namespace test_s3_segments_read {

using namespace ocu;
using namespace ocu::storage;
using namespace std::chrono_literals;
using test::S3Heard;
using test::S3Stand;
using test::s3_answer;
using Said = std::vector<std::string>;

namespace {

constexpr auto kFirst = "p/00000001/0000000000";

bool is_deletion(S3Heard const& heard) { return heard.method() == "DELETE"; }
bool is_get(S3Heard const& heard) { return heard.method() == "GET" && !heard.key().empty(); }
bool is_list(S3Heard const& heard) { return heard.asks("list-type"); }

std::string piece_key(std::uint64_t offset, SegmentNumber segment = 1) { return s3_piece_key("p/", segment, offset); }

std::string listing(std::vector<std::pair<std::string, std::uint64_t>> const& objects, std::string const& next = {})
{
    std::string text = "<ListBucketResult>";
    for (auto const& [key, bytes] : objects)
        text += "<Contents><Key>" + key + "</Key><Size>" + std::to_string(bytes) + "</Size></Contents>";
    if (!next.empty()) text += "<IsTruncated>true</IsTruncated><NextContinuationToken>" + next + "</NextContinuationToken>";
    return s3_answer(200, text + "</ListBucketResult>");
}

std::string read(S3Segments& engine, std::size_t bytes, std::uint64_t offset = 0)
{
    std::string text(bytes, '?');
    auto const got = engine.read(1, offset, std::as_writable_bytes(std::span(text)));
    return got ? text.substr(0, *got) : "fault " + std::to_string(got.error());
}

struct ReadTest {
    void put(std::uint64_t offset, std::string const& text, SegmentNumber segment = 1) { store.objects[piece_key(offset, segment)] = text; }

    S3Stand store;
};

auto const kEio = "fault " + std::to_string(EIO);

}  // namespace

TEST_CASE_METHOD(ReadTest,
    "s3_segments: given pages of objects, when they are listed, then all of them, and none that is no piece of ours [SB-4]",
    "[storage][SB-4][T-31]")
{
    for (SegmentNumber segment = 1; segment < 6; ++segment) put(0, "12345", segment);
    put(5, "678", 5);
    store.objects["p/notes"] = "x";
    store.objects["p/00000001/0000000005.old"] = "x";
    store.objects["q/00000007/0000000000"] = "x";
    store.page = 2;
    auto const found = store.engine().list().value();
    REQUIRE(found.size() == 5);
    CHECK((found[4].number == 5 && found[4].bytes == 8));
    CHECK(found[0].bytes == 5);
    CHECK(store.said_to_it().size() == 4);
    store.say(listing({{"q/00000007/0000000000", 1}}), is_list);
    CHECK(store.engine().list().value().empty());
}

TEST_CASE_METHOD(
    ReadTest, "s3_segments: given a store that lists for ever, when it is listed, then that ends [T-31]", "[storage][T-31][SB-7]")
{
    store.say(listing({}, "more"), is_list);
    CHECK(store.engine().list().error() == EIO);
    CHECK(store.said_to_it().size() < 200);
}

TEST_CASE_METHOD(
    ReadTest, "s3_segments: given pieces that overlap, or one too long, when they are listed, then EIO [T-31]", "[storage][T-31]")
{
    put(0, "12345");
    put(4, "x");
    CHECK(store.engine().list().error() == EIO);
    store.say(listing({{kFirst, 5}, {kFirst, 5}}), is_list);
    CHECK(store.engine().list().error() == EIO);
    store.say(listing({{kFirst, kSegmentBytesMax + 1}}), is_list);
    CHECK(store.engine().list().error() == EIO);
    store.say(listing({{kFirst, kSegmentBytesMax}}), is_list);
    CHECK(store.engine().list().has_value());
}

TEST_CASE_METHOD(ReadTest,
    "s3_segments: given a piece that is not there, when it is read, then zeros; without the first there is no segment [SB-9]",
    "[storage][SB-9]")
{
    put(0, "12345");
    put(8, "90");
    put(3, "headless", 2);
    put(20, "headless", 2);
    auto engine = store.engine();
    auto const found = engine.list().value();
    REQUIRE(found.size() == 1);
    CHECK(found[0].bytes == 10);
    CHECK(read(engine, 20) == std::string("12345\0\0\0", 8) + "90");
    CHECK(engine.make(2).has_value());
    CHECK_FALSE(store.objects.contains(piece_key(3, 2)));
    CHECK_FALSE(store.objects.contains(piece_key(20, 2)));
}

TEST_CASE_METHOD(ReadTest, "s3_segments: given an answer that is not what was asked for, when it is read, then EIO and none of it [T-31]",
    "[storage][T-31][SB-9]")
{
    put(0, std::string(3u << 20, 'x'));
    auto engine = store.engine();
    REQUIRE(engine.list().has_value());
    store.said_to_it();
    std::string const two(2u << 20, 'y');
    std::size_t asked = 3;
    SECTION("all of it, for a part")
    {
        store.say([&](S3Heard const& heard) -> std::optional<std::string> {
            if (!is_get(heard)) return std::nullopt;
            return s3_answer(200, store.objects[kFirst]);
        });
        asked = 0;
    }
    SECTION("a byte less") { store.say(s3_answer(206, two.substr(1)), is_get); }
    SECTION("nothing") { store.say(s3_answer(206), is_get); }
    SECTION("a byte more")
    {
        store.say(s3_answer(206, two + "y"), is_get);
        asked = 0;
    }
    SECTION("as many under another status")
    {
        store.say(s3_answer(203, two), is_get);
        asked = 0;
    }
    SECTION("a redirection with as many")
    {
        store.say(s3_answer(302, two, "Location: http://s3.test:9000/b/p/elsewhere\r\n"), is_get);
        asked = 0;
    }
    CHECK(read(engine, 100) == kEio);
    auto const said = store.said_to_it();
    if (asked == 0) CHECK(said.size() <= 2);  // it, and what was read ahead; not again
    if (asked != 0) CHECK(said.size() >= asked);
    for (auto const& each : said) CHECK(each == std::string("GET ") + kFirst);
    store.say({});
    CHECK(read(engine, 100) == std::string(100, 'x'));
}

TEST_CASE_METHOD(ReadTest,
    "s3_segments: given a segment that is read in order, when more was read than is kept, then the oldest is gone [SB-7]",
    "[storage][SB-7]")
{
    put(0, std::string(20u << 20, 'x'));
    auto engine = store.engine();
    REQUIRE(engine.list().has_value());
    for (std::uint64_t at = 0; at < 20u << 20; at += 1u << 20) CHECK(read(engine, 1u << 20, at).size() == 1u << 20);
    store.said_to_it();
    CHECK(read(engine, 1u << 20, 19u << 20) == std::string(1u << 20, 'x'));
    CHECK(store.said_to_it().empty());
    CHECK(read(engine, 10, 0) == std::string(10, 'x'));
    CHECK(store.said_to_it().size() == 1);
}

TEST_CASE_METHOD(ReadTest, "s3_segments: given a silent store, when it is read in order, then four ranges are asked for and no more [SB-7]",
    "[storage][SB-7][SB-9]")
{
    put(0, std::string(20u << 20, 'x'));
    auto engine = store.engine({.operation_time = 300ms});
    REQUIRE(engine.list().has_value());
    store.said_to_it();
    store.say(S3Stand::kSilence, is_get);
    CHECK(read(engine, 10) == "fault " + std::to_string(ETIMEDOUT));
    CHECK(store.said_to_it().size() == kS3RequestsMax);
}

TEST_CASE_METHOD(ReadTest, "s3_segments: given pieces, when they are cut, then the last goes first, and what fails ends all writing [SB-9]",
    "[storage][SB-9]")
{
    for (std::uint64_t at = 0; at < 50; at += 10) put(at, "0123456789");
    auto engine = store.engine();
    REQUIRE(engine.list().has_value());
    store.said_to_it();
    SECTION("done")
    {
        REQUIRE(engine.cut(1, 15).has_value());
        CHECK(store.said_to_it() == Said{"DELETE " + piece_key(40), "DELETE " + piece_key(30), "DELETE " + piece_key(20),
                                        "GET " + piece_key(10), "PUT " + piece_key(10)});
        CHECK(store.object(piece_key(10)) == "01234");
        CHECK(read(engine, 50) == "012345678901234");
    }
    SECTION("refused")
    {
        store.say(s3_answer(403), [](S3Heard const& heard) { return heard.key() == piece_key(30); });
        CHECK(engine.cut(1, 15).error() == EIO);
        CHECK(store.said_to_it() == Said{"DELETE " + piece_key(40), "DELETE " + piece_key(30)});
        CHECK(engine.append(1, 40, crypto::as_bytes(std::string_view("x"))).error() == EIO);
        CHECK(engine.make(2).error() == EIO);
    }
    SECTION("what is shortened comes back as something else")
    {
        store.say(s3_answer(200, "0123"), is_get);
        CHECK(engine.cut(1, 15).error() == EIO);
        CHECK(store.object(piece_key(10)) == "0123456789");
        CHECK(engine.settle().error() == EIO);
    }
}

TEST_CASE_METHOD(ReadTest,
    "s3_segments: given a segment, when it is removed, then its first piece is gone before the others are asked for [SB-9]",
    "[storage][SB-9]")
{
    for (std::uint64_t at = 0; at < 30; at += 10) put(at, "0123456789");
    auto engine = store.engine({.operation_time = 300ms});
    REQUIRE(engine.list().has_value());
    store.said_to_it();
    store.say(s3_answer(403), is_deletion);
    REQUIRE(engine.remove(1).has_value());
    CHECK(store.said_to_it() == Said{std::string("DELETE ") + kFirst});
    CHECK(read(engine, 1) == "fault " + std::to_string(ENOENT));
    CHECK(engine.make(1).error() == EIO);
    store.say({});
    store.said_to_it();
    REQUIRE(engine.make(1).has_value());
    CHECK(store.said_to_it().front() == std::string("DELETE ") + kFirst);
    CHECK(store.objects.empty());
}

TEST_CASE_METHOD(
    ReadTest, "s3_segments: given bytes that wait, when their segment is removed, then they are not written [SB-9]", "[storage][SB-9]")
{
    auto engine = store.engine({.part_bytes = 100, .operation_time = 600ms, .down_time = 20s});
    std::string const text(150, 'x');
    for (bool const parts : {true, true, false}) {
        REQUIRE(engine.make(1).has_value());
        store.say(S3Stand::kSilence, [parts](S3Heard const& heard) { return !parts || heard.method() == "PUT"; });
        REQUIRE(engine.append(1, 0, crypto::as_bytes(text)).has_value());
        CHECK(engine.settle().error() == EIO);
        REQUIRE(engine.remove(1).has_value());
        store.say({});
        REQUIRE(engine.settle().has_value());
    }
    CHECK(engine.list().value().empty());
    CHECK(store.objects.empty());
    REQUIRE(engine.make(2).has_value());
    REQUIRE(engine.append(2, 0, crypto::as_bytes(text)).has_value());
    REQUIRE(engine.settle().has_value());
    CHECK(store.object(piece_key(0, 2)) == text);
}

TEST_CASE_METHOD(ReadTest,
    "s3_sweep: given a place, when it is swept, then all that is beneath it, page by page, and nothing beside [T-13]",
    "[storage][T-13][SB-4]")
{
    for (std::uint64_t at = 0; at < 50; at += 10) put(at, "0123456789");
    store.objects["p/marker"] = "12345";
    store.objects["p2/other"] = "x";
    store.uploads["u1"] = {"p/00000002/0000000000", {}};
    store.uploads["u2"] = {"p/00000003/0000000000", {}};
    store.page = 2;
    auto const swept = sweep_s3(store.place(), S3Stand::credential(), store.connect()).value();
    CHECK((swept.objects == 6 && swept.bytes == 55 && swept.uploads_aborted == 2));
    CHECK(store.objects.size() == 1);
    CHECK(store.uploads.empty());
}

TEST_CASE_METHOD(ReadTest, "s3_sweep: given a listing of what was not asked for, when it is read, then none of it is removed [T-13]",
    "[storage][T-13][T-31]")
{
    put(0, "x");
    SECTION("objects") { store.say(listing({{kFirst, 1}, {"q/other", 1}}), is_list); }
    SECTION("uploads")
    {
        store.say(s3_answer(200,
                      "<ListMultipartUploadsResult><Upload><Key>p/00000001/0000000000</Key><UploadId>1</UploadId></Upload>"
                      "<Upload><Key>q/x</Key><UploadId>2</UploadId></Upload></ListMultipartUploadsResult>"),
            [](S3Heard const& heard) { return heard.asks("uploads"); });
    }
    SECTION("no listing") { store.say(s3_answer(200, "<Error/>"), is_list); }
    CHECK(sweep_s3(store.place(), S3Stand::credential(), store.connect()).error() == EIO);
    auto const said = store.said_to_it();
    CHECK(std::ranges::none_of(said, [](std::string const& each) { return each.starts_with("DELETE"); }));
}

TEST_CASE_METHOD(
    ReadTest, "s3_sweep: given a store that removes nothing, when it is swept, then that ends and is told [T-13]", "[storage][T-13]")
{
    for (std::uint64_t at = 0; at < 100; at += 10) put(at, "0123456789");
    store.say(s3_answer(403), is_deletion);
    CHECK(sweep_s3(store.place(), S3Stand::credential(), store.connect()).error() == EIO);
    auto const said = store.said_to_it();
    CHECK(std::ranges::count_if(said, [](std::string const& each) { return each.starts_with("DELETE"); }) <= 4);
}

}  // namespace test_s3_segments_read
