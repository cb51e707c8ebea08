// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/removal, audit/retention_note, and what is left of a log for everything that reads it.

#include "audit/cli.h"
#include "audit/journal_walk.h"
#include "audit/prove.h"
#include "audit/verify_range.h"
#include "unit/audit/retention_support.h"

namespace test_retention {

using namespace retention_support;
using proto::RetentionHold;

std::string first_of(Report const& report)
{
    if (report.findings.empty()) return {};
    auto const& first = report.findings.front();
    return std::string(name_of(first.problem)) + " at " + std::to_string(first.record) + " " + first.where;
}

TEST_CASE_METHOD(RetentionTest, "retention: given records older than policy, when they are removed, then they are gone and what is left verifies",
    "[audit][AU-7][T-38]")
{
    auto const first = remove();
    CHECK(first > 300);
    CHECK(first <= kOld + 1);
    CHECK_FALSE(std::filesystem::exists(segment(0)));
    CHECK_FALSE(std::filesystem::exists(folder.path() / "tile/entries/000"));
    CHECK(std::filesystem::exists(folder.path() / "tile/0/000"));
    auto const report = check(folder);
    INFO(first_of(report));
    REQUIRE(report.good());
    CHECK(report.first_record == first);
    CHECK(report.records == log->size());
    REQUIRE(report.retention);
    CHECK(report.retention->terms.removed == first);
    CHECK(report.retention->terms.days == kDays);
    CHECK(report.root == log->root());
    CHECK(check(folder, 4).good());
    // Nobody who looks for an old record finds one.
    for (auto const& each : std::filesystem::recursive_directory_iterator(folder.path()))
        if (each.is_regular_file()) CHECK(read(each.path()).find("\"echo 3\"") == std::string::npos);
}

TEST_CASE_METHOD(RetentionTest, "retention: given a removal, when the log is opened again and again, then it goes on, and more can go", "[audit][AU-7]")
{
    auto const once = remove(200);
    for (int i = 0; i < 2; ++i) {
        reopen();
        CHECK(log->removal().first_record() == once);
        append_some(*log, 5000 + 10 * static_cast<std::uint64_t>(i), 10);
        sign(*log, signer);
        CHECK(check(folder).good());
    }
    auto const twice = remove();
    CHECK(twice > once);
    reopen();
    sign(*log, signer);
    auto const report = check(folder);
    INFO(first_of(report));
    CHECK(report.good());
    CHECK(report.first_record == twice);
}

TEST_CASE_METHOD(RetentionTest, "retention: given records that policy keeps, when looked at, then none goes", "[audit][AU-7]")
{
    auto const nothing = [this](RemovalPolicy const& policy, RetentionHold hold = RetentionHold::nothing_due) {
        auto const plan = log->plan_removal(policy);
        REQUIRE(plan.has_value());
        CHECK(plan->removed == 0);
        CHECK(plan->hold == hold);
    };
    auto const last = begin_of(1) - 2;  // of the first segment, by its number in support.h
    SECTION("the last record of the oldest segment is a millisecond too young") { nothing(policy_for(last)); }
    SECTION("a sink has not got all of the oldest segment") { nothing(policy_for(kOld, begin_of(1) - 1), RetentionHold::sink); }
    SECTION("a clock of the past") { nothing({kDays, WallTime{}, kAll}); }
    SECTION("a policy below the floor") { CHECK(log->plan_removal({kDays - 1, policy_for(kOld).now, kAll}).error().fault == Fault::denied); }
    SECTION("the cold tier has not got the oldest segment")  // T-44
    {
        auto policy = policy_for(kOld);
        policy.cold = 0;
        nothing(policy, RetentionHold::cold);
        policy.hot_days = 30;
        nothing(policy, RetentionHold::cold);
    }
    SECTION("hot days below their floor, or above the policy")
    {
        for (std::uint32_t const days : {29u, kDays + 1}) {
            auto policy = policy_for(kOld);
            policy.hot_days = days;
            CHECK(log->plan_removal(policy).error().fault == Fault::denied);
        }
    }
    SECTION("a longer policy, at once") { nothing({kDays + 1, policy_for(kOld).now, kAll}); }
    CHECK(std::filesystem::exists(segment(0)));
    // One millisecond later, and with its last record copied, it goes.
    CHECK(log->plan_removal(policy_for(last + 1, begin_of(1)))->removed == begin_of(1));
}

TEST_CASE_METHOD(RetentionTest, "retention: given a log that is old altogether, when removed again and again, then the newest segments stay", "[audit][AU-7]")
{
    auto const later = policy_for(kOld + kYoung + 10'000'000);
    while (remove_old(*log, signer, {kDays, later.now + std::chrono::hours(1), kAll})) {}
    auto const row = list_segments(disk, folder.open().get());
    REQUIRE(row.has_value());
    CHECK(row->first > 2);
    CHECK(row->count() >= kSegmentsKept);
    CHECK(check(folder).good());
}

TEST_CASE_METHOD(RetentionTest, "retention: given a longer policy than earlier removals had, when looked at, then nothing goes before they would have",
    "[audit][AU-7]")
{
    remove(200);
    auto const late = policy_for(kOld);
    CHECK(log->plan_removal({kDays + 1, late.now, kAll})->removed == 0);
    CHECK(log->plan_removal({kDays + 1, late.now + std::chrono::hours(24), kAll})->removed > 200);
}

TEST_CASE_METHOD(RetentionTest, "retention: given a record or tile that does not check, when looked at, then nothing goes", "[audit][AU-7][T-09]")
{
    SECTION("a record")
    {
        auto bytes = read(segment(0));
        bytes[900] = static_cast<char>(bytes[900] ^ 1);
        write(segment(0), bytes);
    }
    SECTION("its hash in the tile")
    {
        auto bytes = read(folder.path() / "tile/0/000");
        bytes[40] = static_cast<char>(bytes[40] ^ 1);
        write(folder.path() / "tile/0/000", bytes);
    }
    auto const plan = log->plan_removal(policy_for(kOld));
    REQUIRE_FALSE(plan.has_value());
    CHECK(plan.error().fault == Fault::malformed);
}

TEST_CASE_METHOD(RetentionTest, "retention: given a signature that is none, when asked to remove, then nothing goes", "[audit][AU-7][T-38]")
{
    auto const note = word(*log, policy_for(kOld));
    REQUIRE(note);
    auto signature = signer.sign(note->body);
    signature[5] ^= 1;
    CHECK(log->remove(*note, signer.key, signature).error().fault == Fault::denied);
    CHECK(std::filesystem::exists(segment(0)));
    CHECK_FALSE(std::filesystem::exists(folder.path() / "retention"));
}

// T-38: whoever has the disk and not the key.
TEST_CASE_METHOD(RetentionTest, "retention: given segments that somebody else removed, when verified and opened, then it is damage", "[audit][AU-4][AU-7][T-38]")
{
    std::optional<Problem> expected;
    SECTION("without a retention checkpoint")
    {
        std::filesystem::remove(segment(0));
        expected = Problem::prefix_missing;
    }
    SECTION("beyond what it lets go")
    {
        remove();
        std::filesystem::remove(segment(log->removal().first_segment()));
        expected = Problem::prefix_missing;
    }
    SECTION("with one that was altered")
    {
        auto const removed = remove();
        auto const path = folder.path() / "retention";
        auto text = read(path);
        auto const line = "removed " + std::to_string(removed);
        text.replace(text.find(line), line.size(), "removed " + std::to_string(removed + 1));
        write(path, text);
        expected = Problem::retention_signature_bad;
    }
    SECTION("with one that another key signed")
    {
        remove();
        auto const path = folder.path() / "retention";
        auto note = *parse_retention(read(path));
        Signer const stranger{9};
        write(path, format_signed(note.body, make_key(kOrigin, stranger.key), stranger.sign(note.body)));
        expected = Problem::retention_signature_bad;
    }
    SECTION("with an earlier one, of fewer records")
    {
        remove(200);
        auto const path = folder.path() / "retention";
        auto const earlier = read(path);
        remove();
        write(path, earlier);
        expected = Problem::prefix_missing;
    }
    SECTION("and the checkpoint is gone")
    {
        remove();
        std::filesystem::remove(folder.path() / "retention");
        expected = Problem::prefix_missing;
    }
    log.reset();
    for (std::size_t const jobs : {1u, 4u}) {
        auto const report = check(folder, jobs);
        INFO(first_of(report));
        CHECK_FALSE(report.good());
        CHECK(has(report, *expected));
    }
    CHECK_FALSE(open_log(disk, folder, clock).has_value());
}

TEST_CASE_METHOD(RetentionTest, "retention: given the auditor's own key, when the directory's is another, then its word does not count", "[audit][AU-4][T-38]")
{
    remove();
    auto other = signer.key;
    other[0] ^= 1;
    auto const directory = folder.open();
    auto const report = verify(disk, directory.get(), {.key = make_key(kOrigin, other)});
    REQUIRE(report.has_value());
    CHECK(has(*report, Problem::retention_signature_bad));
    CHECK(has(*report, Problem::prefix_missing));
    CHECK(verify(disk, directory.get(), {.key = make_key(kOrigin, signer.key)})->good());
}

// Signed by the key, and false all the same: what a writer that is not what it was could have signed (T-39).
TEST_CASE_METHOD(RetentionTest, "retention: given terms that the tree does not bear out, when verified, then they do not hold", "[audit][AU-4][T-39]")
{
    remove();
    auto const path = folder.path() / "retention";
    auto note = *parse_retention(read(path));
    auto const put = [&] {
        note.body = format_retention(note.checkpoint, note.terms, note.chains);
        write(path, format_signed(note.body, make_key(kOrigin, signer.key), signer.sign(note.body)));
        return check(folder);
    };
    REQUIRE(put().good());
    SECTION("another tree")
    {
        note.checkpoint.root[3] ^= 1;
        CHECK(has(put(), Problem::retention_mismatch));
    }
    SECTION("another record says it")
    {
        --note.terms.event;
        CHECK(has(put(), Problem::retention_mismatch));
    }
    SECTION("another chain")
    {
        auto links = note.chains.all();
        links[1].sequence += 1;
        note.chains = Chains(links);
        CHECK_FALSE(put().good());
    }
    SECTION("another log's")
    {
        note.checkpoint.origin = "other.example/audit";
        CHECK(has(put(), Problem::retention_mismatch));
    }
    SECTION("younger than the policy")
    {
        note.terms.newest_ms = note.terms.signed_ms - kDays * proto::kDayMs + 1;
        CHECK(has(put(), Problem::retention_malformed));
    }
    SECTION("a policy below the floor")
    {
        note.terms.days = kDays - 1;
        CHECK(has(put(), Problem::retention_malformed));
    }
}

TEST_CASE_METHOD(RetentionTest, "retention: given each byte of a retention checkpoint flipped, when verified, then it fails", "[audit][AU-4][T-38]")
{
    remove();
    auto const path = folder.path() / "retention";
    auto const good = read(path);
    for (std::size_t i = 0; i < good.size(); i += 3) {
        auto altered = good;
        altered[i] = static_cast<char>(altered[i] ^ (1 << (i % 8)));
        CHECK(parse_retention(altered).transform([&](RetentionNote const& note) { return check_note(note, make_key(kOrigin, signer.key)).has_value(); }).value_or(false) ==
              false);
    }
    for (std::size_t size = 0; size < good.size(); size += 7) CHECK_FALSE(parse_retention(good.substr(0, size)).has_value());
}

TEST_CASE_METHOD(RetentionTest, "retention: given a removed beginning, when the hash of a removed record is altered in its tile, then it is found", "[audit][AU-4][T-09]")
{
    auto const first = remove();
    auto const path = folder.path() / "tile/0/000";
    auto bytes = read(path);
    bytes[100] = static_cast<char>(bytes[100] ^ 1);
    write(path, bytes);
    CHECK(has(check(folder), Problem::root_mismatch));
    std::filesystem::remove(path);
    CHECK(has(check(folder), Problem::tile_missing));
    CHECK(first > 0);
}

TEST_CASE_METHOD(RetentionTest, "retention: given a removed beginning, when tiles or the checkpoint are lost, then they are made again from what is left",
    "[audit][AU-3][AU-7]")
{
    remove();
    log.reset();
    SECTION("the tiles above the lowest") { std::filesystem::remove_all(folder.path() / "tile/1"); }
    SECTION("the last tile") { std::filesystem::remove_all(folder.path() / "tile/0/003.p"); }
    SECTION("the checkpoint") { std::filesystem::remove(folder.path() / "checkpoint"); }
    reopen();
    sign(*log, signer);
    auto const report = check(folder);
    INFO(first_of(report));
    CHECK(report.good());
}

TEST_CASE_METHOD(RetentionTest, "retention: given a removed beginning and no checkpoint, when the lowest tiles lie, then the log is not opened", "[audit][AU-3][T-09]")
{
    remove();
    log.reset();
    std::filesystem::remove(folder.path() / "checkpoint");
    auto const path = folder.path() / "tile/0/000";
    auto bytes = read(path);
    bytes[100] = static_cast<char>(bytes[100] ^ 1);
    write(path, bytes);
    CHECK_FALSE(open_log(disk, folder, clock).has_value());
}

TEST_CASE_METHOD(RetentionTest, "retention: given a removed beginning, when proofs are asked for, then inclusion and consistency hold over it", "[audit][AU-4][AU-7]")
{
    auto const before = *consistency_from(disk, folder.open().get(), 100);
    auto const first = remove();
    auto const directory = folder.open();
    for (auto const index : {std::uint64_t{3}, first - 1, first, log->size() - 1}) CHECK(inclusion_from(disk, directory.get(), index).has_value());
    auto const after = consistency_from(disk, directory.get(), 100);
    REQUIRE(after.has_value());
    CHECK(after->old_root == before.old_root);
}

TEST_CASE_METHOD(RetentionTest, "retention: given a removed beginning, when read, then readers begin with what is kept and a range before it is refused", "[audit][AU-7]")
{
    auto const first = remove();
    auto const directory = folder.open();
    CHECK(verify_range(disk, directory.get(), {first, first + 30})->good());
    auto const refused = verify_range(disk, directory.get(), {first - 1, first + 30});
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().fault == Fault::not_found);
    JournalWalk walk(disk, directory.get(), list_segments(disk, directory.get())->first);
    std::uint64_t records = 0;
    while (auto const record = *walk.next()) ++records;
    CHECK(records == log->size() - first);
    Folder const out;
    auto const call = [&](std::vector<std::string> words) {
        words.insert(words.begin(), "audit");
        std::vector<char*> argv;
        for (auto& each : words) argv.push_back(each.data());
        return audit_main(static_cast<int>(argv.size()), argv.data());
    };
    auto const dir = folder.path().string();
    CHECK(call({"verify", dir}) == 0);
    CHECK(call({"verify", dir, "--json"}) == 0);
    CHECK(call({"verify", dir, "--range", "0-3"}) == 1);
    CHECK(call({"head", dir}) == 0);
    CHECK(call({"prove", dir, "3"}) == 0);
    CHECK(call({"tail", dir, "-n", "5000", "--session", "s-0000000000000007"}) == 0);
    CHECK(call({"replay", dir, "s-0000000000000250"}) == 0);  // of a record that is kept
    CHECK(call({"replay", dir, "s-0000000000000007"}) == 1);  // of one that is not
    CHECK(call({"metering", dir, "--json"}) == 0);
    CHECK(call({"witness-request", dir, "--from", "100"}) == 0);
    CHECK(call({"export", dir, (out.path() / "log.tar.zst").string()}) == 0);
}

