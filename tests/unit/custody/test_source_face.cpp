// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: custody/source_face. What a secret source answers, in every way that it may and may not.

#include <catch2/catch_test_macros.hpp>

#include "custody/source_face.h"
#include "wire/http_relay_head.h"

namespace test_source_face {

using namespace ocu;
using namespace ocu::custody;
using proto::SourceFailure;

std::string answer_of(std::string const& body, std::string const& head = "Content-Type: application/json\r\n")
{
    return "HTTP/1.1 200 OK\r\n" + head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// In pieces of `step` bytes; the whole at once with 0.
proto::SourceAnswered read(std::string const& bytes, bool basic = false, std::size_t step = 0)
{
    SourceFace face(basic);
    bool verdict = false;
    if (step == 0) step = std::max<std::size_t>(bytes.size(), 1);
    for (std::size_t at = 0; at < bytes.size() && !verdict; at += step) verdict = face.feed(std::string_view(bytes).substr(at, step));
    if (!verdict) face.ended();
    auto out = face.take();
    CHECK(out.value.empty() == (out.failure != SourceFailure::none));
    return out;
}
SourceFailure why(std::string const& bytes, bool basic = false) { return read(bytes, basic).failure; }
SourceFailure why_body(std::string const& body, bool basic = false) { return why(answer_of(body), basic); }

TEST_CASE("source: given an answer as it is written down, when read in pieces of any size, then its value, life and version",
    "[custody][EG-1][T-26]")
{
    auto const good =
        answer_of(R"({"value":"a secret","expires_in":600,"version":"v:1.2-3_4"})", "content-type: Application/JSON ; charset=utf-8\r\n");
    for (std::size_t const step : {0u, 1u, 7u, 64u}) {
        auto const out = read(good, false, step);
        CHECK(out.failure == SourceFailure::none);
        CHECK(out.value.view() == "a secret");
        CHECK(out.expires_in == std::chrono::seconds(600));
        CHECK(out.version.view() == "v:1.2-3_4");
        CHECK(out.status == 200);
    }
    auto const chunked =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        "9\r\n{\"value\":\r\n16\r\n\"x\",\"expires_in\": 60 }\r\n0\r\n\r\n";
    for (std::size_t const step : {0u, 1u, 5u}) CHECK(read(chunked, false, step).value.view() == "x");
    CHECK(read(answer_of(R"({"user":"agent","password":"p:ä w","expires_in":1})"), true).value.view() == "agent:p:ä w");
}

TEST_CASE("source: given a value that could split a header or a member beyond its limit, when read, then refused", "[custody][EG-1][T-26]")
{
    for (auto const* value :
        {R"(a\r\nX-Injected: 1)", R"(a\nb)", R"(a\tb)", R"(a\u0000b)", R"(a\u007fb)", " a", "a ", "", R"(\u00e4)", "\xc3\xa4"})
        CHECK(why_body(std::string(R"({"expires_in":60,"value":")") + value + "\"}") == SourceFailure::malformed);
    for (auto const* login : {R"("user":"a:b","password":"c")", R"("user":"a","password":"c\r")", R"("user":"a\u0001","password":"c")",
             R"("user":"","password":"c")", R"("user":"a","password":"")", R"("user":"a")", R"("password":"c")", R"("value":"a:b")"})
        CHECK(why_body(std::string(R"({"expires_in":60,)") + login + "}", true) == SourceFailure::malformed);
    auto const of = [](char const* name, std::size_t size) { return std::string("\"") + name + "\":\"" + std::string(size, 'v') + "\""; };
    CHECK(why_body("{\"expires_in\":60," + of("value", 4096) + "}") == SourceFailure::none);
    CHECK(why_body("{\"expires_in\":60," + of("value", 4097) + "}") == SourceFailure::too_large);
    CHECK(why_body("{\"expires_in\":60," + of("user", 512) + "," + of("password", 3072) + "}", true) == SourceFailure::none);
    CHECK(why_body("{\"expires_in\":60," + of("user", 513) + "," + of("password", 1) + "}", true) == SourceFailure::too_large);
    CHECK(why_body("{\"expires_in\":60," + of("user", 1) + "," + of("password", 3073) + "}", true) == SourceFailure::too_large);
    CHECK(why_body("{\"expires_in\":60,\"value\":\"x\"," + of("version", 64) + "}") == SourceFailure::none);
    CHECK(why_body("{\"expires_in\":60,\"value\":\"x\"," + of("version", 65) + "}") == SourceFailure::too_large);
    CHECK(why_body(R"({"expires_in":60,"value":"x","version":"a b"})") == SourceFailure::malformed);
    CHECK(why_body(R"({"expires_in":60,"value":"x","version":"why=1"})") == SourceFailure::malformed);
    CHECK(why_body(R"({"expires_in":60,"value":"x","version":""})") == SourceFailure::malformed);
}

TEST_CASE("source: given JSON of another shape, when read, then it is not understood", "[custody][EG-1][T-26]")
{
    for (auto const* body : {"", "{", "[]", "null", "\"x\"", R"({"value":"x"})", R"({"expires_in":60})",
             R"({"value":"x","expires_in":60,"more":1})", R"({"value":"x","value":"x","expires_in":60})",
             R"({"value":"x","expires_in":60,"expires_in":61})", R"({"value":1,"expires_in":60})", R"({"value":null,"expires_in":60})",
             R"({"value":["x"],"expires_in":60})", R"({"value":{"a":"x"},"expires_in":60})", R"({"value":"x","expires_in":"60"})",
             R"({"value":"x","expires_in":0})", R"({"value":"x","expires_in":-1})", R"({"value":"x","expires_in":1.5})",
             R"({"value":"x","expires_in":1e99})", R"({"value":"x","expires_in":31536001})",
             R"({"value":"x","expires_in":60} )"
             "x",
             R"({"value":"x","expires_in":60}{})", R"({"value":"x","expires_in":60,})", R"({'value':'x','expires_in':60})",
             R"({"value":"x","expires_in":60,"version":{"a":{"b":{}}}})", "{\"value\":\"\xff\",\"expires_in\":60}",
             R"({"user":"a","password":"b","expires_in":60})", R"({"value":"x","password":"b","expires_in":60})"})
        CHECK(why_body(body) == SourceFailure::malformed);
}

TEST_CASE("source: given HTTP of another kind than is written down, when read, then refused by what it is", "[custody][EG-1][T-26]")
{
    std::string const good = R"({"value":"x","expires_in":60})";
    REQUIRE(why_body(good) == SourceFailure::none);
    auto const status = [&](std::string const& line) {
        return why("HTTP/1.1 " + line + "\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n");
    };
    CHECK(status("404 Not Found") == SourceFailure::not_found);
    CHECK(status("410 Gone") == SourceFailure::gone);
    for (auto const* each : {"201 Created", "204 No Content", "301 Moved", "400 Bad", "401 No", "500 Oh", "503 Busy"})
        CHECK(status(each) == SourceFailure::status);
    CHECK(read("HTTP/1.1 503 Busy\r\nContent-Length: 9999999\r\n\r\n").status == 503);
    CHECK(status("100 Continue") == SourceFailure::malformed);
    CHECK(status("103 Early") == SourceFailure::malformed);
    auto const framed = [&](std::string const& fields, std::string const& body) {
        return why("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + fields + "\r\n" + body);
    };
    CHECK(framed("", good) == SourceFailure::malformed);  // lasts until the end: it could be cut
    CHECK(framed("Content-Length: 29\r\nContent-Length: 30\r\n", good) == SourceFailure::malformed);
    CHECK(framed("Content-Length: 29\r\nTransfer-Encoding: chunked\r\n", good) == SourceFailure::malformed);
    CHECK(framed("Content-Length: 29\r\nContent-Encoding: gzip\r\n", good) == SourceFailure::malformed);
    CHECK(framed("Content-Length: 30\r\n", good) == SourceFailure::malformed);           // broke off
    CHECK(framed("Content-Length: 29\r\n", good + " ") == SourceFailure::malformed);     // a byte too many
    CHECK(framed("Content-Length: 16385\r\n", "{") == SourceFailure::too_large);
    CHECK(framed("Content-Length: 99999999999999999999\r\n", "{") != SourceFailure::none);
    CHECK(framed("Transfer-Encoding: chunked\r\n", "1d\r\n" + good + "\r\n0\r\n\r\n") == SourceFailure::none);
    CHECK(framed("Content-Length: 29\r\n", good) == SourceFailure::none);
    CHECK(framed("Transfer-Encoding: chunked\r\n", "1d;a=b\r\n" + good + "\r\n0\r\n\r\n") == SourceFailure::malformed);
    CHECK(framed("Transfer-Encoding: chunked\r\n", "1d\r\n" + good + "\r\n0\r\n\r\nx") == SourceFailure::malformed);
    CHECK(framed("Transfer-Encoding: chunked\r\n", "8000\r\n" + std::string(0x8000, ' ')) == SourceFailure::too_large);
    CHECK(framed("Folded: a\r\n b\r\nContent-Length: 29\r\n", good) == SourceFailure::malformed);
    CHECK(why(answer_of(good, "")) == SourceFailure::malformed);
    CHECK(why(answer_of(good, "Content-Type: text/html\r\n")) == SourceFailure::malformed);
    CHECK(why(answer_of(good, "Content-Type: application/jsonx\r\n")) == SourceFailure::malformed);
    CHECK(why(answer_of(good, "Content-Type: application/json\r\nContent-Type: text/html\r\n")) == SourceFailure::malformed);
    CHECK(why("220 mail.example ESMTP\r\n\r\n") == SourceFailure::malformed);
    CHECK(why("") == SourceFailure::malformed);
    CHECK(why("HTTP/1.1 200 OK\r\n") == SourceFailure::malformed);
    CHECK(why("HTTP/1.1 200 OK\r\nX: " + std::string(kSourceHeadBytesMax, 'x')) == SourceFailure::too_large);
    CHECK(read("HTTP/1.1 200 OK\r\nX: " + std::string(1u << 20, 'x'), false, 100).failure == SourceFailure::too_large);
}

TEST_CASE("source: given a question, when printed, then as it is written down", "[custody][EG-1]")
{
    proto::SourceConfig config{
        "box", "rule", "key", true, "api.example.com", 8443, "s-0123456789abcdef", "secrets.example:8300", "secrets.example", {}};
    auto const text = print_source_question(config);
    auto const head = *wire::find_head_end(text);
    CHECK(text.starts_with("POST /ocu-secret-source/1/credential HTTP/1.1\r\nHost: secrets.example:8300\r\n"));
    CHECK(wire::read_request_head(text.substr(0, head))->body.length == text.size() - head);
    CHECK(text.substr(head) ==
          R"({"contract":"ocu-secret-source/1","appliance":"box","purpose":"egress","rule":"rule","credential":"key","form":"basic",)"
          R"("destination":{"host":"api.example.com","port":8443},"session":"s-0123456789abcdef"})");
    config.appliance = std::string(253, '"');
    config.host = std::string(253, 'h');
    config.rule = config.credential = std::string(63, 'r');
    CHECK(print_source_question(config).size() - 512 < kSourceQuestionBytesMax);
}

}  // namespace test_source_face
