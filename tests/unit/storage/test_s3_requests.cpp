// SPDX-License-Identifier: GPL-3.0-or-later
// What can be known of the S3 engine without a store. With one: tests/process/s3.
#include "storage/s3_requests.h"

#include <catch2/catch_test_macros.hpp>

#include "base/crypto/crypto.h"
#include "storage/s3_answers.h"
#include "storage/s3_segments.h"
#include "storage/s3_sweep.h"

namespace test_s3_requests {

using namespace ocu;
using namespace ocu::storage;
using wire::HttpFailure;

namespace {

std::span<std::byte const> bytes_of(std::string_view text) { return crypto::as_bytes(text); }

S3Verdict said(long status, std::string_view code = {}) { return judge_s3(HttpFailure::none, status, code); }
bool ends(S3Verdict verdict, int fault) { return verdict.next == S3Next::end && verdict.fault == fault; }
bool again(S3Verdict verdict) { return verdict.next == S3Next::again; }

}  // namespace

TEST_CASE("s3_requests: given an answer, when it is judged, then it is the end or is asked again [SB-4]", "[SB-4][T-31]")
{
    CHECK(ends(said(200), 0));
    CHECK(ends(said(206), 0));
    CHECK(ends(said(204), 0));
    CHECK(ends(said(301), EIO));
    CHECK(ends(said(403), EIO));
    CHECK(ends(said(403, "QuotaExceeded"), ENOSPC));
    CHECK(ends(said(404), ENOENT));
    CHECK(ends(said(412), EEXIST));
    CHECK(ends(said(413), ENOSPC));
    CHECK(ends(said(501), EIO));
    CHECK(ends(said(507), ENOSPC));
    CHECK(again(said(400, "RequestTimeout")));
    for (long const each : {408, 409, 429, 500, 502, 503, 504}) CHECK(again(said(each)));
    for (auto const each : {HttpFailure::unreachable, HttpFailure::timed_out, HttpFailure::handshake, HttpFailure::broken})
        CHECK(again(judge_s3(each, 0, "")));
    for (auto const each : {HttpFailure::tls, HttpFailure::too_large, HttpFailure::unusable_address})
        CHECK(ends(judge_s3(each, 0, ""), EIO));
}

TEST_CASE("s3_requests: given attempts, when a pause is chosen, then it grows to its bound and is anywhere below [SB-4]", "[SB-4]")
{
    CHECK(s3_pause(1, 1.0) == kS3RetryFirst + std::chrono::milliseconds(1));
    CHECK(s3_pause(3, 1.0) == 4 * kS3RetryFirst + std::chrono::milliseconds(1));
    CHECK(s3_pause(1'000'000, 1.0) == kS3RetryMost + std::chrono::milliseconds(1));
    CHECK(s3_pause(9, 0.0) == std::chrono::milliseconds(1));
}

TEST_CASE("s3_requests: given no connection, when time is up, then it could not be asked, and that is told [SB-9]", "[SB-9]")
{
    ManualClock clock;
    S3Place const place{"http://s3.test", "r", "b", "p/", true, {}};
    S3Connect const none = [&clock]() -> Answer<UniqueFd> {
        clock.advance(std::chrono::seconds(21));
        return refuse(EIO);
    };
    REQUIRE(wire::http_begin().has_value());
    S3Requests requests(place, std::move(*Secret::copy_of(bytes_of("id:secret"))), none, clock, {});
    auto const answer = requests.ask({.method = "GET"}, clock.now() + std::chrono::seconds(20));
    CHECK(answer.fault == ETIMEDOUT);
    CHECK(answer.attempts == 1);
}

TEST_CASE("s3_requests: given https and no authority, when it is asked, then nobody is connected to [T-31]", "[T-31]")
{
    ManualClock const clock;
    int connected = 0;
    S3Connect const count = [&connected]() -> Answer<UniqueFd> {
        ++connected;
        return refuse(EIO);
    };
    REQUIRE(wire::http_begin().has_value());
    S3Requests requests(
        {"https://s3.test", "r", "b", "p/", true, {}}, std::move(*Secret::copy_of(bytes_of("id:secret"))), count, clock, {});
    CHECK(requests.ask({.method = "GET"}, clock.now() + std::chrono::seconds(20)).fault == EIO);
    CHECK(connected == 0);
}

TEST_CASE("s3_sweep: given a prefix that is none, when it is swept, then nothing is asked [T-13]", "[T-13]")
{
    int connected = 0;
    S3Connect const count = [&connected]() -> Answer<UniqueFd> {
        ++connected;
        return refuse(EIO);
    };
    for (auto const* const prefix : {"", "/", "p"})
        CHECK(sweep_s3({"http://s3.test", "r", "b", prefix, true, {}}, std::move(*Secret::copy_of(bytes_of("id:secret"))), count).error() ==
              EINVAL);
    CHECK(connected == 0);
}

TEST_CASE("s3_segments: given a piece's name, when it is read, then it is that piece or none [SB-4]", "[SB-4]")
{
    CHECK(s3_piece_key("a/b/", 7, 5'242'976) == "a/b/00000007/0005242976");
    auto const name = s3_piece_name("a/b/", "a/b/00000007/0005242976");
    REQUIRE(name.has_value());
    CHECK((name->segment == 7 && name->offset == 5'242'976));
    for (auto const* const each : {"a/b/", "a/c/00000007/0005242976", "a/b/00000000/0005242976", "a/b/00000007/00052429760",
             "a/b/00000007-0005242976", "a/b/0000000x/0005242976", "a/b/00000007/-005242976", "a/b/00000007/9999999999"})
        CHECK_FALSE(s3_piece_name("a/b/", each).has_value());
}

TEST_CASE("s3_answers: given a listing, when it is read, then it is all of one page or nothing [SB-4]", "[SB-4][T-31]")
{
    auto const page = read_s3_listing(bytes_of(
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
        "<Contents><Key>a%2Fb+c</Key><Size>12</Size></Contents><Contents><Key>d</Key><Size>0</Size></Contents></ListBucketResult>"));
    REQUIRE(page.has_value());
    CHECK(page->next == "t");
    REQUIRE(page->objects.size() == 2);
    CHECK((page->objects[0].key == "a/b c" && page->objects[0].bytes == 12 && page->objects[1].key == "d"));
    for (auto const* const each :
        {"", "<Error/>", "<ListBucketResult>", "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
            "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
            "<ListBucketResult><Contents><Key>%2</Key><Size>1</Size></Contents></ListBucketResult>",
            "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>"})
        CHECK_FALSE(read_s3_listing(bytes_of(each)).has_value());
}

TEST_CASE("s3_answers: given answers of an upload, when they are read, then what is odd is nothing [SB-4]", "[SB-4][T-31]")
{
    CHECK(read_s3_upload_id(bytes_of("<InitiateMultipartUploadResult><UploadId>x~1</UploadId></InitiateMultipartUploadResult>")) == "x~1");
    CHECK_FALSE(
        read_s3_upload_id(bytes_of("<InitiateMultipartUploadResult><UploadId>a b</UploadId></InitiateMultipartUploadResult>")).has_value());
    CHECK_FALSE(read_s3_upload_id(bytes_of("<InitiateMultipartUploadResult/>")).has_value());
    CHECK(is_s3_completion(bytes_of("\n\n<CompleteMultipartUploadResult/>").subspan(2)));
    CHECK_FALSE(is_s3_completion(bytes_of("<Error><Code>InternalError</Code></Error>")));
    CHECK(read_s3_error(bytes_of("<Error><Code>SlowDown</Code></Error>")) == "SlowDown");
    CHECK(read_s3_error(bytes_of("no XML")).empty());
    std::vector<std::string> tags{"\"abc-1\"", "def"};
    CHECK(write_s3_completion(tags) ==
          "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&quot;abc-1&quot;</ETag></Part><Part><PartNumber>2</PartNumber>"
          "<ETag>&quot;def&quot;</ETag></Part></CompleteMultipartUpload>");
    for (auto const* const each : {"", "\"\"", "a<b", "a&b", "\"a"}) {
        tags[1] = each;
        CHECK_FALSE(write_s3_completion(tags).has_value());
    }
    auto const uploads = read_s3_uploads(
        bytes_of("<ListMultipartUploadsResult><Upload><Key>a</Key><UploadId>1</UploadId></Upload></ListMultipartUploadsResult>"));
    for (auto const* const each : {"<Error/>", "<ListMultipartUploadsResult><Upload><Key>a</Key></Upload></ListMultipartUploadsResult>",
             "<ListMultipartUploadsResult><Upload><UploadId>1</UploadId></Upload></ListMultipartUploadsResult>"})
        CHECK_FALSE(read_s3_uploads(bytes_of(each)).has_value());
    REQUIRE(uploads.has_value());
    CHECK((uploads->size() == 1 && uploads->front().upload_id == "1"));
}

}  // namespace test_s3_requests
