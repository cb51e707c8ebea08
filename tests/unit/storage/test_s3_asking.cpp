// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: s3_requests over http_client, against a store of the test's own: what goes out, and which answers are none.

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>

#include "support/s3_stand.h"

namespace test_s3_asking {

using namespace ocu;
using namespace ocu::storage;
using namespace std::chrono_literals;
using test::S3Heard;
using test::S3Stand;
using test::s3_answer;

namespace {

struct AskTest {
    S3Answer ask(S3Ask with, std::chrono::milliseconds time = 5s, S3Requests::Times times = {})
    {
        S3Requests requests(store.place(), S3Stand::credential(), counted(), store.clock, times);
        return requests.ask(std::move(with), store.clock.now() + time);
    }
    S3Answer get() { return ask({.method = "GET", .key = "p/x"}); }
    S3Connect counted()
    {
        return [this, connect = store.connect()] {
            ++connections;
            return connect();
        };
    }
    void always(std::string answer)
    {
        store.say(std::move(answer), [](S3Heard const&) { return true; });
    }
    std::size_t asked() { return store.said_to_it().size(); }

    int connections = 0;
    S3Stand store;
};

}  // namespace

TEST_CASE_METHOD(AskTest, "s3_requests: given a request, when it goes out, then it is signed, for the region, over its body [SB-4]",
    "[storage][SB-4][T-31]")
{
    std::string const body((1u << 20) + 1, 'x');  // for which libcurl would ask first (Expect), and wait a second
    REQUIRE(ask({.method = "PUT", .key = "p/a b", .body = crypto::as_bytes(body)}).fault == 0);
    S3Heard const heard{store.all_heads, {}};
    CHECK(heard.target() == "/b/p/a%20b");
    CHECK(heard.field("Host") == "s3.test:9000");
    CHECK(heard.field("x-amz-content-sha256") == crypto::to_hex(crypto::sha256(crypto::as_bytes(body))));
    auto const signature = heard.field("Authorization");
    CHECK(signature.starts_with("AWS4-HMAC-SHA256 Credential=tenant:id/"));  // parted at the last colon
    CHECK(signature.contains("/eu-1/s3/aws4_request,"));
    CHECK(signature.contains("x-amz-content-sha256;x-amz-date"));
    CHECK_FALSE(store.all_heads.contains("hidden"));
    CHECK(heard.field("Expect").empty());
}

TEST_CASE_METHOD(AskTest, "s3_requests: given a bucket in the name, when it is asked, then the host is that [SB-4]", "[storage][SB-4]")
{
    auto place = store.place();
    place.path_style = false;
    S3Requests requests(place, S3Stand::credential(), store.connect(), store.clock, {});
    (void)requests.ask({.method = "GET", .key = "p/x"}, store.clock.now() + 5s);
    S3Heard const heard{store.all_heads, {}};
    CHECK(heard.field("Host") == "b.s3.test:9000");
    CHECK(heard.target() == "/p/x");
}

TEST_CASE_METHOD(AskTest, "s3_requests: given a redirection, when it is answered, then nobody goes there [T-31]", "[storage][T-31][SB-8]")
{
    for (int const status : {301, 302, 303, 307, 308}) {
        always(s3_answer(status, {}, "Location: http://s3.test:9000/b/p/elsewhere\r\n"));
        CHECK(get().fault == EIO);
        CHECK(asked() == 1);
    }
}

TEST_CASE_METHOD(AskTest, "s3_requests: given a challenge for the secret itself, when it is answered, then nothing of it is said [T-12]",
    "[storage][T-12][T-31]")
{
    for (auto const* const scheme : {"Basic realm=\"x\"", "Digest realm=\"x\", nonce=\"y\""}) {
        always(s3_answer(401, {}, "WWW-Authenticate: " + std::string(scheme) + "\r\n"));
        CHECK(get().fault == EIO);
        CHECK(asked() == 1);
    }
    CHECK_FALSE(store.all_heads.contains("Basic"));
    CHECK_FALSE(store.all_heads.contains("Digest"));
    CHECK_FALSE(store.all_heads.contains("hidden"));
}

TEST_CASE_METHOD(
    AskTest, "s3_requests: given a proxy in the environment, when it is asked, then there is none [SB-8]", "[storage][T-31][SB-8]")
{
    for (auto const* const name : {"http_proxy", "all_proxy", "ALL_PROXY"}) ::setenv(name, "http://proxy.test:3128", 1);
    store.objects["p/x"] = "here";
    auto const answer = get();
    for (auto const* const name : {"http_proxy", "all_proxy", "ALL_PROXY"}) ::unsetenv(name);
    CHECK(answer.fault == 0);
    CHECK(store.all_heads.starts_with("GET /b/p/x HTTP/1.1\r\n"));
    CHECK_FALSE(store.all_heads.contains("Proxy"));
}

TEST_CASE_METHOD(AskTest,
    "s3_requests: given an answer that is longer than it may be, when it comes, then EIO and it is not asked for again [SB-7]",
    "[storage][SB-7][T-31]")
{
    std::string const body(600'000, 'x');  // more than is read at once
    SECTION("as it says") { always(s3_answer(200, body)); }
    SECTION("in chunks") { always("HTTP/1.1 200 Said\r\nTransfer-Encoding: chunked\r\n\r\n927c0\r\n" + body + "\r\n0\r\n\r\n"); }
    auto const answer = ask({.method = "GET", .key = "p/x", .answer_bytes_max = 599'999});
    CHECK(answer.fault == EIO);
    CHECK(answer.body.empty());
    CHECK(asked() == 1);
}

TEST_CASE_METHOD(AskTest, "s3_requests: given an odd answer, when it comes again and again, then EIO; once, then it is asked again [SB-9]",
    "[storage][SB-9][T-31]")
{
    std::string const body = "x";
    S3Ask const put{.method = "PUT", .key = "p/x", .body = crypto::as_bytes(body)};
    store.say(s3_answer(200), [](S3Heard const& heard) { return heard.method() == "PUT"; }, 2);
    CHECK(ask(put).fault == 0);
    CHECK(asked() == 3);
    always(s3_answer(200));
    CHECK(ask(put).fault == EIO);
    CHECK(asked() == 6);
    CHECK(get().fault == EIO);
    CHECK(asked() == 6);
    always(s3_answer(206, "1234"));
    CHECK(ask({.method = "GET", .key = "p/x", .answer_bytes = 5}).fault == EIO);
    CHECK(asked() == 6);
}

TEST_CASE_METHOD(AskTest,
    "s3_requests: given what libcurl asked once more by itself, when odd answers are counted, then that is none [SB-9]", "[storage][SB-9]")
{
    S3Requests requests(store.place(), S3Stand::credential(), counted(), store.clock, {});
    std::string const body = "x";
    S3Ask const put{.method = "PUT", .key = "p/x", .body = crypto::as_bytes(body)};
    REQUIRE(requests.ask(put, store.clock.now() + 20s).fault == 0);
    store.say([turn = 0](S3Heard const&) mutable -> std::optional<std::string> {
        ++turn;
        if (turn == 1) return S3Stand::kHangUp;
        return turn <= 6 ? std::optional(s3_answer(200)) : std::nullopt;
    });
    auto const answer = requests.ask(put, store.clock.now() + 20s);
    CHECK(answer.fault == 0);
    CHECK(answer.attempts == 7);
    CHECK(asked() == 8);
}

TEST_CASE_METHOD(AskTest, "s3_requests: given what is no HTTP/1.1 answer, when it comes, then there is none [T-31]", "[storage][T-31]")
{
    SECTION("HTTP/0.9") { always("everything that is here\n"); }
    SECTION("a head without an end") { always("HTTP/1.1 200 Said\r\nX: " + std::string(400u << 10, 'x')); }
    SECTION("a hundred heads before one")
    {
        std::string text;
        for (int i = 0; i < 40; ++i) text += "HTTP/1.1 200 Said\r\nX" + std::to_string(i) + ": " + std::string(9'000, 'x') + "\r\n";
        always(text + "\r\n");
    }
    auto const answer = ask({.method = "GET", .key = "p/x"}, 600ms);
    CHECK(answer.fault != 0);
    CHECK(answer.body.empty());
}

TEST_CASE_METHOD(AskTest,
    "s3_requests: given a store that is busy, when it is asked, then again until the time is over, after a pause [SB-9]", "[storage][SB-9]")
{
    auto const last = [this](int status) {
        always(s3_answer(status));
        auto const begun = store.clock.now();
        auto const answer = ask({.method = "GET", .key = "p/x"}, 700ms);
        CHECK(answer.fault == ETIMEDOUT);
        CHECK(store.clock.now() - begun < 20s);
        CHECK(answer.attempts < 200);  // without a pause thousands
        CHECK(answer.attempts > 1);
        CHECK(answer.attempts == asked());
    };
    last(503);
    last(429);
}

TEST_CASE_METHOD(AskTest, "s3_requests: given an attempt that hangs, when its time is over, then another one on a new connection [SB-9]",
    "[storage][SB-9]")
{
    store.objects["p/x"] = "here";
    store.say(S3Stand::kSilence, [](S3Heard const&) { return true; }, 1);
    SECTION("it says nothing")
    {
        auto const answer = ask({.method = "GET", .key = "p/x"}, 5s, {.attempt = 150ms});
        CHECK(answer.fault == 0);
        CHECK(answer.attempts == 2);
    }
    SECTION("it stalls")
    {
        auto const answer = ask({.method = "GET", .key = "p/x"}, 10s, {.attempt = 60s, .stall = 1s});
        CHECK(answer.fault == 0);
        CHECK(answer.attempts == 2);
    }
    CHECK(connections == 2);
}

TEST_CASE_METHOD(AskTest,
    "s3_requests: given a time that is over, or is over before an attempt is, when it is asked, then not for longer [SB-9]",
    "[storage][SB-9]")
{
    store.objects["p/x"] = "here";
    CHECK(ask({.method = "GET", .key = "p/x"}, 0s).fault == ETIMEDOUT);
    CHECK(asked() == 0);
    store.say(S3Stand::kSilence, [](S3Heard const&) { return true; });
    auto const begun = store.clock.now();
    CHECK(ask({.method = "GET", .key = "p/x"}, 200ms, {.attempt = 60s, .stall = 60s}).fault == ETIMEDOUT);
    CHECK(store.clock.now() - begun < 30s);
}

TEST_CASE_METHOD(
    AskTest, "s3_requests: given an error with a code, when it is heard, then the code counts before the status [SB-9]", "[storage][SB-9]")
{
    always(s3_answer(403, "<Error><Code>QuotaExceeded</Code></Error>"));
    CHECK(get().fault == ENOSPC);
    CHECK(asked() == 1);
    store.objects["p/x"] = "here";
    store.say(s3_answer(400, "<Error><Code>RequestTimeout</Code></Error>"), [](S3Heard const&) { return true; }, 1);
    CHECK(get().fault == 0);
    CHECK(asked() == 2);
}

}  // namespace test_s3_asking
