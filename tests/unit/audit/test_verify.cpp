// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/verify with several segments at once, and audit/verify_range. What is found must not depend on how it is looked for.

#include <cstring>

#include "audit/layout.h"
#include "audit/verify_range.h"
#include "unit/audit/support.h"

namespace test_verify {

using namespace audit_support;

constexpr std::uint64_t kRecords = 701;  // ours and log_opened; many segments, two full tiles and a partial one

struct VerifyTest {
    VerifyTest()
    {
        auto log = open_log(disk, folder, clock);
        REQUIRE(log.has_value());
        append_some(*log, 0, kRecords - 1);
        sign(*log, signer);
        for (std::uint64_t number = 0; std::filesystem::exists(segment(number)); ++number) {
            good.push_back(read(segment(number)));
            begins.push_back(parse_header(good.back())->first_index);
        }
        REQUIRE(good.size() > 3);
    }
    std::filesystem::path segment(std::uint64_t number) const { return folder.path() / segment_path(number); }
    void restore() const
    {
        for (std::uint64_t number = 0; number < good.size(); ++number) write(segment(number), good[number]);
    }
    Result<Report> range(std::uint64_t first, std::uint64_t last)
    {
        auto const directory = folder.open();
        return verify_range(disk, directory.get(), {first, last});
    }
    std::uint64_t holder(std::uint64_t index) const
    {
        std::uint64_t number = 0;
        while (number + 1 < begins.size() && begins[number + 1] <= index) ++number;
        return number;
    }
    // Record `index` says something else, and its frame's hash fits what it says.
    void rewrite(std::uint64_t index) const
    {
        auto const number = holder(index);
        auto bytes = good[number].substr(0, kSegmentHeaderBytes);
        FrameReader reader(good[number]);
        for (auto at = begins[number];; ++at) {
            auto const frame = *reader.next();
            if (!frame) break;
            std::string record(frame->record);
            if (at == index) record.replace(record.find("example.org"), 11, "example.net");
            add_frame(bytes, record, leaf_hash(record));
        }
        bytes.resize(good[number].size(), '\0');
        write(segment(number), bytes);
    }

