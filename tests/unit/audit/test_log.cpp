// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/log, audit/recover and audit/verify together: what was acknowledged is there after any end, and what was altered shows.

#include <fcntl.h>
#include <sys/wait.h>

#include "audit/journal.h"
#include "audit/layout.h"
#include "audit/prove.h"
#include "unit/audit/support.h"

namespace test_log {

using namespace audit_support;

struct LogTest {
    Folder folder;
    ManualClock clock;
    SystemDisk disk;
    Signer signer;

    // A closed log of `count` records of ours and log_opened, all under a checkpoint.
    void make(std::uint64_t count)
    {
        auto log = open_log(disk, folder, clock);
        REQUIRE(log.has_value());
        append_some(*log, 0, count);
        sign(*log, signer);
    }
    std::filesystem::path segment(int number = 0) const { return folder.path() / segment_path(static_cast<std::uint64_t>(number)); }
    std::vector<std::string> frames() const
    {
        auto const bytes = read(segment());
        std::vector<std::string> out;
        FrameReader reader(bytes);
        for (auto begin = reader.offset(); *reader.next(); begin = reader.offset())
            out.push_back(bytes.substr(begin, reader.offset() - begin));
        return out;
    }
    void put_frames(std::vector<std::string> const& list) const
    {
        auto bytes = read(segment()).substr(0, kSegmentHeaderBytes);
        for (auto const& frame : list) bytes += frame;
        bytes.resize(kSegmentBytesMin, '\0');
        write(segment(), bytes);
    }
};

TEST_CASE_METHOD(LogTest, "log: given records over several segments and tiles, when verified, then all is good", "[audit][AU-2][AU-3]")
{
    make(700);
    auto const report = check(folder);
    INFO((report.findings.empty() ? std::string() : std::string(name_of(report.findings[0].problem)) + " " + report.findings[0].where));
    CHECK(report.good());
    CHECK(report.records == 701);
    CHECK(report.checkpoint->size == 701);
    CHECK(std::filesystem::exists(segment(3)));
    CHECK(std::filesystem::exists(folder.path() / "tile/0/001"));
    CHECK(std::filesystem::exists(folder.path() / "tile/0/002.p/189"));
    CHECK(std::filesystem::exists(folder.path() / "tile/1/000.p/2"));
    CHECK(std::filesystem::exists(folder.path() / "tile/entries/002.p/189"));
    CHECK_FALSE(std::filesystem::exists(folder.path() / "tile/0/000.p"));
}

TEST_CASE_METHOD(LogTest, "log: given a log, when opened again, then sequences, chains and tree go on", "[audit][AU-2][AU-3]")
{
    make(300);
    for (std::uint64_t round = 0; round < 4; ++round) {
        auto log = open_log(disk, folder, clock);
        REQUIRE(log.has_value());
        CHECK(log->size() == 302 + round * 101);
        append_some(*log, 1000 * round, 100);
        if (round % 2 == 0) sign(*log, signer);  // and without one: the next start reads further back
    }
    auto const report = check(folder);
    CHECK(report.good());
    CHECK(report.records == 301 + 4 * 101);
    CHECK(report.chains.next(proto::Source::audit).sequence == 6);
}

TEST_CASE_METHOD(LogTest, "log: given tiles that were lost, when opened again, then they are made again from the journal", "[audit][AU-3]")
{
    make(600);
    std::filesystem::remove_all(folder.path() / "tile");
    CHECK(has(check(folder), Problem::tile_missing));
    auto log = open_log(disk, folder, clock);
    REQUIRE(log.has_value());
    sign(*log, signer);
    CHECK(check(folder).good());
}

TEST_CASE_METHOD(LogTest, "log: given each byte of a small log flipped, when verified, then it fails", "[audit][T-09][AU-4]")
{
    make(1);
    REQUIRE(check(folder).good());
    std::size_t flips = 0;
    for (auto const& each : std::filesystem::recursive_directory_iterator(folder.path())) {
        if (!each.is_regular_file()) continue;
        auto const good = read(each.path());
        for (std::size_t i = 0; i < good.size(); ++i) {
            // Free room of the last segment: its first bytes, then a sample.
            bool const room = each.path().extension() == ".seg" && i > good.find_last_not_of('\0');
            if (room && i > good.find_last_not_of('\0') + 64 && i % 4001 != 0) continue;
            if (each.path().string().find("/entries/") != std::string::npos && i % 7 != 0) continue;  // compared whole: a sample will do
            auto altered = good;
            altered[i] = static_cast<char>(altered[i] ^ (1 << (i % 8)));
            write(each.path(), altered);
            auto const report = check(folder);
            ++flips;
            // A write that was never acknowledged can leave anything in free room: it is told, and is no finding.
            if (room ? report.torn_tail_bytes == 0 : report.good()) FAIL_CHECK(each.path() << " byte " << i);
        }
        write(each.path(), good);
    }
    CHECK(flips > 2500);
    CHECK(check(folder).good());
}

TEST_CASE_METHOD(
    LogTest, "verify: given a record removed, swapped, inserted or cut off, when verified, then it says where", "[audit][T-09][AU-4]")
{
    make(9);
    auto const all = frames();
    REQUIRE(all.size() == 10);

    auto removed = all;
    removed.erase(removed.begin() + 4);
    put_frames(removed);
    auto report = check(folder);
    CHECK(has(report, Problem::sequence_broken));
    CHECK(has(report, Problem::log_truncated));

    auto swapped = all;
    std::swap(swapped[1], swapped[4]);  // the same source
    put_frames(swapped);
    report = check(folder);
    REQUIRE(has(report, Problem::sequence_broken));
    CHECK(report.findings.front().record == 1);

    auto moved = all;
    std::swap(moved[1], moved[2]);  // of two sources: every chain holds, the tree does not
    put_frames(moved);
    CHECK(has(check(folder), Problem::root_mismatch));

    auto inserted = all;
    inserted.insert(inserted.begin() + 3, all[3]);
    put_frames(inserted);
    CHECK(has(check(folder), Problem::sequence_broken));

    auto cut = all;
    cut.pop_back();
    put_frames(cut);
    report = check(folder);
    REQUIRE(has(report, Problem::log_truncated));
    CHECK(report.findings.front().record == 9);

    put_frames(all);
    CHECK(check(folder).good());
}

TEST_CASE_METHOD(LogTest,
    "verify: given a record rewritten with its hash made to fit, when verified, then its successor and the root show it",
    "[audit][T-09][AU-4]")
{
    make(9);
    auto list = frames();
    auto record = list[2].substr(4, list[2].size() - 36);
    record.replace(record.find("echo 1"), 6, "echo 9");
    list[2].clear();
    add_frame(list[2], record, leaf_hash(record));
    put_frames(list);
    auto const report = check(folder);
    CHECK(has(report, Problem::chain_broken));
    CHECK(has(report, Problem::root_mismatch));
    CHECK(has(report, Problem::bundle_mismatch));
    CHECK_FALSE(open_log(disk, folder, clock).has_value());
}

TEST_CASE_METHOD(
    LogTest, "verify: given no checkpoint, another key, or foreign files, when verified, then each is said", "[audit][T-09][AU-4]")
{
    make(3);
    auto const directory = folder.open();
    crypto::PublicKey other = signer.key;
    other[3] ^= 1;
    auto const trusting_other = verify(disk, directory.get(), {.key = make_key(kOrigin, other)});
    CHECK(has(*trusting_other, Problem::key_differs));
    CHECK(has(*trusting_other, Problem::signature_bad));
    CHECK(verify(disk, directory.get(), {.key = make_key(kOrigin, signer.key)})->good());

    write(folder.path() / "tile/0/007", "x");
    write(folder.path() / "note.txt", "x");
    write(folder.path() / "sources/nobody.head", "x");
    CHECK(check(folder).findings_count == 3);
    for (auto const* path : {"tile/0/007", "note.txt", "sources/nobody.head"}) std::filesystem::remove(folder.path() / path);

    std::filesystem::remove(folder.path() / "checkpoint");
    CHECK(has(check(folder), Problem::checkpoint_missing));
}

TEST_CASE_METHOD(LogTest, "verify: given a checkpoint signed again with a stranger's key, when verified, then the known key denies it",
    "[audit][T-09][AU-4]")
{
    make(3);
    Signer stranger{9};
    auto const note = *parse_note(read(folder.path() / "checkpoint"));
    write(folder.path() / "checkpoint", format_note(note.checkpoint, make_key(kOrigin, stranger.key), stranger.sign(note.body)));
    CHECK(has(check(folder), Problem::signature_bad));
    CHECK_FALSE(open_log(disk, folder, clock).has_value());
}

TEST_CASE_METHOD(
    LogTest, "log: given a change of keys, when the next checkpoint is signed, then both keys are kept and all verifies", "[audit][AU-2]")
{
    make(3);
    Signer next{9};
    auto log = open_log(disk, folder, clock);
    REQUIRE(log.has_value());
    auto const checkpoint = *log->derive();
    auto const refused = log->write_checkpoint(checkpoint, next.key, signer.sign(format_body(checkpoint)));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().fault == Fault::denied);
    sign(*log, next);
    CHECK(check(folder).good());
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path() / "keys"), {}) == 2);
}

