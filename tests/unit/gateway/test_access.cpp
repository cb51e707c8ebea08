// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/gateway/access. Host, Origin, token and chat are taken from where they may be, and from nowhere else.

#include "gateway/access.h"

#include <catch2/catch_test_macros.hpp>

namespace test_access {

using namespace ocu;
using namespace ocu::gateway;
using proto::Reason;

wire::HttpRequest with(std::vector<wire::HttpHeader> headers)
{
    wire::HttpRequest request;
    request.headers = std::move(headers);
    return request;
}

AccessRules const kRules{{"127.0.0.1", "localhost", "::1", "box.example"}, {"https://chat.example"}, false};

TEST_CASE("access: given a Host that is ours in any spelling, when it is judged, then it is allowed", "[gateway][GW-4]")
{
    for (auto const* host : {"127.0.0.1:8811", "127.0.0.1", "LOCALHOST:1", "[::1]:8811", "[::1]", "Box.Example"}) {
        CHECK(host_allowed(kRules, with({{"Host", host}})));
    }
}

TEST_CASE("access: given a Host that is not ours, when it is judged, then it is refused", "[gateway][T-01][GW-4]")
{
    for (auto const* host : {"evil.example", "127.0.0.1.evil.example", "127.0.0.1:8811@evil.example", "", "[::1", "[::1]x",
             "localhost:", "localhost:99x", "localhost:123456", "::1", "box.example."}) {
        CHECK_FALSE(host_allowed(kRules, with({{"Host", host}})));
    }
}

TEST_CASE("access: given no Origin, the listed one or our own, when it is judged, then it is allowed", "[gateway][GW-4]")
{
    CHECK(origin_allowed(kRules, with({{"Host", "localhost:1"}})));
    CHECK(origin_allowed(kRules, with({{"Host", "localhost:1"}, {"Origin", "https://chat.example"}})));
    CHECK(origin_allowed(kRules, with({{"Host", "localhost:1"}, {"Origin", "http://localhost:1"}})));
}

TEST_CASE("access: given another Origin, when it is judged, then it is refused", "[gateway][T-01][GW-4]")
{
    for (auto const* origin :
        {"https://evil.example", "null", "", "http://localhost:2", "https://chat.example.evil", "https://chat.example:1"}) {
        CHECK_FALSE(origin_allowed(kRules, with({{"Host", "localhost:1"}, {"Origin", origin}})));
    }
    CHECK_FALSE(
        origin_allowed(kRules, with({{"Host", "localhost:1"}, {"Origin", "https://chat.example"}, {"Origin", "https://chat.example"}})));
}

TEST_CASE("access: given a bearer token, when it is read, then only from its header and only well formed", "[gateway][T-01][GW-3]")
{
    CHECK(bearer_token(with({{"Authorization", "Bearer abc-_.~+/="}})) == "abc-_.~+/=");
    CHECK(bearer_token(with({{"authorization", "bearer  abc "}})) == "abc");
    CHECK(bearer_token(with({})).error() == NoToken::absent);
    for (auto const* value : {"", "Bearer", "Bearer ", "Basic abc", "Bearer a b", "Bearer a\tb", "Bearer \xc3\xa9", "abc"}) {
        REQUIRE_FALSE(bearer_token(with({{"Authorization", value}})));
        CHECK(bearer_token(with({{"Authorization", value}})).error() == NoToken::malformed);
    }
    CHECK_FALSE(bearer_token(with({{"Authorization", "Bearer " + std::string(513, 'a')}})));
    CHECK_FALSE(bearer_token(with({{"Authorization", "Bearer a"}, {"Authorization", "Bearer a"}})));
    auto in_url = with({});
    in_url.target = "/mcp?access_token=abc";
    CHECK(bearer_token(in_url).error() == NoToken::absent);
}

TEST_CASE("access: given chat headers, when the chat is read, then the first that counts wins", "[gateway][GW-5]")
{
    CHECK(chat_of(kRules, with({})) == "default");
    CHECK(chat_of(kRules, with({{"X-OpenWebUI-Chat-Id", "b"}})) == "b");
    CHECK(chat_of(kRules, with({{"X-OpenWebUI-Chat-Id", "b"}, {"x-chat-id", "a"}})) == "a");
}

TEST_CASE("access: given a chat id that is malformed, when the chat is read, then it is refused and not replaced", "[gateway][T-01][GW-5]")
{
    for (std::string const& chat :
        {std::string(), std::string("a b"), std::string("../x"), std::string("a/b"), std::string(129, 'a'), std::string("\xc3\xa9")}) {
        REQUIRE_FALSE(chat_of(kRules, with({{"X-Chat-Id", chat}})));
        CHECK(chat_of(kRules, with({{"X-Chat-Id", chat}})).error() == Reason::chat_id_invalid);
    }
    CHECK(chat_of(kRules, with({{"X-Chat-Id", "a"}, {"X-Chat-Id", "a"}})).error() == Reason::chat_id_invalid);
    CHECK(chat_of(kRules, with({{"X-Chat-Id", std::string(128, 'a')}})));
}

TEST_CASE("access: given that a chat is required, when there is none, then it is refused", "[gateway][GW-5]")
{
    AccessRules rules = kRules;
    rules.chat_required = true;
    CHECK(chat_of(rules, with({})).error() == Reason::chat_id_required);
    CHECK(chat_of(rules, with({{"X-Chat-Id", "a"}})) == "a");
}

TEST_CASE("access: given an Accept header, when it is read, then what it names and no more", "[gateway][GW-1]")
{
    CHECK((accepts(with({})).json && accepts(with({})).stream));
    auto const both = accepts(with({{"Accept", "application/json, text/event-stream"}}));
    CHECK((both.json && both.stream));
    auto const json = accepts(with({{"Accept", "application/json;q=0.9"}}));
    CHECK((json.json && !json.stream));
    auto const stream = accepts(with({{"Accept", "TEXT/EVENT-STREAM"}}));
    CHECK((!stream.json && stream.stream));
    auto const neither = accepts(with({{"Accept", "text/html"}}));
    CHECK((!neither.json && !neither.stream));
    CHECK(is_json_content(with({{"Content-Type", "Application/JSON; charset=utf-8"}})));
    CHECK_FALSE(is_json_content(with({{"Content-Type", "text/plain"}})));
    CHECK_FALSE(is_json_content(with({})));
}

}  // namespace test_access
