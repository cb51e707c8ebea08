// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/sealed_log_replay. What somebody with the disk can do to a log before it is opened, and what a power cut can: the first
// is refused, the second is cut off and nothing that was promised is.
#include <catch2/catch_test_macros.hpp>

#include <random>

#include "base/crypto/crypto.h"
#include "storage/sealed_log.h"
#include "support/memory_segments.h"
#include "support/model_tree.h"

namespace test_sealed_log_open {

using namespace ocu;
using namespace ocu::storage;

constexpr SealedLog::Rules kSmall{.segment_bytes_max = 280'000, .dead_bytes_slack = 300'000, .journal_bytes_least = 20'000};
constexpr std::size_t kWhole = kRecordBytesLeast + kRecordPrefixBytes + kChunkBytes;
constexpr std::size_t kSmallest = kRecordBytesLeast + kRecordPrefixBytes + 256;

struct Outcome {
    int fault = 0;
    SealedLog::Cut cut;
    SealedLog::Damage damage;
    ModelTree tree;
    std::optional<ModelTree::Key> wrong;
};

Outcome opened(MemoryDisk& disk, Secret key = log_key())
{
    Outcome outcome;
    auto log = SealedLog::open(std::make_unique<MemorySegments>(disk), std::move(key), ModelTree::apply_to(outcome.tree), kSmall);
    if (!log) {
        outcome.fault = log.error().fault;
        outcome.damage = log.error();
        return outcome;
    }
    outcome.cut = log->cut;
    outcome.tree.log = log->log.get();
    outcome.wrong = outcome.tree.first_wrong();
    outcome.tree.log = nullptr;
    return outcome;
}

// A log of several segments, all of it synced and said to be so by what came after.
struct SealedLogOpenTest {
    SealedLogOpenTest()
    {
        begin(log_key());
        for (std::uint64_t i = 0; i < 60; ++i) {
            REQUIRE(tree.write(1 + i % 3, i, 1'000 + i, kChunkBytes).has_value());
            REQUIRE(tree.flush().has_value());
        }
        REQUIRE(log->sync().has_value());
        REQUIRE(tree.write(9, 0, 1, 100).has_value());
        REQUIRE(tree.flush().has_value());
        REQUIRE(disk.segments.size() >= 4);
    }
    void begin(Secret key)
    {
        auto made = SealedLog::open(std::make_unique<MemorySegments>(disk), std::move(key), ModelTree::apply_to(tree), kSmall);
        REQUIRE(made.has_value());
        log = std::move(made->log);
        tree.log = log.get();
        log->keep_house(tree.house());
    }
    // That it does not open, says where, and has changed nothing.
    void refused(SegmentNumber segment)
    {
        auto const before = disk.segments;
        auto const outcome = opened(disk);
        CHECK(outcome.fault == EIO);
        CHECK(outcome.damage.segment == segment);
        CHECK_FALSE(outcome.damage.what.view().empty());
        CHECK(disk.segments == before);
    }
    std::span<std::byte> at(SegmentNumber segment, std::size_t offset, std::size_t bytes)
    {
        return std::span(disk.segments.at(segment)).subspan(offset, bytes);
    }

    MemoryDisk disk;
    ModelTree tree;
    std::unique_ptr<SealedLog> log;
};

TEST_CASE_METHOD(SealedLogOpenTest,
    "sealed_log: given two records of one length that changed places, when the log is opened, then it is refused", "[storage][SB-3][T-28]")
{
    auto const next = kSegmentHeadBytes + kWhole + kSmallest;
    std::ranges::swap_ranges(at(2, kSegmentHeadBytes, kWhole), at(2, next, kWhole));
    refused(2);
}

TEST_CASE_METHOD(SealedLogOpenTest, "sealed_log: given records that are left out in the middle, when the log is opened, then it is refused",
    "[storage][SB-3][T-28]")
{
    auto& segment = disk.segments.at(2);
    auto const whole = segment;
    auto const first = segment.begin() + kSegmentHeadBytes;
    segment.erase(first, first + kWhole + kSmallest);
    refused(2);
    segment = whole;
    segment.erase(segment.begin() + kSegmentHeadBytes, segment.end());
    refused(2);
    segment = whole;
    segment.resize(segment.size() - kRecordBytesLeast);  // its end alone
    refused(2);
    segment.clear();
    refused(2);
    segment.assign(whole.size(), std::byte{});
    refused(2);
    disk.segments.erase(2);
    refused(2);
    disk.segments[2] = whole;
    disk.segments.erase(1);
    refused(1);
}

TEST_CASE_METHOD(SealedLogOpenTest, "sealed_log: given a segment in another's place, when the log is opened, then it is refused",
    "[storage][SB-3][T-28]")
{
    std::swap(disk.segments.at(2), disk.segments.at(3));
    refused(2);
    std::swap(disk.segments.at(2), disk.segments.at(3));
    disk.segments.at(3) = disk.segments.at(2);
    refused(3);
}

TEST_CASE_METHOD(SealedLogOpenTest, "sealed_log: given records or segments of another session, when the log is opened, then it is refused",
    "[storage][SB-3][T-28]")
{
    SealedLogOpenTest other;
    SECTION("a segment, under another key")
    {
        MemoryDisk foreign;
        ModelTree model;
        auto made = SealedLog::open(std::make_unique<MemorySegments>(foreign), log_key(7), ModelTree::apply_to(model), kSmall);
        REQUIRE(made.has_value());
        model.log = made->log.get();
        for (std::uint64_t i = 0; i < 60; ++i) REQUIRE(model.write(1, i, i, kChunkBytes).has_value());
        disk.segments.at(2) = foreign.segments.at(2);
        refused(2);
    }
    SECTION("a record at the same place with the same number under the same data key, of another log")
    {
        REQUIRE(other.disk.segments.at(2).size() == disk.segments.at(2).size());
        std::ranges::copy(other.at(2, kSegmentHeadBytes, kWhole), at(2, kSegmentHeadBytes, kWhole).begin());
        refused(2);
    }
    SECTION("a whole segment of another log under the same data key")
    {
        disk.segments.at(2) = other.disk.segments.at(2);
        refused(2);
    }
    SECTION("with the segment before it")
    {
        disk.segments.at(1) = other.disk.segments.at(1);
        disk.segments.at(2) = other.disk.segments.at(2);
        refused(3);
    }
}

// What could not be written was seen by whoever has the disk; what was written then has its place and its length.
TEST_CASE("sealed_log: given an older record that once stood at the same place, when it is put back there, then the log is refused",
    "[storage][SB-3][T-28]")
{
    MemoryDisk disk;
    ModelTree tree;
    auto made = SealedLog::open(std::make_unique<MemorySegments>(disk), log_key(), ModelTree::apply_to(tree), kSmall);
    tree.log = made->log.get();
    REQUIRE(tree.write(1, 0, 1, kChunkBytes).has_value());
    auto const end = disk.segments.at(1).size();
    // The same record would be sealed by a log that goes another way from here: a copy of the disk and of the process.
    auto twin_disk = disk;
    struct Keeper final : Segments {
        explicit Keeper(MemoryDisk& disk) : real(disk) {}
        Answer<std::vector<Found>> list() override { return real.list(); }
        Answer<void> make(SegmentNumber n) override { return real.make(n); }
        Answer<void> append(SegmentNumber n, std::uint64_t at, std::span<std::byte const> bytes) override
        {
            seen.assign(bytes.begin(), bytes.end());
            return fails ? refuse(ENOSPC) : real.append(n, at, bytes);
        }
        Answer<std::size_t> read(SegmentNumber n, std::uint64_t at, std::span<std::byte> into) override { return real.read(n, at, into); }
        Answer<void> cut(SegmentNumber n, std::uint64_t bytes) override { return real.cut(n, bytes); }
        Answer<void> settle() override { return real.settle(); }
        Answer<void> sync() override { return real.sync(); }
        Answer<void> remove(SegmentNumber n) override { return real.remove(n); }
        bool give_up_spare() override { return false; }
        void keep_spare() override {}
        MemorySegments real;
        std::vector<std::byte> seen;
        bool fails = false;
    };
    auto owned = std::make_unique<Keeper>(twin_disk);
    auto& keeper = *owned;
    ModelTree twin;
    auto log = std::move(SealedLog::open(std::move(owned), log_key(), ModelTree::apply_to(twin), kSmall)->log);
    twin.log = log.get();
    REQUIRE(twin.write(1, 0, 1, kChunkBytes).has_value());  // begins a segment
    auto const last = twin_disk.segments.rbegin()->first;
    auto const offset = twin_disk.segments.at(last).size();
    REQUIRE(offset == end);
    keeper.fails = true;
    REQUIRE_FALSE(twin.write(1, 1, 2, kChunkBytes).has_value());
    auto const older = keeper.seen;
    REQUIRE(older.size() == kWhole);
    keeper.fails = false;
    REQUIRE(twin.write(1, 1, 3, kChunkBytes).has_value());
    REQUIRE(twin.flush().has_value());
    REQUIRE(log->sync().has_value());
    REQUIRE(twin.write(1, 2, 4, kChunkBytes).has_value());
    REQUIRE(twin.flush().has_value());
    CHECK(opened(twin_disk).fault == 0);
    std::ranges::copy(older, twin_disk.segments.at(last).begin() + static_cast<std::ptrdiff_t>(offset));
    auto const outcome = opened(twin_disk);
    CHECK(outcome.fault == EIO);
    CHECK(outcome.damage.segment == last);
}

TEST_CASE_METHOD(SealedLogOpenTest, "sealed_log: given any altered byte before the last sync, when the log is opened, then it is refused",
    "[storage][SB-3][T-28]")
{
    std::mt19937_64 random(11);
    auto const whole = disk.segments;
    for (int i = 0; i < 40; ++i) {
        auto const segment = static_cast<SegmentNumber>(1 + random() % (whole.size() - 1));
        auto& bytes = disk.segments.at(segment);
        bytes[random() % bytes.size()] ^= static_cast<std::byte>(1 + random() % 255);
        refused(segment);
        disk.segments = whole;
    }
}

// A log so small that it can be opened a few thousand times.
struct SmallLogTest {
    SmallLogTest()
    {
        auto made = SealedLog::open(std::make_unique<MemorySegments>(disk), log_key(), ModelTree::apply_to(tree), kSmall);
        REQUIRE(made.has_value());
        log = std::move(made->log);
        tree.log = log.get();
        for (std::uint64_t i = 0; i < 5; ++i) REQUIRE(tree.write(1, i, i, 300).has_value());
        REQUIRE(tree.flush().has_value());
    }

    MemoryDisk disk;
    ModelTree tree;
    std::unique_ptr<SealedLog> log;
};

// Every byte of what came after the last sync, cut off there or garbled there.
TEST_CASE_METHOD(SmallLogTest,
    "sealed_log: given a torn tail, when the log is opened, then what was synced is whole and only the tail is gone",
    "[storage][SB-9][T-28]")
{
    REQUIRE(log->sync().has_value());
    auto const promised = tree.chunks;
    auto const synced = disk.segments.rbegin()->second.size();
    REQUIRE(tree.write(1, 0, 5'000, 200).has_value());
    REQUIRE(tree.flush().has_value());
    auto const middle = disk.segments.rbegin()->second.size();
    auto const first = tree.chunks;
    REQUIRE(tree.write(1, 0, 5'001, 200).has_value());
    REQUIRE(tree.flush().has_value());
    auto const all = tree.chunks;
    log.reset();
    auto const whole = disk.segments;
    auto const number = whole.rbegin()->first;
    auto const size = whole.rbegin()->second.size();
    REQUIRE(size == synced + 4 * kSmallest);
    for (bool const garbled : {false, true}) {
        for (auto at = synced; at < size; ++at) {
            disk.segments = whole;
            if (garbled)
                disk.segments[number][at] ^= std::byte{0x55};
            else
                disk.segments[number].resize(at);
            auto const outcome = opened(disk);
            REQUIRE(outcome.fault == 0);
            CHECK(outcome.tree.chunks == (at < middle ? promised : first));
            CHECK_FALSE(outcome.wrong);
            auto const start = synced + (at - synced) / kSmallest * kSmallest;
            CHECK(outcome.cut.bytes == (garbled ? size : at) - start);
            // What was cut does not come back, and nothing else goes.
            if (at % 16 != 0) continue;
            auto const again = opened(disk);
            REQUIRE(again.fault == 0);
            CHECK(again.tree.chunks == outcome.tree.chunks);
            CHECK(again.cut.bytes == 0);
        }
    }
    disk.segments = whole;
    CHECK(opened(disk).tree.chunks == all);
}

TEST_CASE_METHOD(SealedLogOpenTest,
    "sealed_log: given a tail that is torn over several segments, when the log is opened, then all of it from the first tear on goes",
    "[storage][SB-9]")
{
    REQUIRE(log->sync().has_value());
    auto const promised = tree.chunks;
    auto const last_synced = disk.segments.rbegin()->first;
    for (std::uint64_t i = 0; i < 70; ++i) REQUIRE(tree.write(4, i, i, kChunkBytes).has_value());
    REQUIRE(tree.flush().has_value());
    log.reset();
    auto const whole = disk.segments;
    REQUIRE(whole.rbegin()->first >= last_synced + 3);
    auto const goes = [&](SegmentNumber from) {
        auto const outcome = opened(disk);
        CHECK(outcome.fault == 0);
        CHECK(outcome.tree.chunks == promised);
        CHECK_FALSE(outcome.wrong);
        CHECK(outcome.cut.bytes > 0);
        CHECK(disk.segments.rbegin()->first <= from);
        CHECK(opened(disk).tree.chunks == promised);
        disk.segments = whole;
    };
    disk.segments[last_synced + 1].resize(10'000);
    goes(last_synced + 1);
    disk.segments[last_synced + 1].clear();
    goes(last_synced);
    std::ranges::fill(disk.segments[last_synced + 1], std::byte{});
    goes(last_synced);
    disk.segments.erase(last_synced + 1);
    goes(last_synced);
    disk.segments[last_synced + 2][5'000] ^= std::byte{1};
    goes(last_synced + 2);
}

TEST_CASE_METHOD(SealedLogOpenTest,
    "sealed_log: given a batch that the tree refuses, when the log is opened, then it says so and changes nothing", "[storage][SB-9]")
{
    REQUIRE(log->append_changes(crypto::as_bytes("not a batch")).has_value());
    log.reset();
    auto const before = disk.segments;
    auto const outcome = opened(disk);
    CHECK(outcome.fault == EINVAL);
    CHECK(disk.segments == before);
}

TEST_CASE_METHOD(SealedLogOpenTest,
    "sealed_log: given a log that was opened again and again, when its nonces are compared, then no segment's key is another's",
    "[storage][SB-3]")
{
    log.reset();
    for (int i = 0; i < 5; ++i) {
        begin(log_key());
        REQUIRE(tree.write(1, 0, 1, 100).has_value());
        log.reset();
    }
    std::set<std::vector<std::byte>> epochs;
    for (auto const& [number, content] : disk.segments) epochs.insert({content.begin() + 16, content.begin() + 32});
    CHECK(epochs.size() == disk.segments.size());
}

}  // namespace test_sealed_log_open