TEST_CASE_METHOD(LogTest,
    "log: given a journal cut at every byte, when opened, then the whole records before it are kept and the cut is on record",
    "[audit][T-10][AU-3]")
{
    {
        auto log = open_log(disk, folder, clock);
        REQUIRE(log.has_value());
        append_some(*log, 0, 2);
    }
    auto const whole = read(segment());
    auto const list = frames();
    auto const end = whole.find_last_not_of('\0') + 1;
    for (std::size_t cut = kSegmentHeaderBytes; cut <= end; ++cut) {
        auto torn = whole.substr(0, cut);
        torn.resize(whole.size(), '\0');
        write(segment(), torn);
        std::size_t kept = 0, at = kSegmentHeaderBytes;
        while (kept < list.size() && at + list[kept].size() <= cut) at += list[kept++].size();
        bool const partial = torn.find_last_not_of('\0') >= at;
        auto log = open_log(disk, folder, clock);
        REQUIRE(log.has_value());
        REQUIRE((log->repaired_bytes() > 0) == partial);
        REQUIRE(log->size() == kept + (partial ? 2u : 1u));
        if (cut % 97 != 0) continue;
        sign(*log, signer);
        REQUIRE(check(folder).good());
        if (partial) CHECK(read(segment()).find("log_repaired") != std::string::npos);
        for (auto const* derived : {"tile", "checkpoint", "keys", "sources"}) std::filesystem::remove_all(folder.path() / derived);
    }
}

