// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/wire/http_message. What a request may look like, and that everything else is refused before it is buffered.

#include "wire/http_message.h"

#include <catch2/catch_test_macros.hpp>

namespace test_http_message {

using namespace ocu::wire;
using Progress = RequestParser::Progress;

struct Outcome {
    Progress progress;
    unsigned status = 0;
    std::string code;
    HttpRequest request;
    std::string rest;
};

// Feeds `text` in pieces of `step` bytes, as a network might.
Outcome feed(std::string_view text, HttpLimits const& limits = {}, std::size_t step = 1'000'000)
{
    RequestParser parser(limits);
    std::string buffer;
    Progress progress = Progress::need_more;
    std::size_t at = 0;
    while (at < text.size() && progress != Progress::done && progress != Progress::refused) {
        buffer.append(text.substr(at, step));
        at += std::min(step, text.size() - at);
        do progress = parser.feed(buffer);
        while (progress == Progress::head_done);
    }
    Outcome out{progress, 0, "", {}, ""};
    if (progress == Progress::refused) {
        out.status = parser.refusal().status;
        out.code = std::string(parser.refusal().code);
    }
    if (progress == Progress::done) out.request = parser.take();
    out.rest = buffer + std::string(text.substr(at));
    return out;
}

unsigned refused_with(std::string_view text, HttpLimits const& limits = {})
{
    unsigned const whole = feed(text, limits).status;
    CHECK(feed(text, limits, 1).status == whole);  // however it is cut
    return whole;
}

TEST_CASE("http_message: given a whole request, when it is fed in any pieces, then it is read the same", "[wire][T-02]")
{
    std::string const text = "POST /mcp?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX-Two: b c\r\n\r\nhello";
    for (std::size_t const step : {1u, 2u, 7u, 1000u}) {
        auto const out = feed(text + "GET /next", {}, step);
        REQUIRE(out.progress == Progress::done);
        CHECK(out.request.method == "POST");
        CHECK(out.request.path() == "/mcp");
        CHECK(out.request.query() == "x=1");
        CHECK(out.request.header("x-TWO") == "b c");
        CHECK(out.request.body == "hello");
        CHECK(out.rest == "GET /next");
    }
}

TEST_CASE("http_message: given a chunked body, when it is fed in any pieces, then it is joined", "[wire][T-02]")
{
    std::string const text = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n";
    for (std::size_t const step : {1u, 3u, 1000u}) {
        auto const out = feed(text, {}, step);
        REQUIRE(out.progress == Progress::done);
        CHECK(out.request.body == "abcde");
    }
}

TEST_CASE("http_message: given a trailer that names a header, when the request is read, then the header is not there", "[wire][T-02]")
{
    auto const out = feed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nAuthorization: Bearer x\r\n\r\n");
    REQUIRE(out.progress == Progress::done);
    CHECK(out.request.count("authorization") == 0);
}

TEST_CASE("http_message: given two ways to frame a body, when the head is read, then it is refused", "[wire][T-02][GW-4]")
{
    CHECK(refused_with("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
    CHECK(refused_with("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n") == 400);
    CHECK(refused_with("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc") == 400);
    CHECK(refused_with("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc") == 400);
    CHECK(refused_with("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc") == 400);
    CHECK(refused_with("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc") == 400);
    CHECK(refused_with("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n") == 400);
    CHECK(refused_with("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n") == 400);
    CHECK(refused_with("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400);
}

TEST_CASE("http_message: given no Host or two, when the head is read, then it is refused", "[wire][T-02][GW-4]")
{
    CHECK(refused_with("GET / HTTP/1.1\r\nAccept: x\r\n\r\n") == 400);
    CHECK(refused_with("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n") == 400);
}

TEST_CASE("http_message: given a folded header, a bare line end or a NUL, when the head is read, then it is refused", "[wire][T-02]")
{
    CHECK(refused_with("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n") == 400);
    CHECK(refused_with("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tc\r\n\r\n") == 400);
    CHECK(refused_with("GET / HTTP/1.1\nHost: a\n\n") == 400);
    CHECK(refused_with("GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n") == 400);
    CHECK(refused_with(std::string("GET / HTTP/1.1\r\nHost: a\r\nX: ") + '\0' + "b\r\n\r\n") == 400);
    CHECK(refused_with("GET / HTTP/1.1\r\nHost : a\r\n\r\n") == 400);
    CHECK(refused_with("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n") == 400);
}

TEST_CASE("http_message: given a target that is not origin-form, when the head is read, then it is refused", "[wire][T-02]")
{
    CHECK(refused_with("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
    CHECK(refused_with("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
    CHECK(refused_with("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
    CHECK(refused_with("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
    CHECK(refused_with("GET /a\x80 HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
    CHECK(refused_with("GET  / HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
}

TEST_CASE("http_message: given another version of HTTP, when the head is read, then it is refused", "[wire][T-02]")
{
    CHECK(refused_with("GET / HTTP/1.0\r\nHost: a\r\n\r\n") == 400);
    CHECK(refused_with("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 400);
    CHECK(refused_with("GET /\r\n\r\n") == 400);
}

TEST_CASE("http_message: given an expectation we do not know, when the head is read, then it is refused", "[wire][T-02]")
{
    CHECK(refused_with("POST / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\na") == 400);
}

TEST_CASE("http_message: given a body over the limit, when only its head has come, then it is refused", "[wire][T-02][GW-4]")
{
    HttpLimits limits;
    limits.body_bytes_max = 10;
    auto const out = feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", limits);
    CHECK(out.status == 413);
    CHECK(out.code == "body_too_large");
    CHECK(feed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789", limits).progress == Progress::done);
    CHECK(refused_with("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", limits) == 400);
}

TEST_CASE("http_message: given a chunked body over the limit, when it passes the limit, then it is refused", "[wire][T-02][GW-4]")
{
    HttpLimits limits;
    limits.body_bytes_max = 10;
    std::string const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    CHECK(refused_with(head + "6\r\nabcdef\r\n5\r\nabcde\r\n0\r\n\r\n", limits) == 413);
    CHECK(refused_with(head + "ffffffff\r\n", limits) == 413);
    CHECK(refused_with(head + "fffffffffffffffff\r\n", limits) == 400);
    CHECK(refused_with(head + "zz\r\n", limits) == 400);
}

TEST_CASE("http_message: given a head over its limits, when it is read, then it is refused as too large", "[wire][T-02][GW-4]")
{
    HttpLimits limits;
    limits.header_bytes_max = 200;
    limits.header_count_max = 3;
    CHECK(refused_with("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(300, 'x') + "\r\n\r\n", limits) == 431);
    CHECK(refused_with("GET /" + std::string(300, 'x'), limits) == 431);
    CHECK(refused_with("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 1\r\nC: 1\r\n\r\n", limits) == 431);
    CHECK(feed("GET / HTTP/1.1\r\nHost: a\r\nA: 1\r\nB: 1\r\n\r\n", limits).progress == Progress::done);
}

TEST_CASE("http_message: given a response, when it is written, then its length and its end are said", "[wire]")
{
    HttpResponse const response{200, {{"Content-Type", "text/plain"}}, "hi"};
    auto const whole = response_bytes(response, Body::sent, KeepAlive::yes);
    CHECK(whole == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi");
    auto const head = response_bytes(response, Body::omitted, KeepAlive::no);
    CHECK(head.ends_with("\r\n\r\n"));
    CHECK(head.find("Content-Length: 2") != std::string::npos);
    CHECK(head.find("Connection: close") != std::string::npos);
    CHECK(response_bytes({204, {}, ""}, Body::sent, KeepAlive::yes) == "HTTP/1.1 204 No Content\r\n\r\n");
    CHECK(stream_head_bytes(200, {}, KeepAlive::yes) == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    CHECK(chunk_bytes("abc") == "3\r\nabc\r\n");
    CHECK(last_chunk_bytes() == "0\r\n\r\n");
    CHECK(continue_bytes() == "HTTP/1.1 100 Continue\r\n\r\n");
}

}  // namespace test_http_message
