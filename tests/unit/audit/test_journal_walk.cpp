// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/journal_walk. Every record once and in order, over the ends of segments, also while they are written.

#include "audit/journal_walk.h"
#include "audit/layout.h"
#include "audit/reading.h"
#include "unit/audit/support.h"

namespace test_journal_walk {

using namespace audit_support;

std::uint64_t take_all(JournalWalk& walk, std::uint64_t next)
{
    for (;;) {
        auto const record = walk.next();
        REQUIRE(record.has_value());
        if (!*record) return next;
        auto const read = read_record(**record).value();
        if (read.action == "log_opened") continue;
        CHECK(read.trace == "trace-" + std::to_string(next));
        ++next;
    }
}

struct WalkTest {
    Folder folder;
    ManualClock clock;
    SystemDisk disk;
    UniqueFd directory = folder.open();
};

TEST_CASE_METHOD(WalkTest,
    "journal_walk: given a log that grows over many segments, when it is walked, then each record comes once and in order", "[audit]")
{
    JournalWalk early(disk, directory.get());
    CHECK(take_all(early, 0) == 0);  // there is no segment
    auto log = open_log(disk, folder, clock);
    REQUIRE(log.has_value());
    std::uint64_t written = 0, seen = 0;
    for (std::uint64_t const step : {1, 0, 70, 1, 200, 130}) {
        append_some(*log, written, step);
        written += step;
        seen = take_all(early, seen);
        CHECK(seen == written);
    }
    CHECK(early.segment() >= 3);
    JournalWalk late(disk, directory.get());
    CHECK(take_all(late, 0) == written);
}

TEST_CASE_METHOD(WalkTest, "journal_walk: given a record that does not check, when others follow in later segments, then the walk says so",
    "[audit][T-09]")
{
    auto log = open_log(disk, folder, clock);
    REQUIRE(log.has_value());
    append_some(*log, 0, 300);
    auto const path = folder.path() / "journal/00000000.seg";
    auto bytes = read(path);
    bytes[1000] ^= 1;
    write(path, bytes);
    JournalWalk walk(disk, directory.get());
    auto const first = walk.next();
    REQUIRE_FALSE(first.has_value());
    CHECK(first.error().fault == Fault::malformed);
}

TEST_CASE_METHOD(WalkTest, "journal_walk: given thousands of segments without a record, when they are walked, then that has an end", "[audit]")
{
    std::filesystem::create_directory(folder.path() / "journal");
    auto const empty = format_header({});
    for (std::uint64_t i = 0; i < 20'000; ++i) write(folder.path() / segment_path(i), empty);
    JournalWalk walk(disk, directory.get());
    CHECK(take_all(walk, 0) == 0);
    CHECK(walk.segment() == 19'999);
}

TEST_CASE_METHOD(WalkTest, "journal_walk: given a torn last record, when it is walked, then it waits for what is whole", "[audit]")
{
    {
        auto log = open_log(disk, folder, clock);
        REQUIRE(log.has_value());
        append_some(*log, 0, 3);
    }
    auto const path = folder.path() / "journal/00000000.seg";
    auto const whole = read(path);
    FrameReader reader(whole);
    for (int i = 0; i < 3; ++i) REQUIRE(reader.next().value().has_value());  // log_opened is the first
    auto torn = whole;
    torn[reader.offset() + 40] ^= 1;
    write(path, torn);
    JournalWalk walk(disk, directory.get());
    CHECK(take_all(walk, 0) == 2);
    write(path, whole);
    CHECK(take_all(walk, 2) == 3);
}

}  // namespace test_journal_walk
