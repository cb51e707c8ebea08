// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/policy_explain.h"

#include <algorithm>
#include <format>

namespace ocu::gateway {

using proto::Reason;

namespace {

constexpr std::size_t kRulesShownMax = proto::kExplainStepsMax - 8;
enum class Good { no, yes };

// A caller's or an operator's letters, as printable ASCII.
std::string shown(std::string_view text)
{
    constexpr std::size_t kShown = 200;
    std::string out(text.substr(0, kShown));
    std::ranges::replace_if(out, [](unsigned char c) { return c < 0x20 || c >= 0x7f; }, '?');
    return text.size() > kShown ? out + "..." : out;
}

class Words {
public:
    void say(std::string_view topic, std::string_view words, Good good)
    {
        if (!out.steps.full()) out.steps.push({wire::Text<16>::cut(topic), wire::Text<400>::cut(words), good == Good::yes});
    }
    proto::Explained refuse(Reason reason) &&
    {
        out.reason = reason;
        return std::move(out);
    }

    proto::Explained out;
};

// A rule that names this caller and tool: what it says to the path.
void say_rule(Words& words, std::size_t number, PolicyRule const& rule, std::expected<std::string, PathFault> const& path)
{
    auto const topic = std::format("rule {}", number);
    if (rule.paths.empty()) return words.say(topic, "names caller and tool, whatever the arguments are", Good::yes);
    if (!path) return words.say(topic, "names caller and tool, and has patterns for a path that cannot be judged", Good::no);
    auto const found = std::ranges::find_if(rule.paths, [&](PathPattern const& each) { return each.matches(*path); });
    if (found != rule.paths.end()) return words.say(topic, "names caller and tool; the path fits " + shown(found->text()), Good::yes);
    std::string patterns;
    for (auto const& each : rule.paths) patterns += (patterns.empty() ? "" : ", ") + shown(each.text());
    words.say(topic, "names caller and tool; the path fits none of " + patterns, Good::no);
}

// The rules that name caller and tool, up to the one that allows it.
void say_rules(Words& words, Policy const& policy, std::string_view caller, Action action, std::string_view path, std::size_t allowed_by)
{
    auto const normal = normal_path(path);
    std::size_t others = 0, said = 0;
    for (std::size_t i = 0; i < policy.rules().size() && (allowed_by == 0 || i < allowed_by); ++i) {
        auto const& rule = policy.rules()[i];
        if (!rule.is_for(caller, action)) {
            ++others;
        } else if (said < kRulesShownMax || i + 1 == allowed_by) {
            ++said;
            say_rule(words, i + 1, rule, normal);
        }
    }
    if (said == 0)
        words.say("rules", std::format("none of {} allows {} to {}", policy.rules().size(), name_of(action), shown(caller)), Good::no);
    else if (others > 0 && allowed_by == 0)
        words.say("rules", std::format("{} more are for others or for other tools", others), Good::no);
}

}  // namespace

proto::Explained explain_action(Policy const& policy, std::span<std::string const> callers, proto::PolicyQuestion const& question)
{
    Words words;
    auto const caller = question.caller.view();
    auto const path = question.path.view();
    if (!std::ranges::contains(callers, caller)) {
        words.say("caller", "the manifest declares no " + shown(caller), Good::no);
        return std::move(words).refuse(Reason::unauthorized);
    }
    words.say("caller", shown(caller) + " is declared", Good::yes);
    auto const action = action_named(question.tool.view());
    if (!action) {
        words.say("tool", "there is no " + shown(question.tool.view()), Good::no);
        return std::move(words).refuse(Reason::unknown_tool);
    }
    words.say("tool", std::string(name_of(*action)) + " is there", Good::yes);
    if (!policy.judges()) {
        words.say("rules", "mcp.policy has none: every caller may use every tool", Good::yes);
        return std::move(words.out);
    }
    if (has_path(*action)) {
        auto const normal = normal_path(path);
        words.say("path", normal ? "judged as " + shown(*normal) : "cannot be judged: " + std::string(words_of(normal.error())),
            normal ? Good::yes : Good::no);
    }
    auto const verdict = policy.judge(caller, *action, path);
    say_rules(words, policy, caller, *action, path, verdict.rule);
    if (verdict.allowed) {
        words.out.rule = wire::Text<64>(std::to_string(verdict.rule));
        return std::move(words.out);
    }
    if (verdict.fault == PathFault::none) words.out.needed = wire::Text<1024>::cut(needed_policy(caller, *action, path));
    return std::move(words).refuse(Reason::policy_denied);
}

}  // namespace ocu::gateway