TEST_CASE_METHOD(RetentionTest, "retention: given a source that was silent since, when verified, then its head is where the terms say", "[audit][AU-4]")
{
    // The chain of `core` ends in what goes.
    Folder const other;
    auto quiet = *open_log(disk, other, clock);
    auto const one = entry(0, proto::Source::core);
    REQUIRE(quiet.append(std::span(&one, 1)));
    for (std::uint64_t i = 1; i < kOld + kYoung; ++i) {
        auto const next = entry(i);
        REQUIRE(quiet.append(std::span(&next, 1)));
    }
    sign(quiet, signer);
    REQUIRE(remove_old(quiet, signer, policy_for(kOld)));
    auto const report = check(other);
    INFO(first_of(report));
    CHECK(report.good());
}

// docs/formats/audit.md has this very text, so that another program can be held against it.
std::string example(std::uint32_t hot_days = 0)
{
    Signer const signer;
    std::array<ChainLink, kSources> links{};
    for (std::size_t i = 0; i < kSources; ++i) links[i] = {i + 1, i == 0 ? Digest{} : leaf_hash(std::to_string(i))};
    Checkpoint const head{kOrigin, 900, leaf_hash("example")};
    proto::RetentionTerms const terms{512, 3, 899, 2557, hot_days == 0 ? 1'543'276'800'000 : 1'756'425'600'000, 1'764'201'600'000, hot_days};
    auto const body = format_retention(head, terms, Chains(links));
    return format_signed(body, make_key(kOrigin, signer.key), signer.sign(body));
}

TEST_CASE("retention: given the example of the documents, when made again, then it is the same to the byte and is accepted", "[audit][AU-7]")
{
    Signer const signer;
    auto const document = read("docs/formats/audit.md");
    for (auto const& text : {example(), example(90)}) {
        auto const note = parse_retention(text);
        REQUIRE(note.has_value());
        CHECK(check_note(*note, make_key(kOrigin, signer.key)).has_value());
        CHECK(document.find(text) != std::string::npos);
    }
    CHECK(document.find(format_key(make_key(kOrigin, signer.key))) != std::string::npos);
}

TEST_CASE("retention: the example is printed", "[.write]")
{
    Signer const signer;
    std::puts((example() + "\n" + example(90) + format_key(make_key(kOrigin, signer.key))).c_str());
}

}  // namespace test_retention
