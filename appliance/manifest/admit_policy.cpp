// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/manifest/admit_policy.h"

#include <algorithm>
#include <format>
#include <optional>

#include "gateway/tools.h"

namespace ocu::manifest {

using gateway::Action;
using gateway::PathPattern;
using gateway::PolicyRule;
using wire::JsonView;

namespace {

constexpr std::string_view kEvery = "*";

std::string at(std::string const& key, std::size_t index) { return key + "[" + std::to_string(index) + "]"; }

// The names of a list, or none where it is ["*"]. A rule that forgets whom it is for must not be for all.
Admission<std::vector<std::string>> names_of(JsonView list, std::string const& key)
{
    std::vector<std::string> names;
    for (std::size_t i = 0; i < list.size(); ++i) {
        std::string const name(list.at(i).string().value_or(""));
        if (std::ranges::contains(names, name)) return refuse(at(key, i), "is there twice");
        if (name == kEvery && list.size() > 1) return refuse(at(key, i), "stands for all, so it stands alone");
        names.push_back(name);
    }
    if (names.empty()) return refuse(key, "names nobody and nothing: [\"*\"] is all of them");
    if (names.front() == kEvery) names.clear();
    return names;
}

Admission<std::vector<std::string>> admit_rule_callers(JsonView list, std::string const& key, std::vector<gateway::Caller> const& callers)
{
    auto names = names_of(list, key);
    if (!names) return names;
    for (std::size_t i = 0; i < names->size(); ++i)
        if (!std::ranges::contains(callers, (*names)[i], &gateway::Caller::name)) return refuse(at(key, i), "is no caller of mcp.callers");
    return names;
}

Admission<gateway::Actions> admit_tools(JsonView list, std::string const& key)
{
    auto const names = names_of(list, key);
    if (!names) return std::unexpected(names.error());
    if (names->empty()) return gateway::Actions::all();
    gateway::Actions actions;
    for (std::size_t i = 0; i < names->size(); ++i) {
        auto const action = gateway::action_named((*names)[i]);
        if (!action) return refuse(at(key, i), "is neither a tool of this version nor resources/list or resources/read");
        actions.add(*action);
    }
    return actions;
}

// Whether every tool of the rule has this argument, and whether it is one that a pattern can judge. Empty: yes.
std::string argument_fault(std::string_view name, gateway::Actions actions)
{
    for (std::size_t i = 0; i < gateway::kActions; ++i) {
        auto const action = static_cast<Action>(i);
        if (!actions.has(action)) continue;
        if (is_free_text(action))
            return std::format("a command or input cannot be judged by a pattern: give {} a rule of its own, or to nobody", name_of(action));
        bool is_path = action == Action::resources_read && name == "path", known = is_path;
        if (i <= static_cast<std::size_t>(proto::Tool::kLast)) {
            for (auto const& argument : gateway::arguments_of(static_cast<proto::Tool>(i))) {
                known = known || argument.name == name;
                is_path = is_path || (argument.name == name && argument.is_path);
            }
        }
        if (!known) return std::format("is no argument of {}", name_of(action));
        if (!is_path) return "is content, which says the same in many ways: only a path is judged by patterns";
    }
    return {};
}

Admission<std::vector<PathPattern>> admit_patterns(JsonView list, std::string const& key)
{
    std::vector<PathPattern> patterns;
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto const text = list.at(i).string().value_or("");
        if (auto const fault = PathPattern::fault(text); !fault.empty()) return refuse(at(key, i), std::string(fault));
        patterns.emplace_back(text);
    }
    if (patterns.empty()) return refuse(key, "has no pattern, so nothing would fit: leave the argument out");
    return patterns;
}

Admission<PolicyRule> admit_rule(JsonView wanted, std::string const& key, std::vector<gateway::Caller> const& callers)
{
    PolicyRule rule;
    auto names = admit_rule_callers(wanted["callers"], key + ".callers", callers);
    if (!names) return std::unexpected(names.error());
    rule.callers = *std::move(names);
    auto const actions = admit_tools(wanted["tools"], key + ".tools");
    if (!actions) return std::unexpected(actions.error());
    rule.actions = *actions;
    Admission<void> verdict;
    wanted["arguments"].each([&](std::string_view name, JsonView list) {
        if (!verdict) return;
        std::string const below = key + ".arguments." + printable(name);
        if (auto const fault = argument_fault(name, rule.actions); !fault.empty()) {
            verdict = refuse(below, fault);
            return;
        }
        auto patterns = admit_patterns(list, below);
        if (patterns)
            rule.paths = *std::move(patterns);
        else
            verdict = std::unexpected(patterns.error());
    });
    if (!verdict) return std::unexpected(verdict.error());
    return rule;
}

std::string listed(std::vector<std::string> const& names)
{
    std::string out;
    for (auto const& name : names) out += (out.empty() ? "" : ", ") + printable(name);
    return out;
}

std::string line_of(std::size_t number, PolicyRule const& rule)
{
    std::vector<std::string> tools, patterns;
    for (std::size_t i = 0; i < gateway::kActions; ++i)
        if (rule.actions.has(static_cast<Action>(i))) tools.emplace_back(name_of(static_cast<Action>(i)));
    for (auto const& each : rule.paths) patterns.push_back(each.text());
    return std::format("  {}. {}: {}{}.\n", number, rule.callers.empty() ? "every caller" : listed(rule.callers), listed(tools),
        patterns.empty() ? "" : ", where path is " + listed(patterns));
}

// With a shell, a caller reaches every file of its sandbox: a reader of the rules must not take its paths for a limit.
bool shell_undoes_paths(gateway::Policy const& policy, std::string_view caller)
{
    bool const has_paths =
        std::ranges::any_of(policy.rules(), [&](PolicyRule const& rule) { return !rule.paths.empty() && rule.is_for_caller(caller); });
    auto const may = policy.may_use(caller);
    return has_paths && (may.has(Action::bash) || may.has(Action::process_start));
}

}  // namespace

Admission<gateway::Policy> admit_policy(JsonView list, std::vector<gateway::Caller> const& callers)
{
    std::vector<PolicyRule> rules;
    for (std::size_t i = 0; list.is_array() && i < list.size(); ++i) {
        auto rule = admit_rule(list.at(i), at("mcp.policy", i), callers);
        if (!rule) return std::unexpected(rule.error());
        rules.push_back(*std::move(rule));
    }
    return gateway::Policy(std::move(rules));
}

std::string explain_policy(gateway::Policy const& policy, std::vector<gateway::Caller> const& callers)
{
    if (!policy.judges()) return "mcp.policy has no rule: every caller may use every tool.\n";
    std::string out = "What callers may do over MCP; what no line allows is denied:\n";
    for (std::size_t i = 0; i < policy.rules().size(); ++i) out += line_of(i + 1, policy.rules()[i]);
    std::vector<std::string> nothing, anyway;
    for (auto const& caller : callers) {
        if (policy.may_use(caller.name).none()) nothing.push_back(caller.name);
        if (shell_undoes_paths(policy, caller.name)) anyway.push_back(caller.name);
    }
    if (!nothing.empty()) out += std::format("  May do nothing: {}.\n", listed(nothing));
    if (!anyway.empty())
        out += std::format("  With a shell (bash_tool, process_start) these reach every file of their sandbox, whatever its path: {}.\n", listed(anyway));
    return out + "  The files listener is not judged by these rules.\n";
}

}  // namespace ocu::manifest
