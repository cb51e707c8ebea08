// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/page_assets. The pack of this build, and packs made here: what is found, under which headers, and what is refused.
#include <catch2/catch_test_macros.hpp>

#include <zlib.h>

#include <string>
#include <vector>

#include "storage/page_assets.h"

namespace test_page_assets {

using namespace ocu;
using namespace ocu::storage;

wire::HttpRequest request(std::string method, std::string target, std::vector<wire::HttpHeader> headers = {{"Host", "files.example:8444"}})
{
    return {.connection = {}, .method = std::move(method), .target = std::move(target), .headers = std::move(headers), .body = {}};
}

std::string header(wire::HttpResponse const& response, std::string_view name)
{
    for (auto const& each : response.headers)
        if (each.name == name) return each.value;
    return {};
}

std::string policy(wire::HttpResponse const& response) { return header(response, "Content-Security-Policy"); }

std::string gzip(std::string_view text)
{
    std::string out(text.size() + 128, '\0');
    z_stream stream{};
    REQUIRE(::deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    return out;
}

std::string pack(std::string const& head, std::string const& bodies)
{
    return "ocu-page/1 " + std::to_string(head.size()) + "\n" + head + bodies;
}

TEST_CASE("page: given this program's pack, when its documents are asked for, then each has its own strict policy", "[storage][T-29][SB-6]")
{
    for (auto const* path : {"/", "/embed", "/?x=1"}) {
        auto const page = page_asset(request("GET", path));
        REQUIRE(page.has_value());
        CHECK(page->status == 200);
        CHECK(header(*page, "Content-Type") == "text/html; charset=utf-8");
        CHECK(header(*page, "Cache-Control") == "no-cache");
        CHECK(policy(*page).starts_with("default-src 'none'; script-src files.example:8444/assets/; "));
        CHECK(policy(*page).contains("connect-src files.example:8444/v1/; frame-src files.example:8444/frame;"));
        CHECK(policy(*page).contains("base-uri 'none'; form-action 'none'"));
        CHECK(policy(*page).contains("frame-ancestors 'self'"));
        CHECK_FALSE(policy(*page).contains("unsafe"));
        CHECK_FALSE(policy(*page).contains("{"));
        CHECK(page->body.contains("<script type=\"module\" src=\"/assets/page-"));
        CHECK_FALSE(page->body.contains("<script>"));
    }
    auto const frame = page_asset(request("GET", "/frame"));
    REQUIRE(frame.has_value());
    CHECK(policy(*frame).starts_with("sandbox allow-scripts; default-src 'none'; script-src files.example:8444/assets/; "));
    // Nothing in the closed frame is fetched from an address, and nothing is sent.
    for (auto const* word : {"connect-src", "'self' '", "http", "allow-same-origin", "unsafe-eval", "wasm"})
        CHECK_FALSE(policy(*frame).contains(word));
    for (auto const& each : {*page_asset(request("GET", "/")), *frame}) {
        CHECK(header(each, "X-Content-Type-Options") == "nosniff");
        CHECK(header(each, "Referrer-Policy") == "no-referrer");
        CHECK(header(each, "Permissions-Policy").contains("camera=()"));
    }
}

TEST_CASE(
    "page: given hashed files, when they are asked for, then they are kept for ever, packed where that is understood", "[storage][SB-6]")
{
    auto const page = page_asset(request("GET", "/"));
    REQUIRE(page.has_value());
    auto const from = page->body.find("/assets/page-");
    auto const path = page->body.substr(from, page->body.find('"', from) - from);
    auto const plain = page_asset(request("GET", path));
    REQUIRE(plain.has_value());
    CHECK(header(*plain, "Cache-Control") == "public, max-age=31536000, immutable");
    CHECK(header(*plain, "Content-Encoding").empty());
    auto const packed = page_asset(request("GET", path, {{"Host", "h"}, {"Accept-Encoding", "br, gzip;q=0.8, *;q=0"}}));
    REQUIRE(packed.has_value());
    CHECK(header(*packed, "Content-Encoding") == "gzip");
    CHECK(header(*packed, "Vary") == "Accept-Encoding");
    CHECK(packed->body.size() < plain->body.size());
    CHECK(packed->body.starts_with("\x1f\x8b"));
    auto const refused = page_asset(request("GET", path, {{"Host", "h"}, {"Accept-Encoding", "gzip;q=0, br"}}));
    CHECK(header(*refused, "Content-Encoding").empty());
    auto const again = page_asset(request("GET", path, {{"Host", "h"}, {"If-None-Match", header(*plain, "ETag")}}));
    CHECK(again->status == 304);
    CHECK(again->body.empty());
}

TEST_CASE("page: given anything else, when it is asked for, then it is not the page's", "[storage][SB-6]")
{
    for (auto const* path : {"/v1/files", "/assets/", "/assets/../frame", "/frame/", "/embed%2f", "/health", "/assets/page.js", ""})
        CHECK_FALSE(page_asset(request("GET", path)).has_value());
    for (auto const* method : {"POST", "PUT", "DELETE", "OPTIONS", "get"}) CHECK_FALSE(page_asset(request(method, "/")).has_value());
    CHECK(page_asset(request("HEAD", "/")).has_value());
}

TEST_CASE("page: given hosts that a policy cannot name, when the page is asked for, then it says 'self'", "[storage][T-29]")
{
    for (auto const* host : {"10.0.0.5:8444", "[::1]:8812", "", "a b", "x;script-src *", "1.2.3.4"}) {
        auto const page = page_asset(request("GET", "/", {{"Host", host}}));
        CHECK(policy(*page).contains("script-src 'self'; style-src 'self';"));
        CHECK_FALSE(policy(*page).contains("*"));
    }
    CHECK(policy(*page_asset(request("GET", "/", {{"Host", "127.0.0.1:8812"}}))).contains("script-src 127.0.0.1:8812/assets/;"));
}

TEST_CASE("page: given origins that may embed, when page and frame are asked for, then these and nothing else may", "[storage][T-29][SB-6]")
{
    std::vector<std::string> const ancestors{
        "https://chat.example", "https://x; script-src *", "javascript:alert(1)", "https://*.example:8443"};
    for (auto const* path : {"/embed", "/frame"}) {
        auto const found = policy(*page_asset(request("GET", path), ancestors));
        CHECK(found.ends_with("frame-ancestors 'self' https://chat.example https://*.example:8443"));
    }
}

TEST_CASE("page: given packs that are broken, when they are asked, then nothing is answered", "[storage]")
{
    auto const body = gzip("hello");
    auto const size = std::to_string(body.size());
    auto const line = "file\t/\ttext/plain\tp\trevalidate\t\"e\"\t0\t" + size + "\t5\n";
    auto const good = page_asset_from(pack("header\tp\tX-A\t1\n" + line, body), request("GET", "/"), {});
    REQUIRE(good.has_value());
    CHECK(good->body == "hello");
    CHECK(header(*good, "X-A") == "1");
    for (auto const& broken :
        {std::string(), std::string("ocu-page/2 0\n"), std::string("ocu-page/1 99\n"), std::string("ocu-page/1 x\n"), pack(line, "short"),
            pack("file\t/\tt\tp\tr\t\"e\"\t9\t" + size + "\t5\n", body), pack("file\t/\tt\tp\tr\t\"e\"\t0\t" + size + "\t6\n", body),
            pack("file\t/\tt\tp\tr\t\"e\"\t0\t" + size + "\t99999999\n", body), pack("file\t/\tt\n", body),
            pack(line, std::string(body.size(), 'x'))})
        CHECK_FALSE(page_asset_from(broken, request("GET", "/"), {}).has_value());
}

}  // namespace test_page_assets
