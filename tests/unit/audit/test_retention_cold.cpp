// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: removal of what the cold tier holds, what its retention checkpoint says, segments that are brought back, and how far the tier is.

#include "audit/cold_position.h"
#include "unit/audit/retention_support.h"

namespace test_retention_cold {

using namespace retention_support;
using proto::RetentionHold;

std::string first_of(Report const& report)
{
    if (report.findings.empty()) return {};
    auto const& first = report.findings.front();
    return std::string(name_of(first.problem)) + " at " + std::to_string(first.record) + " " + first.where;
}

// A clock at which the first `old` records are `days` old, and no other is.
RemovalPolicy hot_policy(std::uint64_t old, std::uint64_t cold, std::uint32_t days = 30)
{
    return {kDays, time_of(old) + std::chrono::hours(24) * days - std::chrono::milliseconds(1), kAll, cold, days};
}

TEST_CASE_METHOD(RetentionTest, "retention: given segments that the cold tier has, when they are hot no more, then they go, signed for as such, and what is left verifies",
    "[audit][AU-7][T-44]")
{
    CHECK(log->plan_removal(hot_policy(kOld, 0))->hold == RetentionHold::cold);
    CHECK(log->plan_removal(hot_policy(kOld, 2))->segment == 2);  // of those that it has
    auto young = hot_policy(kOld, kAll);
    young.now -= std::chrono::hours(24);
    CHECK(log->plan_removal(young)->removed == 0);
    auto const kept_elsewhere = read(segment(0));
    REQUIRE(remove_old(*log, signer, hot_policy(kOld, 2)));
    CHECK_FALSE(std::filesystem::exists(segment(1)));
    CHECK(std::filesystem::exists(segment(2)));
    auto const report = check(folder);
    INFO(first_of(report));
    REQUIRE(report.good());
    REQUIRE(report.retention);
    auto const& terms = report.retention->terms;
    CHECK(terms.hot_days == 30);
    CHECK(terms.cold_until_ms() == terms.newest_ms + std::int64_t{kDays} * proto::kDayMs);
    CHECK(report.retention->body.find("hot 30\ncold " + std::to_string(terms.cold_until_ms()) + "\n") != std::string::npos);
    reopen();
    // Without a cold tier none goes before its age is that of the policy; and a segment that is put back verifies, where it stands alone it does not.
    CHECK(log->plan_removal(policy_for(kOld))->removed > begin_of(2));
    write(segment(0), kept_elsewhere);
    CHECK_FALSE(check(folder).good());
}

TEST_CASE_METHOD(RetentionTest, "retention: given segments that went to the cold tier, when they are brought back, then the log verifies with them", "[audit][AU-7][AU-4]")
{
    std::vector<std::string> bucket;
    for (std::uint64_t i = 0; i < 3; ++i) bucket.push_back(read(segment(i)));
    REQUIRE(remove_old(*log, signer, hot_policy(kOld, 3)));
    auto const first = check(folder).first_record;
    CHECK(first == begin_of(3));
    for (std::uint64_t i = 0; i < 3; ++i) write(segment(i), bucket[i]);
    for (std::size_t const jobs : {1, 4}) {
        auto const report = check(folder, jobs);
        INFO(first_of(report));
        CHECK(report.good());
        CHECK(report.first_record == 0);
        CHECK(report.records == log->size());
    }
    // One record of them altered on its way.
    bucket[1][bucket[1].find("echo")] = 'E';
    write(segment(1), bucket[1]);
    CHECK_FALSE(check(folder).good());
}

TEST_CASE_METHOD(RetentionTest, "retention: given words for the cold tier that nobody with the key said, when verified, then they do not count", "[audit][AU-4][T-44]")
{
    REQUIRE(remove_old(*log, signer, hot_policy(kOld, 2)));
    auto const path = folder.path() / "retention";
    auto const good = read(path);
    auto const note = parse_retention(good).value();
    auto const verifier = make_key(kOrigin, signer.key);
    Signer const other(8);
    auto const says = [&](std::string const& text, Problem problem) {
        write(path, text);
        INFO(text);
        CHECK(has(check(folder), problem));
    };
    auto terms = note.terms;
    terms.hot_days = 0;  // the line taken away: younger than the floor
    auto body = format_retention(note.checkpoint, terms, note.chains);
    says(format_signed(body, verifier, signer.sign(body)), Problem::retention_malformed);
    terms.hot_days = 29;
    body = format_retention(note.checkpoint, terms, note.chains);
    says(format_signed(body, verifier, signer.sign(body)), Problem::retention_malformed);
    says(format_signed(note.body, verifier, other.sign(note.body)), Problem::retention_signature_bad);
    auto shorter = note.body;  // a lock that ends before the others say
    auto const until = std::to_string(note.terms.cold_until_ms());
    shorter.replace(shorter.find(until), until.size(), std::to_string(note.terms.cold_until_ms() - 1));
    says(format_signed(shorter, verifier, signer.sign(shorter)), Problem::retention_malformed);
    write(path, good);
    CHECK(check(folder).good());
}

TEST_CASE_METHOD(RetentionTest, "retention: given how far the cold tier is, when it is kept, then it is there at the next start if the log bears it out", "[audit][AU-7]")
{
    proto::ColdPosition const position{2, begin_of(2), leaf_hash("place")};
    REQUIRE(log->keep_cold(position));
    CHECK(log->cold_position() == position);
    CHECK(check(folder).good());  // no stray file
    for (auto const& each : {proto::ColdPosition{2, begin_of(2) + 1, {}}, proto::ColdPosition{99, 1, {}}}) CHECK_FALSE(log->keep_cold(each));
    reopen();
    CHECK(log->cold_position() == position);
    write(folder.path() / "cold", format_cold({3, begin_of(2), {}}));
    CHECK(log->cold_position() == proto::ColdPosition{});
    for (std::string const text : {"", "ocu-audit-cold/1\n", "ocu-audit-cold/1\n02\n0\n00\n", "x"}) {
        CHECK_FALSE(parse_cold(text));
        write(folder.path() / "cold", text);
        CHECK(log->cold_position() == proto::ColdPosition{});
    }
    CHECK(parse_cold(format_cold(position)).value() == position);
    CHECK_FALSE(parse_cold(format_cold(position) + "\n"));
}

}  // namespace test_retention_cold
