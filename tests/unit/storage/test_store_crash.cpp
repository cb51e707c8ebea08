// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: a session's whole store, tree and sealed log and files, under a process that is killed at moments of nobody's choosing: opened again with
// its key, it holds every file whose close was promised, whole and under its name.
#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "support/killed_worker.h"
#include "support/memory_segments.h"
#include "support/store_worker.h"

namespace test_store_crash {

using namespace ocu;
using namespace ocu::test;

UniqueFd open_directory(std::string const& path) { return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }

// Works until it is killed; how many steps are promised goes into the pipe.
[[noreturn]] void work(std::string const& directory, std::uint64_t round, int pipe)
{
    auto const store = open_store(open_directory(directory));
    if (!store.tree) ::_exit(2);
    for (std::uint64_t number = 0; number < StoreStep::kMax; ++number) {
        if (!StoreStep(round, number).perform(*store.tree)) ::_exit(3);
        std::uint64_t const promised = number + 1;
        if (::write(pipe, &promised, sizeof promised) != sizeof promised) ::_exit(4);
        if (!store.tree->keep_house()) ::_exit(5);
    }
    ::_exit(6);
}

TEST_CASE("store: given a process that is killed at any moment, when tree and log are opened with the key, then every close that was promised holds",
    "[storage][SB-9]")
{
    char name[] = "/tmp/ocu-store-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    std::string const directory(name);
    Holdings before;
    std::mt19937_64 random(11);
    for (std::uint64_t round = 0; round < 25; ++round) {
        auto const reports = 1 + random() % 60;
        auto const promised = last_promise_of([&](int pipe) { work(directory, round, pipe); }, reports);

        auto const store = open_store(open_directory(directory));
        REQUIRE(store.tree != nullptr);
        auto found = holdings_of(*store.tree);
        REQUIRE(found);
        REQUIRE(step_of(*found, before, round, promised));
        before = *std::move(found);
    }
    REQUIRE(before.size() > 1);
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
}

// As tests/process/test_power_cut.py does with a machine, and a few thousand times as often.
TEST_CASE("store: given a power cut that loses any of what was not synced, when tree and log are opened, then every fsync that was promised holds",
    "[storage][SB-9][T-28]")
{
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        std::mt19937_64 random(seed);
        storage::MemoryDisk disk;
        Holdings before;
        for (std::uint64_t cut = 0; cut < 8; ++cut) {
            auto const round = seed * 100 + cut;
            std::uint64_t promised = 0;
            {
                auto const store = open_store(std::make_unique<storage::MemorySegments>(disk));
                REQUIRE(store.tree);
                auto const end = random() % 150;
                for (std::uint64_t number = 0; number < end; ++number) {
                    StoreStep const step(round, number);
                    REQUIRE(step.perform(*store.tree));
                    REQUIRE(store.tree->keep_house());
                    if (step.syncs()) promised = number + 1;
                }
            }
            disk.power_cut(random);
            auto const store = open_store(std::make_unique<storage::MemorySegments>(disk));
            REQUIRE(store.tree);
            auto found = holdings_of(*store.tree);
            REQUIRE(found);
            REQUIRE(step_of(*found, before, round, promised));
            before = *std::move(found);
        }
    }
}

}  // namespace test_store_crash
