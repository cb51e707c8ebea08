// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/sealed_log. What is appended is read again, from the running log and from one that is opened anew; faults of the store.
#include <catch2/catch_test_macros.hpp>

#include <random>

#include "base/crypto/crypto.h"
#include "storage/sealed_log.h"
#include "support/memory_segments.h"
#include "support/model_tree.h"

namespace test_sealed_log {

using namespace ocu;
using namespace ocu::storage;

constexpr SealedLog::Rules kSmall{.segment_bytes_max = 400'000, .dead_bytes_slack = 400'000, .journal_bytes_least = 20'000};

struct SealedLogTest {
    SealedLogTest() { open(); }
    // The tree is what the journal says.
    SealedLog::Cut open()
    {
        tree.chunks.clear();
        tree.pending.clear();
        log.reset();
        auto opened = SealedLog::open(std::make_unique<MemorySegments>(disk), log_key(), ModelTree::apply_to(tree), kSmall);
        REQUIRE(opened.has_value());
        log = std::move(opened->log);
        tree.log = log.get();
        log->keep_house(tree.house());
        return opened->cut;
    }

    MemoryDisk disk;
    ModelTree tree;
    std::unique_ptr<SealedLog> log;
};

TEST_CASE_METHOD(SealedLogTest, "sealed_log: given chunks of a file, when they are read, all or some, then they are what was appended",
    "[storage][SB-3]")
{
    auto const plain = ModelTree::content(1, 100 * kChunkBytes + 77);
    auto const places = log->append(5, 10, plain);
    REQUIRE(places.has_value());
    REQUIRE(places->size() == 101);
    std::vector<std::byte> into(101 * kChunkBytes);
    REQUIRE(log->read(5, 10, *places, into).has_value());
    CHECK(std::ranges::equal(std::span(into).first(plain.size()), plain));
    CHECK(std::ranges::all_of(std::span(into).subspan(plain.size()), [](std::byte each) { return each == std::byte{}; }));
    std::vector<std::byte> part(2 * kChunkBytes - 5);
    REQUIRE(log->read(5, 99, std::span(*places).subspan(89, 2), part).has_value());
    CHECK(std::ranges::equal(part, std::span(plain).subspan(89 * kChunkBytes, part.size())));
    std::vector<std::byte> last(100);
    REQUIRE(log->read(5, 110, std::span(*places).last(1), last).has_value());
    CHECK(std::ranges::equal(std::span(last).first(77), std::span(plain).last(77)));
}

TEST_CASE_METHOD(SealedLogTest, "sealed_log: given holes among chunks, when all is read, then holes are zeros", "[storage][SB-3]")
{
    auto const plain = ModelTree::content(1, 3 * kChunkBytes);
    auto places = log->append(5, 0, plain).value();
    places[1] = {};
    std::vector<std::byte> into(3 * kChunkBytes, std::byte{1});
    REQUIRE(log->read(5, 0, places, into).has_value());
    CHECK(std::ranges::all_of(std::span(into).subspan(kChunkBytes, kChunkBytes), [](std::byte each) { return each == std::byte{}; }));
    CHECK(std::ranges::equal(std::span(into).last(kChunkBytes), std::span(plain).last(kChunkBytes)));
}

TEST_CASE_METHOD(SealedLogTest, "sealed_log: given a place, when it is read as another inode's, index's or number's chunk, then it is EIO",
    "[storage][SB-3][T-28]")
{
    auto const places = log->append(5, 0, ModelTree::content(1, 4 * kChunkBytes)).value();
    std::vector<std::byte> into(kChunkBytes);
    auto const fault = [&](Inode inode, std::uint64_t index, ChunkPlace place) {
        auto const answer = log->read(inode, index, std::span(&place, 1), into);
        return answer ? 0 : answer.error();
    };
    CHECK(fault(5, 2, places[2]) == 0);
    CHECK(fault(6, 2, places[2]) == EIO);
    CHECK(fault(5, 1, places[2]) == EIO);
    CHECK(fault(5, 2, {places[2].number + 1, places[2].segment, places[2].offset}) == EIO);
    CHECK(fault(5, 2, {places[2].number, places[2].segment + 1, places[2].offset}) == EIO);
    CHECK(fault(5, 2, {places[2].number, places[2].segment, places[2].offset + 1}) == EIO);
    CHECK(fault(5, 2, {places[2].number, places[2].segment, ~0u}) == EIO);
}

TEST_CASE_METHOD(SealedLogTest,
    "sealed_log: given a chunk that was exchanged, moved, cut off or put back to an older one, when it is read, then it is EIO",
    "[storage][SB-3][SB-9][T-28]")
{
    auto const places = log->append(5, 0, ModelTree::content(1, 3 * kChunkBytes)).value();
    auto& segment = disk.segments.at(places[0].segment);
    auto const before = segment;
    auto const record = places[1].offset - places[0].offset;
    std::vector<std::byte> into(kChunkBytes);
    auto const reads = [&](std::size_t which) { return log->read(5, which, std::span(&places[which], 1), into).has_value(); };
    std::ranges::swap_ranges(std::span(segment).subspan(places[0].offset, record), std::span(segment).subspan(places[1].offset, record));
    CHECK_FALSE(reads(0));
    CHECK_FALSE(reads(1));
    CHECK(reads(2));
    segment = before;
    segment.resize(segment.size() - 1);
    CHECK(reads(1));
    CHECK_FALSE(reads(2));
    segment = before;
    // The same chunk, sealed anew: the older one does not do in its place.
    auto const newer = log->append(5, 1, ModelTree::content(2, kChunkBytes)).value();
    auto& now = disk.segments.at(newer[0].segment);
    std::ranges::copy(std::span(before).subspan(places[1].offset, record), now.begin() + newer[0].offset);
    CHECK_FALSE(log->read(5, 1, newer, into).has_value());
}

TEST_CASE_METHOD(SealedLogTest,
    "sealed_log: given many appends over many segments, when the log is opened again, then all is there and nothing was cut",
    "[storage][SB-3][SB-9]")
{
    std::mt19937_64 random(4);
    for (int i = 0; i < 400; ++i) {
        REQUIRE(tree.write(random() % 20, random() % 50, random(), 1 + static_cast<std::uint32_t>(random() % kChunkBytes)).has_value());
        if (random() % 3 == 0) REQUIRE(tree.flush().has_value());
        if (random() % 20 == 0) REQUIRE(log->sync().has_value());
        if (random() % 10 == 0) tree.remove({random() % 20, random() % 50});
    }
    REQUIRE(tree.flush().has_value());
    CHECK(disk.segments.size() > 5);
    auto const before = tree.chunks;
    CHECK_FALSE(tree.first_wrong());
    for (int times = 0; times < 3; ++times) {
        auto const cut = open();
        CHECK((cut.bytes == 0 && cut.segments == 0));
        CHECK(tree.chunks == before);
        CHECK_FALSE(tree.first_wrong());
    }
    REQUIRE(tree.write(1, 1, 77, 1'000).has_value());
    REQUIRE(tree.flush().has_value());
    auto const after = tree.chunks;
    open();
    CHECK(tree.chunks == after);
    CHECK_FALSE(tree.first_wrong());
}

TEST_CASE_METHOD(SealedLogTest, "sealed_log: given the largest batch of changes, when the log is opened again, then it is applied whole",
    "[storage][SB-9]")
{
    ModelTree::Change const each{1, 2, 3, 4, 5, 6, 7, 0};
    std::vector<ModelTree::Change> changes(kChangesBytesMax / sizeof each, each);
    REQUIRE(log->append_changes(std::as_bytes(std::span(changes))).has_value());
    std::size_t applied = 0;
    log.reset();
    auto const opened = SealedLog::open(
        std::make_unique<MemorySegments>(disk), log_key(),
        [&](std::span<std::byte const> bytes) -> Answer<void> {
            applied = bytes.size();
            return {};
        },
        kSmall);
    REQUIRE(opened.has_value());
    CHECK(applied == changes.size() * sizeof each);
}

TEST_CASE_METHOD(SealedLogTest,
    "sealed_log: given a full store, when an append fails, then it leaves nothing behind, and room lets the next one through",
    "[storage][SB-9][T-28]")
{
    REQUIRE(tree.write(1, 0, 1, kChunkBytes).has_value());
    REQUIRE(tree.flush().has_value());
    auto const before = disk.segments;
    auto const alive = log->size().alive;
    for (std::uint64_t room : {std::uint64_t{0}, std::uint64_t{100}, std::uint64_t{400'000}}) {
        disk.room = room;
        auto const refused = log->append(2, 0, ModelTree::content(2, 60 * kChunkBytes));
        REQUIRE_FALSE(refused.has_value());
        CHECK(refused.error() == ENOSPC);
        CHECK(log->size().alive == alive);
    }
    disk.room = ~0ull;
    REQUIRE(tree.write(2, 0, 3, kChunkBytes).has_value());
    REQUIRE(tree.flush().has_value());
    CHECK_FALSE(tree.first_wrong());
    auto const chunks = tree.chunks;
    auto const cut = open();
    CHECK(cut.bytes == 0);
    CHECK(tree.chunks == chunks);
    CHECK_FALSE(tree.first_wrong());
}

TEST_CASE_METHOD(SealedLogTest, "sealed_log: given a sync that failed, when anything is written, then it is EIO, and what is there is read",
    "[storage][SB-9][T-28]")
{
    REQUIRE(tree.write(1, 0, 1, kChunkBytes).has_value());
    disk.sync_fault = EIO;
    auto const synced = log->sync();
    REQUIRE_FALSE(synced.has_value());
    CHECK(synced.error() == EIO);
    disk.sync_fault = 0;
    CHECK_FALSE(log->sync().has_value());
    CHECK_FALSE(log->append_changes({}).has_value());
    CHECK_FALSE(tree.write(1, 1, 2, kChunkBytes).has_value());
    CHECK_FALSE(tree.first_wrong());
}

TEST_CASE_METHOD(SealedLogTest,
    "sealed_log: given files with names and words in them, when the store is searched, then none of it is there", "[storage][SB-3][T-28]")
{
    std::string const needle = "the-needle-in-the-haystack";
    std::string text;
    while (text.size() < 5 * kChunkBytes) text += needle;
    REQUIRE(log->append(1, 0, crypto::as_bytes(text)).has_value());
    REQUIRE(log->append_changes(crypto::as_bytes(needle)).has_value());
    REQUIRE(log->sync().has_value());
    for (auto const& [number, content] : disk.segments) {
        std::string_view const stored(reinterpret_cast<char const*>(content.data()), content.size());
        for (std::size_t at = 0; at + 8 <= needle.size(); ++at) CHECK(stored.find(needle.substr(at, 8)) == std::string_view::npos);
    }
}

TEST_CASE_METHOD(SealedLogTest,
    "sealed_log: given a store, when it is opened with any key but its own, then it does not open and nothing is changed",
    "[storage][SB-3][T-28]")
{
    REQUIRE(tree.write(1, 0, 1, kChunkBytes).has_value());
    REQUIRE(tree.flush().has_value());
    log.reset();
    auto const before = disk.segments;
    auto const fault = [&](Secret key) {
        int applied = 0;
        auto const opened = SealedLog::open(
            std::make_unique<MemorySegments>(disk), std::move(key),
            [&](auto const&) -> Answer<void> {
                ++applied;
                return {};
            },
            kSmall);
        CHECK(applied == 0);
        return opened ? 0 : opened.error().fault;
    };
    CHECK(fault(log_key(1)) == EIO);
    for (std::size_t bit = 0; bit < 256; ++bit) {
        auto key = log_key();
        key.bytes()[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
        CHECK(fault(std::move(key)) == EIO);
    }
    CHECK(disk.segments == before);
    open();
    CHECK_FALSE(tree.first_wrong());
}

}  // namespace test_sealed_log
