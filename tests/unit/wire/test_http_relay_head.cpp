// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/wire/http_relay_head, http_relay_body through the relay itself: what a guest writes, and either why it goes no further or the very
// bytes that the upstream gets. The table is the list of ways to make two readers disagree (EG-5).

#include <catch2/catch_test_macros.hpp>

#include "support/relay_stand.h"

namespace test_http_relay_head {

using namespace test_support;

struct Row {
    char const* name;
    std::string in;
    RelayFault fault;  // none: `out` is what the upstream gets
    std::string out;
};

std::string get(std::string const& rest) { return "GET / HTTP/1.1\r\nHost: h\r\n" + rest + "\r\n"; }
std::string post(std::string const& headers, std::string const& body = {})
{
    return "POST /p HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n" + body;
}
std::string target(std::string const& text) { return "GET " + text + " HTTP/1.1\r\nHost: h\r\n\r\n"; }
std::string sent(std::string const& path) { return "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n"; }
std::string const kChunked = "Transfer-Encoding: chunked\r\n";
constexpr auto kNone = RelayFault::none;

std::vector<Row> const kRows{
    // framing
    {"plain", get(""), kNone, get("")},
    {"length and coding", post("Content-Length: 3\r\n" + kChunked, "0\r\n\r\n"), RelayFault::framing, ""},
    {"coding and length", post(kChunked + "Content-Length: 3\r\n", "0\r\n\r\n"), RelayFault::framing, ""},
    {"two lengths", post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), RelayFault::framing, ""},
    {"two equal lengths", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), RelayFault::framing, ""},
    {"lengths in a list", post("Content-Length: 3, 3\r\n", "abc"), RelayFault::framing, ""},
    {"length with a sign", post("Content-Length: +3\r\n", "abc"), RelayFault::framing, ""},
    {"negative length", post("Content-Length: -3\r\n", "abc"), RelayFault::framing, ""},
    {"length in hex", post("Content-Length: 0x3\r\n", "abc"), RelayFault::framing, ""},
    {"length that overflows", post("Content-Length: 18446744073709551619\r\n", "abc"), RelayFault::framing, ""},
    {"length beyond 63 bits", post("Content-Length: 9223372036854775808\r\n", "abc"), RelayFault::framing, ""},
    {"length with letters", post("Content-Length: 3a\r\n", "abc"), RelayFault::framing, ""},
    {"empty length", post("Content-Length: \r\n"), RelayFault::framing, ""},
    {"two codings", post(kChunked + kChunked, "0\r\n\r\n"), RelayFault::framing, ""},
    {"coding list", post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), RelayFault::framing, ""},
    {"chunked and identity", post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"), RelayFault::framing, ""},
    {"identity", post("Transfer-Encoding: identity\r\n"), RelayFault::framing, ""},
    {"unknown coding", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), RelayFault::framing, ""},
    {"coding in quotes", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n"), RelayFault::framing, ""},
    {"coding with vertical tab",
        post("Transfer-Encoding: \x0b"
             "chunked\r\n",
            "0\r\n\r\n"),
        RelayFault::grammar, ""},
    {"space before colon", post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), RelayFault::grammar, ""},
    {"capital coding", post("TRANSFER-ENCODING: Chunked\r\n", "0\r\n\r\n"), kNone, post(kChunked, "0\r\n\r\n")},
    {"length of nothing", post("Content-Length: 0\r\n"), kNone, post("Content-Length: 0\r\n")},
    {"length with zeros", post("Content-Length: 0003\r\n", "abc"), kNone, post("Content-Length: 3\r\n", "abc")},
    {"body of a GET", get("Content-Length: 3\r\n") + "abc", kNone, get("Content-Length: 3\r\n") + "abc"},
    // chunks
    {"chunk", post(kChunked, "3\r\nabc\r\n0\r\n\r\n"), kNone, post(kChunked, "3\r\nabc\r\n0\r\n\r\n")},
    {"chunk size with zeros", post(kChunked, "0003\r\nabc\r\n00\r\n\r\n"), kNone, post(kChunked, "3\r\nabc\r\n0\r\n\r\n")},
    {"trailer", post(kChunked, "1\r\na\r\n0\r\nX-T: 1\r\n\r\n"), kNone, post(kChunked, "1\r\na\r\n0\r\n\r\n")},
    {"chunk extension", post(kChunked, "3;a=b\r\nabc\r\n0\r\n\r\n"), RelayFault::chunk, ""},
    {"chunk extension with newline", post(kChunked, "3;\nabc\r\n0\r\n\r\n"), RelayFault::chunk, ""},
    {"chunk size with prefix", post(kChunked, "0x3\r\nabc\r\n0\r\n\r\n"), RelayFault::chunk, ""},
    {"chunk size with sign", post(kChunked, "-3\r\nabc\r\n0\r\n\r\n"), RelayFault::chunk, ""},
    {"chunk size with space", post(kChunked, "3 \r\nabc\r\n0\r\n\r\n"), RelayFault::chunk, ""},
    {"chunk size that overflows", post(kChunked, "10000000000000003\r\nabc\r\n0\r\n\r\n"), RelayFault::chunk, ""},
    {"chunk size missing", post(kChunked, "\r\nabc\r\n0\r\n\r\n"), RelayFault::chunk, ""},
    {"chunk ended by LF", post(kChunked, "3\nabc\n0\n\n"), RelayFault::chunk, ""},
    {"chunk longer than said", post(kChunked, "3\r\nabcd\r\n0\r\n\r\n"), RelayFault::chunk, ""},
    {"folded trailer", post(kChunked, "0\r\nA: 1\r\n b\r\n\r\n"), RelayFault::chunk, ""},
    {"trailer that is no field", post(kChunked, "0\r\nGET / HTTP/1.1\r\n\r\n"), RelayFault::chunk, ""},
    {"bare CR in a trailer", post(kChunked, "0\r\nA: 1\rb\r\n\r\n"), RelayFault::chunk, ""},
    // lines
    {"folded header", get("A: 1\r\n b\r\n"), RelayFault::grammar, ""},
    {"folded with tab", get("A: 1\r\n\tTransfer-Encoding: chunked\r\n"), RelayFault::grammar, ""},
    {"bare LF", "GET / HTTP/1.1\nHost: h\n\r\n\r\n", RelayFault::grammar, ""},
    {"bare CR in a value", get("A: 1\rB: 2\r\n"), RelayFault::grammar, ""},
    {"NUL in a value", get(std::string("A: 1\0b\r\n", 8)), RelayFault::grammar, ""},
    {"control byte in a name", get("A\x01: 1\r\n"), RelayFault::grammar, ""},
    {"no name", get(": 1\r\n"), RelayFault::grammar, ""},
    {"no colon", get("Foo\r\n"), RelayFault::grammar, ""},
    {"space before the first header", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", RelayFault::grammar, ""},
    {"empty line first", "\r\n" + get(""), RelayFault::grammar, ""},
    {"two spaces", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", RelayFault::grammar, ""},
    {"HTTP/0.9", "GET /\r\n\r\n", RelayFault::grammar, ""},
    {"HTTP/1.0", "GET / HTTP/1.0\r\nHost: h\r\n\r\n", RelayFault::version, ""},
    {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", RelayFault::version, ""},
    {"HTTP/1.10", "GET / HTTP/1.10\r\nHost: h\r\n\r\n", RelayFault::version, ""},
    {"head too large", get("A: " + std::string(33'000, 'a') + "\r\n"), RelayFault::too_large, ""},
    // host
    {"no host", "GET / HTTP/1.1\r\n\r\n", RelayFault::host, ""},
    {"two hosts", get("Host: other\r\n"), RelayFault::host, ""},
    {"host with a path", "GET / HTTP/1.1\r\nHost: h/x\r\n\r\n", RelayFault::host, ""},
    {"host with a user", "GET / HTTP/1.1\r\nHost: a@h\r\n\r\n", RelayFault::host, ""},
    {"host with a bad port", "GET / HTTP/1.1\r\nHost: h:99999\r\n\r\n", RelayFault::host, ""},
    {"host with two dots at its end", "GET / HTTP/1.1\r\nHost: h..\r\n\r\n", RelayFault::host, ""},
    {"host with an empty label", "GET / HTTP/1.1\r\nHost: h..i\r\n\r\n", RelayFault::host, ""},
    {"host that begins with a dot", "GET / HTTP/1.1\r\nHost: .h\r\n\r\n", RelayFault::host, ""},
    {"name in brackets", "GET / HTTP/1.1\r\nHost: [1.]\r\n\r\n", RelayFault::host, ""},
    {"host list", "GET / HTTP/1.1\r\nHost: h, i\r\n\r\n", RelayFault::host, ""},
    {"capital host with dot and port", "GET / HTTP/1.1\r\nHost: H.:80\r\n\r\n", kNone, get("")},
    {"absolute form", "GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n", kNone, sent("/a")},
    {"absolute form of another host", "GET http://i/a HTTP/1.1\r\nHost: h\r\n\r\n", RelayFault::host, ""},
    {"absolute form of another port", "GET http://h:81/a HTTP/1.1\r\nHost: h\r\n\r\n", RelayFault::host, ""},
    {"absolute form with a user", "GET http://h@i/a HTTP/1.1\r\nHost: h\r\n\r\n", RelayFault::target, ""},
    {"absolute form of https", "GET https://h/a HTTP/1.1\r\nHost: h\r\n\r\n", RelayFault::target, ""},
    {"CONNECT", "CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n", RelayFault::method, ""},
    {"TRACE", "TRACE / HTTP/1.1\r\nHost: h\r\n\r\n", RelayFault::method, ""},
    {"asterisk", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", RelayFault::target, ""},
    // paths
    {"dot segments", target("/a/./b/../c"), kNone, sent("/a/c")},
    {"dot segments escaped", target("/a/%2e%2E/b"), kNone, sent("/b")},
    {"above the root", target("/../../etc"), kNone, sent("/etc")},
    {"last dot segment", target("/a/b/.."), kNone, sent("/a/")},
    {"escaped letters", target("/%61%7e%2D"), kNone, sent("/a~-")},
    {"lower case escape", target("/%c3%a9"), kNone, sent("/%C3%A9")},
    {"escape that stays", target("/a%20b%3F"), kNone, sent("/a%20b%3F")},
    {"characters that are none", target("/a|b\"<>"), kNone, sent("/a%7Cb%22%3C%3E")},
    {"two slashes", target("//a//b"), kNone, sent("//a//b")},
    {"query stays", target("/a?b=../%2f"), kNone, sent("/a?b=../%2f")},
    {"escaped slash", target("/a%2fb"), kNone, sent("/a%2Fb")},  // rules on paths refuse it
    {"escaped backslash", target("/a%5c..%5cb"), RelayFault::path, ""},
    {"backslash", target("/a\\b"), RelayFault::path, ""},
    {"escaped NUL", target("/a%00"), RelayFault::path, ""},
    {"escaped line break", target("/a%0d%0aX:y"), RelayFault::path, ""},
    {"escaped CR", target("/a%0d"), RelayFault::path, ""},
    {"half an escape", target("/a%2"), RelayFault::path, ""},
    {"no escape", target("/a%zz"), RelayFault::path, ""},
    {"dots with parameters", target("/a/..;/b"), RelayFault::path, ""},
    {"dots with escaped parameters", target("/a/..%3bx/b"), RelayFault::path, ""},
    {"fragment", target("/a#b"), RelayFault::target, ""},
    {"bytes beyond ASCII", target("/\xc3\xa9"), RelayFault::target, ""},
    // hop by hop
    {"what ends here",
        get("Connection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nProxy-Authorization: x\r\nProxy-Foo: 1\r\nTE: trailers\r\nTrailer: "
            "a\r\n"
            "Upgrade: h2c\r\nX-Kept: 1\r\n"),
        kNone, get("X-Kept: 1\r\n")},
    {"connection names the length", post("Connection: content-length\r\nContent-Length: 3\r\n", "abc"), kNone,
        post("Content-Length: 3\r\n", "abc")},
    {"expectation", post("Content-Length: 3\r\nExpect: 100-continue\r\n"), kNone, post("Content-Length: 3\r\nExpect: 100-continue\r\n")},
    {"another expectation", get("Expect: 200-ok\r\n"), RelayFault::expectation, ""},
};

TEST_CASE("relay head: given each way to write a request, when it is relayed, then it is refused or sent as one reader reads it",
    "[wire][EG-5][T-02]")
{
    CHECK(kRows.size() >= 40);
    for (auto const& row : kRows) {
        INFO(row.name);
        RelayStand stand;
        (void)stand.guest.say(row.in);
        if (row.fault != kNone) {
            CHECK(stand.until([&] { return !stand.faults.empty(); }));
            CHECK((stand.faults.empty() ? "" : name_of(stand.faults[0])) == name_of(row.fault));
            stand.settle();
            auto const said = stand.upstream.heard();
            // Of a body that breaks its coding the upstream has the head, and never the end.
            CHECK((row.fault == RelayFault::chunk ? !said.ends_with("0\r\n\r\n") : said.empty()));
            CHECK(stand.guest.heard().starts_with("HTTP/1.1 403 "));
        } else {
            CHECK(stand.until([&] { return stand.upstream.heard().size() >= row.out.size(); }));
            CHECK(stand.upstream.heard() == row.out);
            CHECK(stand.faults.empty());
        }
    }
}

TEST_CASE("relay head: given a chunk in many pieces, when they come one byte at a time, then the body is the same", "[wire][EG-5]")
{
    RelayStand stand;
    (void)stand.guest.say(post(kChunked));
    for (char const c : std::string("5\r\nhello\r\n0\r\nA: b\r\n\r\n")) {
        (void)stand.guest.say(std::string_view(&c, 1));
        stand.loop.run_one();
    }
    REQUIRE(stand.until([&] { return stand.upstream.heard().ends_with("0\r\n\r\n"); }));
    std::string body;
    BodyReader reader({Framing::chunked, 0}, BodyReader::Extensions::refused);
    auto const heard = stand.upstream.heard();
    (void)reader.feed(std::string_view(heard).substr(heard.find("\r\n\r\n") + 4), 1000, body);
    CHECK(reader.done());
    CHECK(body == "hello");
}

struct Answer {
    char const* name;
    std::string in;
    bool taken;
};

TEST_CASE("relay head: given each way to write an answer, when it is read, then what two readers could read differently is a 502",
    "[wire][EG-5][EG-7]")
{
    std::string const ok = "HTTP/1.1 200 OK\r\n";
    std::vector<Answer> const answers{
        {"plain", ok + "Content-Length: 1\r\n\r\na", true},
        {"length and coding", ok + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false},
        {"two lengths", ok + "Content-Length: 1\r\nContent-Length: 1\r\n\r\na", false},
        {"other coding", ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", false},
        {"coding in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false},
        {"folded", ok + "A: 1\r\n b\r\nContent-Length: 0\r\n\r\n", false},
        {"bare LF", "HTTP/1.1 200 OK\nContent-Length: 0\n\r\n\r\n", false},
        {"not HTTP", "SSH-2.0-OpenSSH\r\n\r\n", false},
        {"status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", false},
        {"upgrade that nobody asked for", "HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", false},
        {"too many fields",
            ok +
                [] {
                    std::string out;
                    for (int i = 0; i < 129; ++i) out += "A: 1\r\n";
                    return out;
                }() +
                "\r\n",
            false},
    };
    for (auto const& answer : answers) {
        INFO(answer.name);
        RelayStand stand(get(""));
        REQUIRE(stand.until([&] { return !stand.upstream.heard().empty(); }));
        (void)stand.upstream.say(answer.in);
        REQUIRE(stand.until([&] { return stand.guest.heard().contains("\r\n\r\n"); }));
        CHECK(stand.guest.heard().starts_with(answer.taken ? "HTTP/1.1 200 OK\r\n" : "HTTP/1.1 502 "));
    }
}

}  // namespace test_http_relay_head
