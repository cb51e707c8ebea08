// SPDX-License-Identifier: GPL-3.0-or-later
// Units: sweep_queue, run_markers.

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>

#include <filesystem>

#include "storage/limits.h"
#include "storage/run_markers.h"
#include "storage/sweep_queue.h"

namespace test_sweep_queue {

using namespace ocu;
using namespace ocu::storage;
using std::chrono::milliseconds;

TEST_CASE(
    "sweep_queue: given sweeps that are due and that are not, when one is taken, then the one that has waited longest", "[storage][SB-9]")
{
    ManualClock clock;
    SweepQueue queue;
    CHECK_FALSE(queue.next_due());
    CHECK_FALSE(queue.take(clock.now()));
    REQUIRE(queue.add({"b", {}, {}, 0, clock.now() + milliseconds(20)}));
    REQUIRE(queue.add({"a", {}, {}, 0, clock.now() + milliseconds(10)}));
    CHECK(queue.next_due() == clock.now() + milliseconds(10));
    CHECK_FALSE(queue.take(clock.now()));
    clock.advance(milliseconds(20));
    CHECK(queue.take(clock.now())->prefix == "a");
    CHECK(queue.take(clock.now())->prefix == "b");
    CHECK(queue.size() == 0);
}

TEST_CASE(
    "sweep_queue: given a store that is down, when a sweep fails again and again, then it waits twice as long each time, up to a bound",
    "[storage][T-31][SB-9]")
{
    ManualClock clock;
    SweepQueue queue;
    Sweep sweep{"a", {}, {}, 0, clock.now()};
    milliseconds expected = kSweepAgainFirst;
    for (int i = 0; i < 40; ++i) {
        queue.failed(sweep, clock.now());
        CHECK(*queue.next_due() == clock.now() + expected);
        clock.advance(expected - milliseconds(1));
        CHECK_FALSE(queue.take(clock.now()));
        clock.advance(milliseconds(1));
        sweep = queue.take(clock.now()).value();
        expected = std::min(2 * expected, kSweepAgainMax);
    }
    CHECK(expected == kSweepAgainMax);
}

TEST_CASE("sweep_queue: given as many as may wait, when another is added, then it is refused, and one that failed is not",
    "[storage][T-31][T-06]")
{
    ManualClock clock;
    SweepQueue queue;
    for (std::size_t i = 0; i < kSweepsWaitingMax; ++i) REQUIRE(queue.add({"a", {}, {}, 0, clock.now()}));
    CHECK_FALSE(queue.add({"b", {}, {}, 0, clock.now()}));
    queue.failed({"b", {}, {}, 0, clock.now()}, clock.now());
    CHECK(queue.size() == kSweepsWaitingMax + 1);
}

TEST_CASE("run_markers: given a place, when a run is marked, then its prefix is found again by that place alone", "[storage][T-31]")
{
    char name[] = "/tmp/ocu-markers-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    UniqueFd const store(::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    S3Place const place{"https://store.example", "r", "bucket", "one/", false, "pem"};
    auto const marker = marker_of(place, "0123456789abcdef0123456789abcdef");
    CHECK(markers_in(store.get()).empty());
    REQUIRE(make_marker(store.get(), marker));
    CHECK_FALSE(make_marker(store.get(), marker));
    std::filesystem::create_directory(std::string(name) + "/s-0123456789abcdef");
    CHECK(markers_in(store.get()) == std::vector{marker});
    CHECK(run_prefix(place, marker) == "one/r-0123456789abcdef0123456789abcdef/");
    for (auto const* member : {"endpoint", "bucket", "prefix"}) {
        auto other = place;
        (member[0] == 'e' ? other.endpoint : member[0] == 'b' ? other.bucket : other.prefix) += "x";
        CHECK(run_prefix(other, marker).empty());
    }
    CHECK(run_prefix(place, "r-../../../../../../../../etc/passwd" + marker.substr(36)).empty());
    CHECK(run_prefix(place, "r-").empty());
    remove_marker(store.get(), marker);
    CHECK(markers_in(store.get()).empty());
    std::filesystem::remove_all(name);
}

}  // namespace test_sweep_queue
