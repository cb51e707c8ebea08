// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/sink_copier over a real log. No record is left out, whatever the receiver, the position and the log do.

#include "audit/layout.h"
#include "audit/sink_copier.h"
#include "audit/sink_file.h"
#include "unit/audit/support.h"

namespace test_sink_copier {

using namespace audit_support;
using proto::SinkHealth;

struct Carrier final : SinkCarrier {
    bool wants_socket() const override { return needs_socket; }
    void when_lost(std::function<void()> tell) override { lost = std::move(tell); }
    void carry(SinkBatch const& batch, UniqueFd, Done then) override
    {
        bytes = batch.bytes;
        done = std::move(then);
    }
    // Of what is under way.
    void take(SinkOutcome outcome)
    {
        REQUIRE(done);
        if (outcome.health == SinkHealth::delivering) taken += bytes;
        std::exchange(done, nullptr)(outcome);
    }

    bool needs_socket = false;
    std::string bytes;
    std::string taken;
    Done done;
    std::function<void()> lost;
};

std::string numbers(std::uint64_t first, std::uint64_t last)
{
    std::string out;
    for (auto i = first; i <= last; ++i) out += std::to_string(i) + ",";
    return out;
}

struct CopierTest {
    CopierTest() : log(*open_log(disk, folder, clock)) { append_some(log, 0, 400); }

    SinkCopier make(SinkPosition from = {}, bool damaged = false)
    {
        return SinkCopier(clock, carrier, from, damaged,
            {[](std::uint64_t number, std::string_view) { return std::to_string(number) + ","; },
                [this](SinkPosition const& position) { kept = position; }, [] { return std::uint64_t{0}; }});
    }
    // What the thread does with a report.
    proto::SinkReport tick(SinkCopier& copier)
    {
        auto report = copier.tick(log.size());
        if (report.wants_segment) {
            UniqueFd file(::open((folder.path() / segment_path(report.segment)).c_str(), O_RDONLY | O_CLOEXEC));
            if (file)
                copier.segment(std::move(file), report.segment);
            else
                copier.not_given({false, "log_unreadable"});
        }
        return report;
    }
    // Until something is under way.
    proto::SinkReport work(SinkCopier& copier)
    {
        proto::SinkReport report;
        for (int i = 0; i < 20 && !carrier.done; ++i) report = tick(copier);
        return report;
    }
    void all(SinkCopier& copier, SinkOutcome outcome = {})
    {
        for (int i = 0; i < 40 && kept.position < log.size(); ++i) {
            tick(copier);
            if (carrier.done) carrier.take(outcome);
            clock.advance(std::chrono::milliseconds(1000));
        }
    }

