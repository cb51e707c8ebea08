// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/gateway/path_pattern. One form for a path, or none; patterns that fit what they say and nothing else; work that a caller cannot drive up.

#include "gateway/path_pattern.h"

#include <catch2/catch_test_macros.hpp>

#include <string>
#include <vector>

namespace test_path_pattern {

using namespace ocu::gateway;

bool fits(std::string_view pattern, std::string_view path)
{
    REQUIRE(PathPattern::fault(pattern).empty());
    return PathPattern(pattern).matches(path);
}

TEST_CASE("path_pattern: given a path, when it is brought into one form, then its letters alone decide", "[gateway][GW-7][T-35]")
{
    CHECK(normal_path("/a/b").value() == "/a/b");
    CHECK(normal_path("//a///b/").value() == "/a/b");
    CHECK(normal_path("/a/./b/.").value() == "/a/b");
    CHECK(normal_path("/a/x/../b/c/..").value() == "/a/b");
    CHECK(normal_path("/").value() == "/");
    CHECK(normal_path("/a/..").value() == "/");
    CHECK(normal_path("/a/..b/...").value() == "/a/..b/...");
    CHECK(normal_path("/gr\xc3\xbcn").value() == "/gr\xc3\xbcn");
}

TEST_CASE("path_pattern: given a path that cannot be judged, when it is brought into one form, then it is refused by its fault",
    "[gateway][GW-7][T-35]")
{
    CHECK(normal_path("").error() == PathFault::missing);
    CHECK(normal_path("a/b").error() == PathFault::relative);
    CHECK(normal_path("./a").error() == PathFault::relative);
    CHECK(normal_path("/..").error() == PathFault::above_root);
    CHECK(normal_path("/a/../../b").error() == PathFault::above_root);
    CHECK(normal_path(std::string_view("/a\0b", 4)).error() == PathFault::not_text);
    CHECK(normal_path("/a\xff").error() == PathFault::not_text);
    CHECK(normal_path("/" + std::string(kJudgedPathBytesMax, 'a')).error() == PathFault::too_long);
    CHECK(normal_path("/" + std::string(kJudgedPathBytesMax - 1, 'a')).has_value());
    for (auto const fault : {PathFault::missing, PathFault::relative, PathFault::above_root, PathFault::not_text, PathFault::too_long})
        CHECK(words_of(fault).size() > 5);
}

TEST_CASE("path_pattern: given patterns, when paths are held against them, then a star stays within one name", "[gateway][GW-7][T-35]")
{
    CHECK(fits("/a/*", "/a/b"));
    CHECK_FALSE(fits("/a/*", "/a"));
    CHECK_FALSE(fits("/a/*", "/a/b/c"));
    CHECK(fits("/a/*.txt", "/a/.txt"));
    CHECK(fits("/a/x*y*z", "/a/xyyzz"));
    CHECK_FALSE(fits("/a/x*y", "/a/xyz"));
    CHECK_FALSE(fits("/a/*.txt", "/a/b.txt.sh"));
    CHECK(fits("/a/?.c", "/a/b.c"));
    CHECK_FALSE(fits("/a?b", "/a/b"));
    CHECK_FALSE(fits("/a/?", "/a/bc"));
    CHECK(fits("/?a?", "/xay"));
    CHECK_FALSE(fits("/?a?", "/xby"));
    CHECK_FALSE(fits("/*", "/"));
    CHECK(fits("/", "/"));
    CHECK_FALSE(fits("/", "/a"));
    CHECK_FALSE(fits("/A", "/a"));
}

TEST_CASE("path_pattern: given two stars, when paths are held against them, then any number of whole names fits", "[gateway][GW-7][T-35]")
{
    CHECK(fits("/a/**", "/a"));
    CHECK(fits("/a/**", "/a/b"));
    CHECK(fits("/a/**", "/a/b/c"));
    CHECK_FALSE(fits("/a/**", "/ab"));
    CHECK_FALSE(fits("/a/**", "/"));
    CHECK(fits("/**", "/"));
    CHECK(fits("/**", "/a/b"));
    CHECK(fits("/a/**/z", "/a/z"));
    CHECK(fits("/a/**/z", "/a/b/c/z"));
    CHECK_FALSE(fits("/a/**/z", "/a/bz"));
    CHECK_FALSE(fits("/a/**/z", "/a/b/zz"));
    CHECK(fits("/**/x/**/*.md", "/q/x/r/s/t.md"));
    CHECK(fits("/**/**/a", "/a"));
    CHECK(fits("/a*/**", "/ab/c"));
    CHECK(fits("/a*/**", "/a"));
    CHECK(fits("/mnt/user-data/outputs/**", "/mnt/user-data/outputs/a b.txt"));
}

TEST_CASE("path_pattern: given a pattern that says nothing sound, when it is looked at, then its fault is named", "[gateway][GW-7]")
{
    for (auto const* wrong : {"", "a/b", "*", "/a/", "/a//b", "/a/../b", "/./a", "/a/**b", "/a/***", "/a\n", "/\xff"}) {
        INFO(wrong);
        CHECK_FALSE(PathPattern::fault(wrong).empty());
    }
    CHECK(PathPattern::fault("/" + std::string(kPatternBytesMax - 1, '?')).empty());
    CHECK_FALSE(PathPattern::fault("/" + std::string(kPatternBytesMax, '?')).empty());
}

TEST_CASE("path_pattern: given a pattern of the greatest length, when it is used, then its last place still decides", "[gateway][GW-7]")
{
    std::string const letters = "/" + std::string(kPatternBytesMax - 2, 'a');
    CHECK(fits(letters + "b", letters + "b"));
    CHECK_FALSE(fits(letters + "b", letters + "c"));
    CHECK_FALSE(fits(letters + "b", letters));
    std::string stars;
    while (stars.size() + 3 <= kPatternBytesMax) stars += "/*a";
    std::string path;
    while (path.size() + 3 <= 3 * (stars.size() / 3)) path += "/xa";
    CHECK(fits(stars, path));
    CHECK_FALSE(fits(stars, path + "b"));
}

}  // namespace test_path_pattern
