// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/sealed_log_house. A store in proportion to what is alive, and a log that opens to the same tree wherever its keeping
// was interrupted: by a process that died at any write, or by a power cut.
#include <catch2/catch_test_macros.hpp>

#include <random>

#include "storage/sealed_log.h"
#include "support/memory_segments.h"
#include "support/model_tree.h"

namespace test_sealed_log_house {

using namespace ocu;
using namespace ocu::storage;

constexpr SealedLog::Rules kSmall{.segment_bytes_max = 300'000, .dead_bytes_slack = 300'000, .journal_bytes_least = 10'000};
// Beyond twice what is alive: the slack, the segment that is written to, and a snapshot beside the one before.
constexpr std::uint64_t kConstant = 300'000 + 300'000 + 100'000;

struct SealedLogHouseTest {
    SealedLogHouseTest() { REQUIRE(open() == 0); }
    int open()
    {
        tree.chunks.clear();
        tree.pending.clear();
        log.reset();
        auto opened = SealedLog::open(std::make_unique<MemorySegments>(disk), log_key(), ModelTree::apply_to(tree), kSmall);
        if (!opened) return opened.error().fault;
        log = std::move(opened->log);
        tree.log = log.get();
        log->keep_house(tree.house());
        return 0;
    }
    // One thing that a guest may do; what fails is not asked.
    void churn(std::mt19937_64& random)
    {
        auto const inode = random() % 12;
        auto const index = random() % 6;
        switch (random() % 8) {
        case 0: tree.remove({inode, index}); break;
        case 1: (void)tree.flush(); break;
        case 2: (void)log->housekeeping_step(); break;
        default: (void)tree.write(inode, index, random(), 1 + static_cast<std::uint32_t>(random() % kChunkBytes));
        }
    }

    MemoryDisk disk;
    ModelTree tree;
    std::unique_ptr<SealedLog> log;
};

TEST_CASE_METHOD(SealedLogHouseTest,
    "sealed_log: given much churn, when house is kept, then the store stays within twice what is alive and a constant",
    "[storage][SB-8][SB-9]")
{
    std::mt19937_64 random(21);
    std::uint64_t written = 0;
    for (int i = 0; i < 3'000; ++i) {
        churn(random);
        if (i % 50 != 0) continue;
        REQUIRE(tree.flush().has_value());
        REQUIRE(tree.keep_house().has_value());
        auto const size = log->size();
        CHECK(size.bytes == disk.bytes());
        CHECK(size.bytes <= 2 * size.alive + kConstant);
        written = std::max<std::uint64_t>(written, disk.segments.rbegin()->first);
    }
    CHECK(written > 30);
    CHECK_FALSE(tree.first_wrong());
    auto const chunks = tree.chunks;
    REQUIRE(tree.flush().has_value());
    REQUIRE(open() == 0);
    CHECK(tree.chunks == chunks);
    CHECK_FALSE(tree.first_wrong());
}

TEST_CASE_METHOD(SealedLogHouseTest,
    "sealed_log: given changes of a small tree without end, when house is kept, then snapshots keep the journal small", "[storage][SB-9]")
{
    REQUIRE(tree.write(1, 0, 1, 100).has_value());
    for (int i = 0; i < 1'000; ++i) {
        tree.set({1, 0}, tree.chunks.at({1, 0}));
        tree.pending.back().seed = 1;
        REQUIRE(tree.flush().has_value());
        if (i % 10 == 0) REQUIRE(tree.keep_house().has_value());
    }
    CHECK(log->size().journal < 50'000);
    CHECK(disk.bytes() < kConstant);
}

TEST_CASE_METHOD(SealedLogHouseTest,
    "sealed_log: given a chunk that was dropped, when the change is not yet appended, then its segment stays", "[storage][SB-9]")
{
    for (std::uint64_t i = 0; i < 40; ++i) REQUIRE(tree.write(1, i, i, kChunkBytes).has_value());
    REQUIRE(tree.flush().has_value());
    REQUIRE(log->sync().has_value());
    auto const promised = tree.chunks;
    for (std::uint64_t i = 0; i < 40; ++i) tree.remove({1, i});
    auto const waiting = std::exchange(tree.pending, {});
    for (int i = 0; i < 10; ++i) REQUIRE(log->housekeeping_step().has_value());
    auto dead = disk;  // as if the process were killed here
    tree.pending = waiting;
    REQUIRE(tree.flush().has_value());
    REQUIRE(tree.keep_house().has_value());
    CHECK(disk.segments.size() < dead.segments.size());
    disk = dead;
    REQUIRE(open() == 0);
    CHECK(tree.chunks == promised);
    CHECK_FALSE(tree.first_wrong());
}

TEST_CASE_METHOD(SealedLogHouseTest,
    "sealed_log: given a process that dies at any write, when the log is opened, then the tree is what was appended last",
    "[storage][SB-9]")
{
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        disk = {};
        REQUIRE(open() == 0);
        std::mt19937_64 random(seed);
        for (int i = 0; i < 100; ++i) churn(random);
        (void)tree.flush();
        disk.writes_left = random() % 60;
        disk.append_torn = random() % 2 == 0;
        // From here on only what was flushed is promised.
        auto promised = tree.chunks;
        auto last = promised;
        for (int i = 0; i < 150; ++i) {
            churn(random);
            last = tree.chunks;
            if (tree.flush().has_value()) promised = tree.chunks;
            if (random() % 4 == 0) (void)log->sync();
            (void)log->housekeeping_step();
        }
        auto const places_differ = [](auto const& one, auto const& other) {
            return !std::ranges::equal(one, other, [](auto const& a, auto const& b) {
                return a.first == b.first && a.second.seed == b.second.seed && a.second.bytes == b.second.bytes;
            });
        };
        disk.writes_left = ~0ull;
        REQUIRE(open() == 0);
        CHECK_FALSE(places_differ(tree.chunks, promised));
        CHECK_FALSE(tree.first_wrong());
        // And it goes on from there.
        REQUIRE(tree.write(1, 1, seed, 500).has_value());
        REQUIRE(tree.flush().has_value());
        REQUIRE(tree.keep_house().has_value());
        auto const chunks = tree.chunks;
        REQUIRE(open() == 0);
        CHECK(tree.chunks == chunks);
    }
}

TEST_CASE_METHOD(SealedLogHouseTest,
    "sealed_log: given power cuts at any time, when the log is opened, then what was synced is there, and what is there was written",
    "[storage][SB-9]")
{
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        disk = {};
        tree.on_flush = {};
        REQUIRE(open() == 0);
        std::mt19937_64 random(seed);
        std::vector<std::map<ModelTree::Key, std::uint64_t>> states;  // since the last sync, that one first
        auto const state = [this] {
            std::map<ModelTree::Key, std::uint64_t> now;
            for (auto const& [key, chunk] : tree.chunks) now[key] = chunk.seed;
            return now;
        };
        states.push_back(state());
        tree.on_flush = [&] { states.push_back(state()); };
        for (auto left = 100 + random() % 400; left != 0; --left) {
            churn(random);
            if (random() % 20 != 0) continue;
            REQUIRE(tree.flush().has_value());
            REQUIRE(log->sync().has_value());
            states.erase(states.begin(), states.end() - 1);
        }
        disk.power_cut(random);
        tree.on_flush = {};
        REQUIRE(open() == 0);
        CHECK_FALSE(tree.first_wrong());
        CHECK(std::ranges::contains(states, state()));
    }
}

TEST_CASE_METHOD(SealedLogHouseTest,
    "sealed_log: given a process that dies within a snapshot, when the log is opened, then the snapshot counts for nothing",
    "[storage][SB-9]")
{
    for (std::uint64_t i = 0; i < 2'500; ++i) REQUIRE(tree.write(i, 0, i, 1).has_value());
    REQUIRE(tree.flush().has_value());
    auto const promised = tree.chunks;
    auto const saved = disk;
    for (std::uint64_t writes = 0; writes < 10; ++writes) {
        disk = saved;
        REQUIRE(open() == 0);
        disk.writes_left = writes;
        (void)log->housekeeping_step();
        disk.writes_left = ~0ull;
        REQUIRE(open() == 0);
        CHECK(tree.chunks == promised);
    }
}

TEST_CASE_METHOD(SealedLogHouseTest, "sealed_log: given a full store, when files were removed, then what was kept back lets their bytes go",
    "[storage][SB-9]")
{
    disk.spare = 10'000;
    disk.room = 2'000'000;
    std::uint64_t index = 0;
    while (tree.write(1, index, index, kChunkBytes).has_value()) ++index;
    auto const flushed = tree.flush();
    (void)flushed;
    disk.room = 0;
    for (std::uint64_t i = 0; i + 1 < index; ++i) tree.remove({1, i});
    REQUIRE(tree.flush().has_value());
    REQUIRE(log->housekeeping_step().has_value());
    CHECK(disk.room > 1'000'000);
    REQUIRE(tree.write(2, 0, 5, kChunkBytes).has_value());
    CHECK_FALSE(tree.first_wrong());
}

TEST_CASE_METHOD(SealedLogHouseTest,
    "sealed_log: given a chunk that does not open, when its segment is to be emptied, then it stays, once on record, and the others go",
    "[storage][SB-9][T-28]")
{
    for (std::uint64_t i = 0; i < 15; ++i) REQUIRE(tree.write(1, i, i, kChunkBytes).has_value());
    REQUIRE(tree.flush().has_value());
    auto const damaged = tree.chunks.at({1, 0}).place;
    disk.segments.at(damaged.segment)[damaged.offset + 100] ^= std::byte{1};
    for (std::uint64_t i = 100; i < 180; ++i) REQUIRE(tree.write(2, i, i, kChunkBytes).has_value());
    for (std::uint64_t i = 100; i < 180; ++i) tree.remove({2, i});
    for (std::uint64_t i = 5; i < 15; ++i) tree.remove({1, i});
    REQUIRE(tree.flush().has_value());
    auto fault = 0;
    for (int i = 0; i < 200; ++i) {
        auto const step = log->housekeeping_step();
        fault += step ? 0 : 1;
        REQUIRE(tree.flush().has_value());
    }
    CHECK(fault <= 1);
    CHECK(tree.first_wrong() == ModelTree::Key{1, 0});
    std::vector<std::byte> into(kChunkBytes);
    for (std::uint64_t i = 1; i < 5; ++i) CHECK(log->read(1, i, std::span(&tree.chunks.at({1, i}).place, 1), into).has_value());
}

TEST_CASE_METHOD(SealedLogHouseTest,
    "sealed_log: given a store that was opened again, when house is kept, then what no file has any more goes too", "[storage][SB-9]")
{
    for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(tree.write(1, i % 3, i, kChunkBytes).has_value());
    REQUIRE(tree.flush().has_value());
    REQUIRE(open() == 0);
    REQUIRE(tree.keep_house().has_value());
    CHECK(disk.bytes() <= 2 * log->size().alive + kConstant);
    CHECK_FALSE(tree.first_wrong());
}

}  // namespace test_sealed_log_house