    Folder folder;
    ManualClock clock;
    SystemDisk disk;
    Log log;
    Carrier carrier;
    SinkPosition kept;
};

TEST_CASE_METHOD(CopierTest,
    "sink_copier: given a log of many segments, when it is copied and grows, then each record comes once and in order", "[audit][AU-6]")
{
    auto copier = make();
    all(copier);
    CHECK(carrier.taken == numbers(1, log.size()));
    CHECK(kept.segment >= 2);
    append_some(log, 400, 30);
    all(copier);
    CHECK(carrier.taken == numbers(1, log.size()));
    auto const report = tick(copier);
    CHECK(report.position == log.size());
    CHECK(report.health == SinkHealth::delivering);
    CHECK(report.oldest_ms == 0);
}

TEST_CASE_METHOD(
    CopierTest, "sink_copier: given a position that was kept, when it begins again, then it goes on with the next record", "[audit][AU-6]")
{
    {
        auto first = make();
        work(first);
        carrier.take({});
    }
    auto const reached = kept.position;
    REQUIRE(reached > 0);
    REQUIRE(reached < log.size());
    carrier.taken.clear();
    auto second = make(kept);
    all(second);
    CHECK(carrier.taken == numbers(reached + 1, log.size()));
}

TEST_CASE_METHOD(CopierTest,
    "sink_copier: given a position that the log does not bear out, when it begins, then it says so and skips nothing",
    "[audit][AU-6][T-36]")
{
    {
        auto first = make();
        all(first);
    }
    auto bad = kept;
    SECTION("of another record") { bad.last[0] ^= 1; }
    SECTION("beyond the log") { bad.position += 1000; }
    SECTION("of a later number") { bad.position -= 1; }
    SECTION("in another segment") { bad.segment += 7; }
    SECTION("in an earlier segment") { bad.segment = 0; }
    carrier.taken.clear();
    kept = {};
    auto copier = make(bad);
    bool damaged = false;
    for (int i = 0; i < 60 && kept.position < log.size(); ++i) {
        damaged = tick(copier).damaged || damaged;
        if (carrier.done) carrier.take({});
        clock.advance(std::chrono::milliseconds(1000));
    }
    CHECK(damaged);
    CHECK(carrier.taken == numbers(1, log.size()));
}

TEST_CASE_METHOD(CopierTest,
    "sink_copier: given a receiver that fails, when it is tried again, then with the same records, and ever more slowly", "[audit][AU-6]")
{
    auto copier = make();
    work(copier);
    auto const wanted = carrier.bytes;
    std::chrono::milliseconds pause{500};  // half of the first: the test's random number is 0
    for (int i = 0; i < 4; ++i, pause *= 2) {
        carrier.take({SinkHealth::failing, "closed"});
        clock.advance(pause - std::chrono::milliseconds(1));
        auto const report = work(copier);
        CHECK_FALSE(carrier.done);
        CHECK(report.health == SinkHealth::failing);
        CHECK(report.word.view() == "closed");
        CHECK(report.position == 0);
        clock.advance(std::chrono::milliseconds(1));
        work(copier);
        REQUIRE(carrier.done);
        CHECK(carrier.bytes.starts_with(wanted));
    }
    carrier.take({});
    CHECK(kept.position > 0);
}

TEST_CASE_METHOD(CopierTest,
    "sink_copier: given a receiver that refuses, when it is tried again, then not before five seconds, and never more than five minutes "
    "later",
    "[audit][AU-6]")
{
    auto copier = make();
    work(copier);
    for (int i = 0; i < 12; ++i) {
        carrier.take({SinkHealth::refused, "answered", 403});
        clock.advance(std::chrono::milliseconds(4'999));
        CHECK(work(copier).status == 403);
        CHECK_FALSE(carrier.done);
        clock.advance(std::chrono::minutes(5));
        work(copier);
    }
}

TEST_CASE_METHOD(CopierTest, "sink_copier: given what may still be lost, when its connection ends in time, then all of it is sent again",
    "[audit][AU-6]")
{
    SinkOutcome const unsettled{SinkHealth::delivering, {}, 0, std::chrono::seconds(5)};
    auto copier = make();
    work(copier);
    carrier.take(unsettled);
    CHECK(kept.position == 0);
    SECTION("while nothing is under way") { carrier.lost(); }
    SECTION("while the next is under way")
    {
        clock.advance(std::chrono::milliseconds(1000));
        work(copier);
        REQUIRE(carrier.done);
        carrier.lost();
        carrier.take({SinkHealth::failing, "closed"});
    }
    SECTION("just when the next is said to have arrived")
    {
        clock.advance(std::chrono::milliseconds(1000));
        work(copier);
        REQUIRE(carrier.done);
        carrier.lost();
        carrier.take(unsettled);
    }
    CHECK(tick(copier).health == SinkHealth::failing);
    clock.advance(std::chrono::seconds(5));
    tick(copier);
    CHECK(kept.position == 0);
    carrier.taken.clear();
    all(copier);
    CHECK(carrier.taken == numbers(1, log.size()));
}

TEST_CASE_METHOD(CopierTest, "sink_copier: given a log whose beginning was removed by age, when a sink is new or was behind, then it begins with what is kept",
    "[audit][AU-6][AU-7]")
{
    std::filesystem::remove(folder.path() / segment_path(0));
    auto const first = parse_header(read(folder.path() / segment_path(1)))->first_index;
    std::optional<SinkCopier> copier;
    SECTION("new") { copier.emplace(make()); }
    SECTION("behind") { copier.emplace(make({10, 0, crypto::sha256("a record that is gone")})); }
    for (int i = 0; i < 40 && kept.position < log.size(); ++i) {
        auto const report = copier->tick(log.size());
        auto const number = std::max<std::uint64_t>(report.segment, 1);  // as the thread does
        if (report.wants_segment) copier->segment(UniqueFd(::open((folder.path() / segment_path(number)).c_str(), O_RDONLY | O_CLOEXEC)), number);
        if (carrier.done) carrier.take({});
        clock.advance(std::chrono::milliseconds(1000));
    }
    CHECK(carrier.taken == numbers(first + 1, log.size()));
    CHECK(kept.position == log.size());
}

TEST_CASE_METHOD(
    CopierTest, "sink_copier: given a damaged record, when the copy comes to it, then it stops there and says so", "[audit][AU-6][T-09]")
{
    auto const path = folder.path() / segment_path(1);
    auto bytes = read(path);
    bytes[kSegmentHeaderBytes + 900] ^= 1;
    write(path, bytes);
    auto copier = make();
    all(copier);
    CHECK(kept.position < log.size());
    auto const report = tick(copier);
    CHECK(report.health == SinkHealth::failing);
    CHECK(report.word.view() == "log_damaged");
    CHECK(carrier.taken == numbers(1, kept.position));
}

TEST_CASE_METHOD(CopierTest, "sink_copier: given records that are written and not said to be on disk, when it copies, then they are left",
    "[audit][AU-6][T-10]")
{
    auto copier = make();
    for (int i = 0; i < 5 && !carrier.done; ++i) {
        auto const report = copier.tick(3);
        if (report.wants_segment)
            copier.segment(UniqueFd(::open((folder.path() / segment_path(report.segment)).c_str(), O_RDONLY | O_CLOEXEC)), report.segment);
    }
    CHECK(carrier.bytes == "1,2,3,");
    auto reader = SegmentReader::open(UniqueFd(::open((folder.path() / segment_path(0)).c_str(), O_RDONLY | O_CLOEXEC)), 0).value();
    for (int i = 0; i < 3; ++i) CHECK(reader.next(3).value().has_value());
    CHECK_FALSE(reader.next(3).value().has_value());
    CHECK(reader.index() == 3);
}

TEST_CASE("sink_position: given what was written, when it is read, then only its very bytes are a position, and only of its place",
    "[audit][AU-6]")
{
    Digest const place = crypto::sha256("here"), other = crypto::sha256("there");
    SinkPosition const position{4711, 3, crypto::sha256("record")};
    auto const text = format_position(position, place);
    CHECK(parse_position(text, place).value() == position);
    CHECK(parse_position(text, other).value() == std::nullopt);
    for (std::size_t i = 0; i < text.size(); ++i) CHECK_FALSE(parse_position(text.substr(0, i), place));
    CHECK_FALSE(parse_position(text + "\n", place));
    CHECK_FALSE(parse_position("", place));
    CHECK_FALSE(parse_position(std::string(text).replace(text.find("4711"), 4, "04711"), place));
}

TEST_CASE("sink_position: given a folder, when one is kept and another one follows, then it is there, or none", "[audit][AU-6]")
{
    Folder folder;
    auto const directory = folder.open();
    Digest const place{};
    CHECK(load_position(directory.get(), place).value() == std::nullopt);
    for (std::uint64_t const each : {1u, 2u}) {
        REQUIRE(store_position(directory.get(), {each, 0, {}}, place));
        CHECK(load_position(directory.get(), place).value() == SinkPosition{each, 0, {}});
    }
    write(folder.path() / kPositionFile, "ocu-audit-sink/1\n7\n");
    CHECK_FALSE(load_position(directory.get(), place));
    std::filesystem::remove(folder.path() / kPositionFile);
    std::filesystem::create_symlink("/etc/passwd", folder.path() / kPositionFile);
    CHECK_FALSE(load_position(directory.get(), place));
}

TEST_CASE("sink_file: given lines, when a file is full, then the next is begun and the oldest goes", "[audit][AU-6]")
{
    Folder folder;
    auto const directory = folder.open();
    SinkFile file(directory.get(), 10, 3);
    for (std::uint64_t i = 0; i < 6; ++i) REQUIRE(file.add("line" + std::to_string(i) + "\n", i));
    CHECK(read(folder.path() / "records") == "line5\n");
    CHECK(read(folder.path() / "records-00000000000000000005") == "line4\n");
    CHECK(read(folder.path() / "records-00000000000000000004") == "line3\n");
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 3);
}

TEST_CASE("sink_file: given a line that was torn, when it is written to again, then what is there are whole lines", "[audit][AU-6]")
{
    Folder folder;
    auto const directory = folder.open();
    write(folder.path() / "records", "one\ntwo\nthr");
    SinkFile file(directory.get(), 1 << 20, 3);
    REQUIRE(file.add("three\n", 2));
    CHECK(read(folder.path() / "records") == "one\ntwo\nthree\n");
    write(folder.path() / "records", std::string(200'000, 'x'));
    SinkFile again(directory.get(), 1 << 20, 3);
    REQUIRE(again.add("three\n", 2));
    CHECK(read(folder.path() / "records") == "three\n");
}

}  // namespace test_sink_copier
