// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/policy.h"

#include <algorithm>

#include "wire/json.h"

namespace ocu::gateway {

using wire::Json;

namespace {

constexpr std::string_view kMount = "/mnt/user-data/";
constexpr std::string_view kAllBelow = "/**";

Json list_of(std::string_view one)
{
    Json list = Json::array();
    list.push(Json::string(one));
    return list;
}

// A pattern that fits this path. There is no way to write a `*` or `?` that stands for itself.
std::string pattern_of(std::string path)
{
    std::ranges::replace_if(path, [](unsigned char c) { return c == '*' || c < 0x20 || c == 0x7f; }, '?');
    if (path.size() <= kPatternBytesMax) return path;
    while (path.size() > kPatternBytesMax - kAllBelow.size()) path.resize(path.rfind('/'));
    return path.append(kAllBelow);
}

}  // namespace

std::optional<Action> action_named(std::string_view name)
{
    for (std::size_t i = 0; i < kActions; ++i)
        if (name_of(static_cast<Action>(i)) == name) return static_cast<Action>(i);
    return std::nullopt;
}

proto::ToolSet Actions::tools() const
{
    proto::ToolSet out;
    for (auto tool = std::uint8_t{0}; tool <= static_cast<std::uint8_t>(proto::Tool::kLast); ++tool)
        if (has(action_of(static_cast<proto::Tool>(tool)))) out.add(static_cast<proto::Tool>(tool));
    return out;
}

bool PolicyRule::is_for_caller(std::string_view caller) const { return callers.empty() || std::ranges::binary_search(callers, caller); }

Policy::Policy(std::vector<PolicyRule> rules) : rules_(std::move(rules))
{
    for (auto& rule : rules_) std::ranges::sort(rule.callers);
}

Verdict Policy::judge(std::string_view caller, Action action, std::string_view path) const
{
    if (!judges()) return {.allowed = true};
    std::optional<std::expected<std::string, PathFault>> normal;  // made when the first pattern is met
    for (std::size_t i = 0; i < rules_.size(); ++i) {
        auto const& rule = rules_[i];
        if (!rule.is_for(caller, action)) continue;
        if (rule.paths.empty()) return {.allowed = true, .rule = i + 1};
        if (!has_path(action)) continue;
        if (!normal) normal = normal_path(path);
        if (!*normal) continue;
        bool const fits = std::ranges::any_of(rule.paths, [&](PathPattern const& pattern) { return pattern.matches(**normal); });
        if (fits) return {.allowed = true, .rule = i + 1, .path = **normal};
    }
    return {.fault = normal && !*normal ? normal->error() : PathFault::none};
}

Actions Policy::may_use(std::string_view caller) const
{
    if (!judges()) return Actions::all();
    Actions out;
    for (std::size_t i = 0; i < kActions; ++i)
        for (auto const& rule : rules_)
            if (rule.is_for(caller, static_cast<Action>(i))) out.add(static_cast<Action>(i));
    return out;
}

std::string path_of_resource(std::string_view path) { return std::string(kMount).append(path); }

std::string needed_policy(std::string_view caller, Action action, std::string_view path)
{
    Json rule = Json::object();
    rule.set("callers", list_of(caller)).set("tools", list_of(name_of(action)));
    if (auto const normal = normal_path(path); has_path(action) && normal) {
        Json arguments = Json::object();
        arguments.set("path", list_of(pattern_of(*normal)));
        rule.set("arguments", std::move(arguments));
    }
    return rule.print();
}

}  // namespace ocu::gateway
