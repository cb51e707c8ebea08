// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/sealed_log on src/storage/local_segments. A process that writes and is killed at moments of nobody's choosing, many times over
// the same directory: what it said was kept is there each time.
#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "storage/local_segments.h"
#include "storage/sealed_log.h"
#include "support/killed_worker.h"
#include "support/model_tree.h"

namespace test_sealed_log_crash {

using namespace ocu;
using namespace ocu::storage;

constexpr SealedLog::Rules kSmall{.segment_bytes_max = 280'000, .dead_bytes_slack = 280'000, .journal_bytes_least = 10'000};
constexpr std::uint64_t kStepsMax = 100'000;

using State = std::map<ModelTree::Key, std::uint64_t>;  // to the seed of its content

// What is done at a step follows from the round and the step alone, so that parent and child agree on it.
struct Step {
    Step(std::uint64_t round, std::uint64_t number)
    {
        std::mt19937_64 random(round * kStepsMax + number);
        key = {random() % 8, random() % 8};
        removes = random() % 5 == 0;
        seed = random();
        bytes = 1 + static_cast<std::uint32_t>(random() % kChunkBytes);
        flushes = random() % 3 == 0;
        syncs = random() % 40 == 0;
    }
    void apply(State& state) const
    {
        if (removes)
            state.erase(key);
        else
            state[key] = seed;
    }
    ModelTree::Key key;
    std::uint64_t seed;
    std::uint32_t bytes;
    bool removes, flushes, syncs;
};

State state_of(ModelTree const& tree)
{
    State state;
    for (auto const& [key, chunk] : tree.chunks) state[key] = chunk.seed;
    return state;
}

std::unique_ptr<SealedLog> opened(std::string const& directory, ModelTree& tree)
{
    UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    auto log = SealedLog::open(std::make_unique<LocalSegments>(std::move(fd)), log_key(), ModelTree::apply_to(tree), kSmall);
    if (!log) return {};
    tree.log = log->log.get();
    log->log->keep_house(tree.house());
    return std::move(log->log);
}

// Works until it is killed; each promise goes into the pipe once it is given.
[[noreturn]] void work(std::string const& directory, std::uint64_t round, int pipe)
{
    ModelTree tree;
    auto const log = opened(directory, tree);
    if (!log) ::_exit(2);
    for (std::uint64_t number = 0; number < kStepsMax; ++number) {
        Step const step(round, number);
        if (step.removes)
            tree.remove(step.key);
        else if (!tree.write(step.key.first, step.key.second, step.seed, step.bytes))
            ::_exit(3);
        if (step.flushes && !tree.flush()) ::_exit(4);
        if (step.syncs && !log->sync()) ::_exit(5);
        if (step.flushes && ::write(pipe, &number, sizeof number) != sizeof number) ::_exit(6);
        if (!log->housekeeping_step()) ::_exit(7);
    }
    ::_exit(8);
}

TEST_CASE("sealed_log: given a process that is killed at any moment, when its store is opened with the key, then every promise is kept",
    "[storage][SB-9]")
{
    char name[] = "/tmp/ocu-crash-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    std::string const directory(name);
    State before;
    std::mt19937_64 random(3);
    for (std::uint64_t round = 0; round < 40; ++round) {
        auto const reports = 1 + random() % 60;
        auto const promised = test::last_promise_of([&](int pipe) { work(directory, round, pipe); }, reports);

        ModelTree tree;
        auto const log = opened(directory, tree);
        REQUIRE(log != nullptr);
        auto const wrong = tree.first_wrong();
        CHECK_FALSE(wrong);
        auto const found = state_of(tree);
        State state = before;
        std::uint64_t number = 0;
        for (; number <= promised; ++number) Step(round, number).apply(state);
        // It may have come a few steps further than it told.
        for (auto const far = promised + 1'000; state != found && number < far; ++number) Step(round, number).apply(state);
        REQUIRE(state == found);
        before = found;
    }
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
}

}  // namespace test_sealed_log_crash
