// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: what goes to the cold tier, and which of a store's answers count.

#include "audit/cold_object.h"

#include "audit/layout.h"
#include "unit/audit/support.h"

namespace test_cold_object {

using namespace audit_support;
using proto::ColdAnswer;
using proto::ColdMode;
using wire::HttpFailure;

ColdWanted const kWanted{crypto::sha256(std::string_view("segment")), ColdMode::compliance, 2'016'000'000};

wire::HttpGot got(long status, std::string const& body = "segment", std::string mode = "COMPLIANCE", std::string until = "2033-11-19T08:00:00Z")
{
    wire::HttpGot out;
    out.status = status;
    for (char const c : body) out.body.push_back(static_cast<std::byte>(c));
    out.fields = {std::move(mode), std::move(until)};
    return out;
}

ColdAnswer read_back(std::string mode, std::string until) { return judge_read_back(got(200, "segment", std::move(mode), std::move(until)), kWanted); }

TEST_CASE("cold object: given what was read back, when judged, then only the very bytes under a lock that is long enough count", "[audit][AU-7][T-43]")
{
    CHECK(read_back("COMPLIANCE", "2033-11-19T08:00:00Z") == ColdAnswer::kept);
    CHECK(read_back("COMPLIANCE", "2033-11-19T08:00:00.000Z") == ColdAnswer::kept);
    CHECK(read_back("COMPLIANCE", "2040-01-01T00:00:00Z") == ColdAnswer::kept);
    CHECK(read_back("COMPLIANCE", "2033-11-19T07:59:59Z") == ColdAnswer::wrong_lock);
    CHECK(read_back("GOVERNANCE", "2040-01-01T00:00:00Z") == ColdAnswer::wrong_lock);
    CHECK(read_back("", "") == ColdAnswer::not_locked);
    for (auto const* each : {"", "never", "2033-11-19", "9999999999", "2033-11-19T08:00:00Z, 2040-01-01T00:00:00Z"}) CHECK(read_back("COMPLIANCE", each) == ColdAnswer::wrong_lock);
    CHECK(read_back("", "2040-01-01T00:00:00Z") == ColdAnswer::wrong_lock);
    CHECK(judge_read_back(got(200, "segmenT"), kWanted) == ColdAnswer::other_bytes);
    CHECK(judge_read_back(got(200, ""), kWanted) == ColdAnswer::other_bytes);
    for (long const status : {0l, 100l, 206l, 304l, 403l, 404l, 500l}) CHECK(judge_read_back(got(status), kWanted) == ColdAnswer::answered);
    auto const governance = ColdWanted{kWanted.digest, ColdMode::governance, kWanted.until_s};
    CHECK(judge_read_back(got(200, "segment", "GOVERNANCE"), governance) == ColdAnswer::kept);
}

TEST_CASE("cold object: given no answer, when judged, then it is said why, and nothing counts", "[audit][AU-7][T-43]")
{
    for (auto const& [failure, answer] : {std::pair{HttpFailure::unreachable, ColdAnswer::unreachable}, {HttpFailure::unusable_address, ColdAnswer::unreachable},
             {HttpFailure::tls, ColdAnswer::tls}, {HttpFailure::handshake, ColdAnswer::tls}, {HttpFailure::timed_out, ColdAnswer::timed_out},
             {HttpFailure::broken, ColdAnswer::broken}, {HttpFailure::too_large, ColdAnswer::other_bytes}}) {
        auto none = got(200);
        none.failure = failure;
        CHECK(judge_read_back(none, kWanted) == answer);
        CHECK(judge_put(none) == answer);
    }
}

TEST_CASE("cold object: given a store that says no to a lock, when put, then it is one that has none", "[audit][AU-7][T-43]")
{
    CHECK(judge_put(got(200)) == ColdAnswer::kept);
    CHECK(judge_put(got(204)) == ColdAnswer::kept);
    CHECK(judge_put(got(400, "<Error><Code>InvalidRequest</Code></Error>")) == ColdAnswer::not_locked);
    CHECK(judge_put(got(501)) == ColdAnswer::not_locked);
    CHECK(judge_put(got(400, "<Error><Code>BadDigest</Code></Error>")) == ColdAnswer::answered);
    for (long const status : {302l, 403l, 404l, 503l}) CHECK(judge_put(got(status)) == ColdAnswer::answered);
}

TEST_CASE("cold object: given the newest record of a segment, when its lock is reckoned, then it ends with the policy, and a day from now at the earliest", "[audit][AU-7]")
{
    WallTime const now(std::chrono::seconds(1'790'000'000));
    CHECK(lock_until_s(1'790'000'000'000, 2557, now) == 1'790'000'000 + 2557ll * 86'400);
    CHECK(lock_until_s(1'789'999'999'001, 2557, now) == 1'790'000'000 + 2557ll * 86'400);  // never too early
    CHECK(lock_until_s(0, 2557, now) == 1'790'086'400);
    CHECK(lock_until_s(-5, 2557, now) == 1'790'086'400);
    CHECK(format_lock(lock_until_s(1'790'000'000'000, 2557, now)) == "2033-09-21T14:13:20Z");
}

TEST_CASE("cold object: given a sealed segment, when read, then its end and its newest record are known; given one that does not check, then nothing", "[audit][AU-7]")
{
    Folder folder;
    SystemDisk disk;
    ManualClock clock;
    clock.set_wall(entry(0).time);
    auto log = open_log(disk, folder, clock);
    REQUIRE(log.has_value());
    append_some(*log, 0, 120);
    auto const bytes = read(folder.path() / segment_path(0));
    auto const next = parse_header(read(folder.path() / segment_path(1)));
    auto const sealed = read_sealed(bytes);
    REQUIRE(sealed.has_value());
    CHECK(sealed->end == next->first_index);
    CHECK(sealed->newest_ms == entry(sealed->end - 2).time.time_since_epoch().count());  // log_opened is before them
    auto altered = bytes;
    altered[altered.find("echo")] = 'E';
    CHECK_FALSE(read_sealed(altered));
    altered = bytes;
    altered.back() = 'x';
    CHECK_FALSE(read_sealed(altered));
    CHECK_FALSE(read_sealed(""));
    CHECK(head_key(7) == "heads/00000007");
}

}  // namespace test_cold_object
