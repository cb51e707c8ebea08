// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/withhold_rule.h"

#include <algorithm>
#include <cstddef>

#include "proto/broker_to_storage.h"
#include "storage/limits.h"
#include "storage/scope.h"

namespace ocu::storage {

namespace {

constexpr std::string_view kAnyDepth = "**";

template <class Part>
void each_component(std::string_view text, Part part)
{
    for (std::size_t at = 0; at <= text.size();) {
        auto const end = std::min(text.find('/', at), text.size());
        part(text.substr(at, end - at));
        at = end + 1;
    }
}

// The shape of both levels: `many` is what stands for any number of items. What came before the last of them never has to be tried again,
// since whatever it left over, the last one can take.
template <class Pattern, class Text, class IsMany, class Same>
bool matches_with(Pattern const& pattern, Text const& text, IsMany is_many, Same same)
{
    std::size_t p = 0, t = 0;
    std::size_t last_many = pattern.size(), taken_to = 0;
    while (t < text.size()) {
        if (p < pattern.size() && is_many(pattern[p])) {
            last_many = p++;
            taken_to = t;
        } else if (p < pattern.size() && same(pattern[p], text[t])) {
            ++p;
            ++t;
        } else if (last_many != pattern.size()) {
            p = last_many + 1;
            t = ++taken_to;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && is_many(pattern[p])) ++p;
    return p == pattern.size();
}

bool component_matches(std::string_view pattern, std::string_view name)
{
    return matches_with(pattern, name, [](char c) { return c == '*'; }, [](char c, char other) { return c == '?' || c == other; });
}

}  // namespace

WithholdRule::WithholdRule(std::string_view pattern) : text_(pattern)
{
    each_component(pattern, [this](std::string_view part) { components_.emplace_back(part); });
}

std::string_view WithholdRule::fault(std::string_view pattern)
{
    if (pattern.empty()) return "is empty";
    if (pattern.size() > proto::kWithholdRuleBytesMax) return "is too long";
    if (std::ranges::any_of(pattern, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) return "has a control character";
    std::string_view found;
    bool first = true;
    each_component(pattern, [&](std::string_view part) {
        if (part.empty())
            found = "has an empty component";
        else if (name_fault(part) != 0)
            found = "has a component that is no name";
        else if (part.find(kAnyDepth) != part.npos && part != kAnyDepth)
            found = "has ** in a component that has more";
        else if (first && part != "uploads" && part != "outputs" && part != kAnyDepth)
            found = "begins with neither uploads, outputs nor **";
        first = false;
    });
    return found;
}

bool WithholdRule::matches(std::string_view path) const
{
    std::vector<std::string_view> parts;
    each_component(path, [&parts](std::string_view part) { parts.push_back(part); });
    return matches_with(
        components_, parts, [](std::string_view part) { return part == kAnyDepth; },
        [](std::string_view part, std::string_view name) { return component_matches(part, name); });
}

}  // namespace ocu::storage
