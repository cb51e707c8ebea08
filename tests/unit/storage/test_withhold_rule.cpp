// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/withhold_rule. What a pattern takes, what is none, and that no name makes it look long.
#include <catch2/catch_test_macros.hpp>

#include "storage/withhold_rule.h"

namespace test_withhold_rule {

using ocu::storage::WithholdRule;

TEST_CASE("withhold_rule: given a pattern, when a path is looked at, then components and bytes decide", "[storage][SB-5]")
{
    struct Row {
        char const* pattern;
        char const* path;
        bool matches;
    };
    for (auto const& [pattern, path, matches] :
        {Row{"outputs/raw/*", "outputs/raw/a", true}, Row{"outputs/raw/*", "outputs/raw/a/b", false},
            Row{"outputs/raw/*", "outputs/raw", false}, Row{"outputs/raw/**", "outputs/raw/a/b", true},
            Row{"uploads/**/*.key", "uploads/a.key", true}, Row{"uploads/**/*.key", "uploads/x/y/a.key", true},
            Row{"uploads/**/*.key", "uploads/a.KEY", false}, Row{"uploads/**/*.key", "outputs/a.key", false},
            Row{"uploads/**/*.key", "uploads/a.key/b", false}, Row{"**/secret", "outputs/secret", true}, Row{"**/secret", "secret", true},
            Row{"**/a/**/b", "outputs/a/x/a/y/b", true}, Row{"**/a/**/b", "outputs/x/b", false}, Row{"outputs/?", "outputs/a", true},
            Row{"outputs/?", "outputs/ab", false}, Row{"outputs/a*b*c", "outputs/aXbYbZc", true},
            Row{"outputs/a*b*c", "outputs/aXbYbZ", false}, Row{"outputs/\xc3\xa9", "outputs/e\xcc\x81", false},
            Row{"outputs/[a]", "outputs/a", false}, Row{"outputs/*", "outputs/.hidden", true}}) {
        INFO(pattern << " and " << path);
        CHECK(WithholdRule(pattern).matches(path) == matches);
    }
}

TEST_CASE("withhold_rule: given what is no pattern, when it is admitted, then a fault", "[storage][SB-5]")
{
    for (auto const* const bad : {"", "/uploads/a", "uploads//a", "uploads/a/", "uploads/../a", "uploads/./a", "uploads/**a", "a/**", "*/a",
             "*.key", "uploads/a\nb"})
        CHECK_FALSE(WithholdRule::fault(bad).empty());
    CHECK_FALSE(WithholdRule::fault("uploads/" + std::string(249, 'a')).empty());
    for (auto const* const good : {"uploads/a", "outputs/**", "**/*.key", "**", "uploads/*/b?"}) CHECK(WithholdRule::fault(good).empty());
}

TEST_CASE("withhold_rule: given names made to be looked at again and again, when matched, then the work is bounded", "[storage][T-06]")
{
    std::string pattern = "**", path = "outputs";
    for (int i = 0; i < 12; ++i) pattern += "/**/*a*a*a*b";
    for (int i = 0; i < 60; ++i) path += "/" + std::string(60, 'a');
    // One that looked back at every star would not end.
    CHECK_FALSE(WithholdRule(pattern).matches(path));
}

}  // namespace test_withhold_rule
