// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/wire/json. One strict document or a refusal; what is printed is valid whatever bytes went in.

#include "wire/json.h"

namespace test_json {

using namespace ocu;
using namespace ocu::wire;

TEST_CASE("json: given a document, when it is parsed, then its values can be asked for", "[wire]")
{
    auto const parsed = Json::parse(R"( {"a":[1,2.5,true,null,"x"],"b":{"c":-7}} )");
    REQUIRE(parsed.has_value());
    auto const root = parsed->view();
    CHECK(root["a"].size() == 5);
    CHECK(root["a"].at(0).integer() == 1);
    CHECK_FALSE(root["a"].at(1).integer().has_value());
    CHECK(root["a"].at(2).boolean() == true);
    CHECK(root["a"].at(3).is_null());
    CHECK(root["a"].at(4).string() == "x");
    CHECK(root["b"]["c"].integer() == -7);
    CHECK_FALSE(static_cast<bool>(root["missing"]));
    CHECK_FALSE(static_cast<bool>(root["a"].at(5)));
}

TEST_CASE("json: given text that is not one strict document, when it is parsed, then it is malformed", "[wire][T-02]")
{
    for (std::string_view const text : {"", "{", "{}x", "{} {}", "[1,]", "{\"a\":1,\"a\":2}", "{\"a\":{\"b\":1,\"b\":2}}", "nul",
             "\"\x01\"", "\"\xff\"", "\"\\ud800\"", "\"a\\u0000b\"", "{'a':1}"}) {
        INFO(text);
        auto const parsed = Json::parse(text);
        REQUIRE_FALSE(parsed.has_value());
        CHECK(parsed.error().fault == Fault::malformed);
    }
}

TEST_CASE("json: given nesting at and over the bound, when it is parsed, then only the first is taken", "[wire][T-02][GW-4]")
{
    auto const nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    CHECK(Json::parse(nested(8), {.depth_max = 8}).has_value());
    auto const over = Json::parse(nested(9), {.depth_max = 8});
    REQUIRE_FALSE(over.has_value());
    CHECK(over.error().fault == Fault::over_limit);
    CHECK_FALSE(Json::parse(nested(100'000)).has_value());
}

TEST_CASE("json: given text over the size bound, when it is parsed, then it is over the limit", "[wire][T-02][GW-4]")
{
    auto const over = Json::parse("\"" + std::string(100, 'a') + "\"", {.bytes_max = 100});
    REQUIRE_FALSE(over.has_value());
    CHECK(over.error().fault == Fault::over_limit);
}

TEST_CASE("json: given a number outside the exact range, when it is asked for as an integer, then it is none", "[wire]")
{
    CHECK_FALSE(Json::parse("9007199254740994")->view().integer().has_value());
    CHECK_FALSE(Json::parse("1e300")->view().integer().has_value());
}

TEST_CASE(
    "json: given bytes that are not UTF-8, when they are printed, then the text parses and holds replacement characters", "[wire][T-07]")
{
    auto object = Json::object();
    object.set("k", std::string_view("a\xff\0b\xc3\x28", 6));
    auto const again = Json::parse(object.print());
    REQUIRE(again.has_value());
    CHECK(again->view()["k"].string() ==
          "a\xef\xbf\xbd\xef\xbf\xbd"
          "b\xef\xbf\xbd(");
}

TEST_CASE("json: given overlong and surrogate encodings, when they are checked, then they are not UTF-8", "[wire][T-02]")
{
    CHECK(is_utf8("\xe2\x82\xac\xf0\x9f\x98\x80"));
    for (std::string_view const text :
        {"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xf0\x80\x80\x80", "\x80", "\xe2\x82"})
        CHECK_FALSE(is_utf8(text));
}

}  // namespace test_json