TEST_CASE_METHOD(LogTest, "log: given acknowledged and signed records damaged on disk, when opened, then it refuses and changes nothing",
    "[audit][T-09][T-10]")
{
    make(6);
    auto const good = read(segment());
    for (std::size_t at : {std::size_t{20}, std::size_t{kSegmentHeaderBytes + 1}, std::size_t{kSegmentHeaderBytes + 2000}}) {
        auto altered = good;
        altered[at] = static_cast<char>(altered[at] ^ 4);
        write(segment(), altered);
        auto const log = open_log(disk, folder, clock);
        REQUIRE_FALSE(log.has_value());
        CHECK(log.error().fault == Fault::malformed);
        CHECK(read(segment()) == altered);
    }
    write(segment(), good);
    std::filesystem::rename(segment(), segment(1));
    CHECK_FALSE(open_log(disk, folder, clock).has_value());
    std::filesystem::remove(segment(1));
    CHECK_FALSE(open_log(disk, folder, clock).has_value());
}

TEST_CASE_METHOD(LogTest, "log: given options out of bounds, when opened, then it is refused", "[audit]")
{
    CHECK_FALSE(Log::open(disk, folder.open(), {"a b", kSegmentBytesMin}, clock).has_value());
    CHECK_FALSE(Log::open(disk, folder.open(), {kOrigin, 10}, clock).has_value());
}

TEST_CASE_METHOD(
    LogTest, "prove: given a log, when proofs are asked for, then they check, and beyond the checkpoint there are none", "[audit][AU-4]")
{
    make(600);
    auto const directory = folder.open();
    for (std::uint64_t index : {0, 255, 256, 511, 512, 600}) CHECK(inclusion_from(disk, directory.get(), index).has_value());
    for (std::uint64_t size : {1, 255, 256, 300, 512, 601}) CHECK(consistency_from(disk, directory.get(), size).has_value());
    CHECK(inclusion_from(disk, directory.get(), 601).error().fault == Fault::not_found);
    CHECK(consistency_from(disk, directory.get(), 0).error().fault == Fault::not_found);
    auto tile = read(folder.path() / "tile/0/000");
    tile[5] ^= 1;
    write(folder.path() / "tile/0/000", tile);
    CHECK(inclusion_from(disk, directory.get(), 7).error().fault == Fault::malformed);
}

TEST_CASE_METHOD(LogTest, "log: given a clock that jumps years both ways, when events come and it opens again, then all is in its order and verifies", "[audit][AU-3][AU-4]")
{
    using namespace std::chrono_literals;
    std::uint64_t number = 0;
    for (auto const jump : {0h, 90'000h, -180'000h, 1h}) {
        auto log = open_log(disk, folder, clock);
        REQUIRE(log.has_value());
        for (int i = 0; i < 40; ++i) {
            auto one = entry(number++);
            one.time += jump;
            REQUIRE(log->append(std::span(&one, 1)).has_value());
        }
        sign(*log, signer);
    }
    auto const report = check(folder);
    CHECK(report.good());
    CHECK(report.records == 164);  // and one for each opening
    std::string text;
    for (int i = 0; std::filesystem::exists(segment(i)); ++i) text += read(segment(i));
    std::size_t last = 0;
    for (std::uint64_t i = 0; i < number; ++i) {
        auto const at = text.find("\"echo " + std::to_string(i) + "\"");
        REQUIRE(at != std::string::npos);
        CHECK(at > last);
        last = at;
    }
}

}  // namespace test_log