    Folder folder;
    ManualClock clock;
    SystemDisk disk;
    Signer signer;
    std::vector<std::string> good;
    std::vector<std::uint64_t> begins;
};

bool equal(Report const& one, Report const& other)
{
    auto const same = [](Finding const& a, Finding const& b) { return a.problem == b.problem && a.record == b.record && a.where == b.where; };
    return one.findings_count == other.findings_count && one.records == other.records && one.root == other.root && one.chains == other.chains &&
           one.torn_tail_bytes == other.torn_tail_bytes && std::ranges::equal(one.findings, other.findings, same);
}

TEST_CASE_METHOD(VerifyTest, "verify: given a log altered in each segment, when judged one by one and four at once, then the findings are the same",
    "[audit][AU-4][P14]")
{
    REQUIRE(check(folder, 4).good());
    REQUIRE(equal(check(folder, 1), check(folder, 4)));
    for (std::uint64_t number = 0; number < good.size(); ++number) {
        for (std::size_t const at : {3ul, 20ul, 40ul, 350ul, 400ul, 516ul, 900ul, 5000ul, 20'000ul}) {
            if (at > good[number].find_last_not_of('\0')) continue;  // free room
            auto altered = good[number];
            altered[at] = static_cast<char>(altered[at] ^ 4);
            write(segment(number), altered);
            auto const one = check(folder, 1);
            INFO(number << " at " << at);
            CHECK(equal(one, check(folder, 4)));
            CHECK_FALSE(one.good());
        }
        restore();
    }
    for (auto const index : {0ul, 5ul, 300ul, 699ul}) {
        rewrite(index + 1);
        auto const one = check(folder, 1);
        CHECK(equal(one, check(folder, 4)));
        CHECK(has(one, Problem::root_mismatch));
        restore();
    }
    std::filesystem::remove(segment(1));
    CHECK(has(check(folder, 4), Problem::journal_unreadable));
}

TEST_CASE_METHOD(VerifyTest, "verify: given a segment whose header lies and checks, when judged, then the lie is found and everything is judged from the truth",
    "[audit][AU-4][T-09]")
{
    auto header = *parse_header(good[2]);
    auto links = header.chains.all();
    links[0].sequence += 1;
    auto forged = format_header({header.first_index + 1, Chains(links)});
    write(segment(2), forged + good[2].substr(kSegmentHeaderBytes));
    for (std::size_t const jobs : {1u, 4u}) {
        auto const report = check(folder, jobs);
        CHECK(report.findings_count == 1);
        CHECK(report.findings.front().problem == Problem::segment_header);
        CHECK(report.findings.front().record == begins[2]);
        CHECK(report.records == kRecords);
    }
}

TEST_CASE_METHOD(VerifyTest, "verify: given a log, when verified, then progress is told once for each segment, in order", "[audit][P14]")
{
    std::vector<std::uint64_t> told;
    auto const directory = folder.open();
    auto const report = verify(disk, directory.get(), {.jobs = 3, .progress = [&](std::uint64_t done, std::uint64_t all) {
        REQUIRE(all == good.size());
        told.push_back(done);
    }});
    REQUIRE(report.has_value());
    REQUIRE(told.size() == good.size());
    for (std::size_t i = 0; i < told.size(); ++i) CHECK(told[i] == i + 1);
}

TEST_CASE_METHOD(VerifyTest, "range: given a log, when any part is verified, then it is good and counted", "[audit][AU-4]")
{
    std::pair<std::uint64_t, std::uint64_t> const parts[] = {{0, 0}, {0, kRecords - 1}, {1, 255}, {255, 256}, {begins[1] - 1, begins[1]},
        {begins[2], begins[3]}, {512, kRecords - 1}, {kRecords - 1, kRecords - 1}};
    for (auto const& [first, last] : parts) {
        auto const report = range(first, last);
        REQUIRE(report.has_value());
        INFO(first << "-" << last);
        CHECK(report->good());
        CHECK(report->records == last - first + 1);
    }
    CHECK(range(0, kRecords).error().fault == Fault::not_found);
    CHECK(range(7, 6).error().fault == Fault::malformed);
}

TEST_CASE_METHOD(
    VerifyTest, "range: given a record rewritten with its hash made to fit, when a part is verified, then it shows there and only there", "[audit][AU-4][T-09]")
{
    rewrite(300);
    auto const with = range(290, 300);
    REQUIRE(with.has_value());
    CHECK(has(*with, Problem::tile_mismatch));
    CHECK(with->findings.front().record == 300);
    CHECK(range(0, 299)->good());
    // What comes after it has its old hash in its chain, and is in its place.
    auto const after = range(301, 310);
    CHECK(std::ranges::none_of(after->findings, [](Finding const& each) { return each.problem == Problem::tile_mismatch; }));
}

TEST_CASE_METHOD(VerifyTest, "range: given records and tile rewritten together, when verified, then the signed root denies it", "[audit][AU-4][T-09]")
{
    rewrite(300);
    auto const path = folder.path() / tile_path(0, 1);
    auto tile = read(path);
    auto const bytes = read(segment(holder(300)));
    FrameReader altered(bytes);
    auto at = parse_header(bytes)->first_index;
    for (auto frame = *altered.next(); frame; frame = *altered.next(), ++at)
        if (at == 300) std::memcpy(tile.data() + (300 - 256) * sizeof(Digest), frame->leaf.data(), sizeof(Digest));
    write(path, tile);
    auto const report = range(300, 300);
    REQUIRE(report.has_value());
    CHECK(has(*report, Problem::root_mismatch));
    CHECK(has(*range(256, 256), Problem::root_mismatch));  // the tile of another's lie is no proof
    CHECK(range(0, 255)->findings.empty());
}

TEST_CASE_METHOD(VerifyTest, "range: given a tile or a segment that is gone, or a header that lies, when verified, then it is said", "[audit][AU-4][T-09]")
{
    std::filesystem::remove(folder.path() / tile_path(0, 1));
    CHECK(has(*range(300, 301), Problem::tile_missing));
    std::filesystem::remove(segment(good.size() - 1));
    CHECK(has(*range(kRecords - 2, kRecords - 1), Problem::log_truncated));
    restore();

    auto header = *parse_header(good[1]);
    write(segment(1), format_header({header.first_index - 3, header.chains}) + good[1].substr(kSegmentHeaderBytes));
    CHECK_FALSE(range(begins[1], begins[1] + 2)->good());
    write(segment(1), std::string(kSegmentHeaderBytes, 'x') + good[1].substr(kSegmentHeaderBytes));
    auto const damaged = range(begins[1], begins[1]);
    CHECK((!damaged || !damaged->good()));
}

TEST_CASE_METHOD(VerifyTest, "verify: given a log on a disk of its own, when it is verified, then an empty lost+found is the file system's, and anything else is a stray file",
    "[audit][AU-4]")
{
    std::filesystem::create_directory(folder.path() / "lost+found");
    CHECK(check(folder).good());
    write(folder.path() / "lost+found/00000003.seg", "x");
    CHECK(has(check(folder), Problem::stray_file));
    std::filesystem::remove_all(folder.path() / "lost+found");
    write(folder.path() / "lost+found", "x");
    CHECK(has(check(folder), Problem::stray_file));
    std::filesystem::remove(folder.path() / "lost+found");
    std::filesystem::create_directory(folder.path() / "found");
    CHECK(has(check(folder), Problem::stray_file));
}

}  // namespace test_verify
