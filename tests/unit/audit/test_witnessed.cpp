// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: heads that witnesses cosigned, kept beside the log: written by audit/log, checked by audit/verify_witnessed.

#include <catch2/generators/catch_generators.hpp>

#include "audit/layout.h"
#include "unit/audit/support.h"

namespace test_witnessed {

using namespace audit_support;

constexpr std::uint64_t kTime = 1'795'000'000;

struct WitnessedTest {
    WitnessedTest()
    {
        key = make_key("witness.example/w1", witness.key, KeyKind::witness);
        auto log = open_log(disk, folder, clock);
        REQUIRE(log.has_value());
        append_some(*log, 0, 299);
        sign(*log, signer);
        REQUIRE(log->keep_head("out", format_key(key), cosigned()).has_value());
        append_some(*log, 299, 50);
        sign(*log, signer);
    }
    std::string cosigned(std::uint64_t time = kTime) const
    {
        auto const note = read(folder.path() / "checkpoint");
        auto const body = parse_note(note)->body;
        return note + cosignature_line(key, {time, witness.sign("cosignature/v1\ntime " + std::to_string(time) + "\n" + body)});
    }
    std::vector<Problem> problems(std::vector<VerifierKey> trusted = {})
    {
        auto const directory = folder.open();
        report = verify(disk, directory.get(), {.witnesses = std::move(trusted)}).value();
        std::vector<Problem> out;
        for (auto const& each : report.findings) out.push_back(each.problem);
        return out;
    }
    std::filesystem::path head() const { return folder.path() / witnessed_path("out"); }

    Folder folder;
    ManualClock clock;
    SystemDisk disk;
    Signer signer;
    Signer witness{9};
    VerifierKey key;
    Report report;
};

TEST_CASE_METHOD(WitnessedTest, "witnessed: given a head that was kept, when the log is verified, then who saw how many records when", "[audit][AU-4][AU-9]")
{
    CHECK(problems().empty());
    REQUIRE(report.witnessed.size() == 1);
    CHECK(report.witnessed[0].witness == "out");
    CHECK(report.witnessed[0].checkpoint.size == 300);
    CHECK(report.witnessed[0].time == kTime);
    CHECK_FALSE(report.witnessed[0].key_given);
    CHECK(problems({key}).empty());
    CHECK(report.witnessed[0].key_given);
    CHECK(problems({make_key("witness.example/w1", signer.key, KeyKind::witness)}) == std::vector{Problem::cosignature_missing});
    auto const again = open_log(disk, folder, clock);
    CHECK(again->kept_heads() == std::vector<proto::KeptHead>{{"out", 300, kTime}});
}

TEST_CASE_METHOD(WitnessedTest, "witnessed: given a kept head that was changed, when the log is verified, then that is found", "[audit][AU-4][AU-9][T-09]")
{
    auto text = read(head());
    auto wanted = Problem::witnessed_malformed;
    SECTION("no note") { text = "nothing"; }
    SECTION("gone") { text = ""; }
    SECTION("without the cosignature")
    {
        text = text.substr(0, text.rfind("\xe2\x80\x94"));
        wanted = Problem::cosignature_bad;
    }
    SECTION("cosigned at another time")
    {
        auto const note = parse_note(text).value();
        auto cosignature = split_cosignature(note.signatures.back()).value();
        ++cosignature.time;
        text = text.substr(0, text.rfind("\xe2\x80\x94")) + cosignature_line(key, cosignature);
        wanted = Problem::cosignature_bad;
    }
    SECTION("of another log")
    {
        Checkpoint const other{kOrigin, 300, crypto::sha256("another")};
        auto const body = format_body(other);
        text = format_note(other, make_key(kOrigin, witness.key), witness.sign(body)) +
               cosignature_line(key, {kTime, witness.sign("cosignature/v1\ntime " + std::to_string(kTime) + "\n" + body)});
        wanted = Problem::signature_bad;
    }
    write(head(), text);
    CHECK(problems() == std::vector{wanted});
    CHECK(report.witnessed.empty());
}

TEST_CASE_METHOD(WitnessedTest,
    "witnessed: given a log that was written anew with its own key, when the head that was witnessed is held against it, then that is found",
    "[audit][AU-4][AU-9][T-41]")
{
    auto const kept = read(head());
    auto const key_text = format_key(key);
    for (char const* const name : {"journal", "tile", "sources", "checkpoint", "witnessed"}) std::filesystem::remove_all(folder.path() / name);
    auto const records = GENERATE(200u, 400u);  // shorter than it was, and longer
    {
        auto log = open_log(disk, folder, clock);
        REQUIRE(log.has_value());
        append_some(*log, 7, records);
        sign(*log, signer);
    }
    CHECK(problems().empty());  // nothing in it tells
    std::filesystem::create_directories(head().parent_path());
    write(head(), kept);
    write(folder.path() / witness_key_path("out", key.id), key_text);
    CHECK(problems() == std::vector{Problem::witnessed_mismatch});
}

TEST_CASE_METHOD(WitnessedTest, "witnessed: given what is no head, key or name, when it is to be kept, then nothing is written", "[audit][AU-9][T-40]")
{
    auto log = open_log(disk, folder, clock);
    REQUIRE(log.has_value());
    auto const before = read(head());
    CHECK_FALSE(log->keep_head("out", "key", cosigned()).has_value());
    CHECK_FALSE(log->keep_head("out", format_key(make_key("a", signer.key)), cosigned()).has_value());  // a log's
    CHECK_FALSE(log->keep_head("out", format_key(key), "note").has_value());
    CHECK_FALSE(log->keep_head("../keys", format_key(key), cosigned()).has_value());
    CHECK_FALSE(log->keep_head("", format_key(key), cosigned()).has_value());
    CHECK(read(head()) == before);
    CHECK(log->append({}).has_value());
}

}  // namespace test_witnessed
