// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Which caller may do what (manifest: mcp.policy; GW-7). Rules only allow, so their order says nothing but which of them is named; with at least
// one rule, what none allows is denied; with none, every caller may do everything. Judged in the gateway's thread before anything is made or
// written for the call, so a front that was taken over cannot go round it (T-35). Pure, and the same afterwards for all who read it.
//
// Work: kPolicyRulesMax rules, each with its callers (a search in a sorted list) and kRulePatternsMax patterns (path_pattern.h).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/path_pattern.h"
#include "proto/tool.h"

namespace ocu::gateway {

inline constexpr std::size_t kPolicyRulesMax = 64;
inline constexpr std::size_t kRuleCallersMax = 64;
inline constexpr std::size_t kRulePatternsMax = 16;

// The tools, and what a caller may ask for besides. In the order of proto::Tool.
enum class Action : std::uint8_t {
    bash,
    view,
    create_file,
    str_replace,
    process_start,
    process_read,
    process_write,
    process_signal,
    process_list,
    resources_list,
    resources_read,
    kLast = resources_read,
};
inline constexpr std::size_t kActions = static_cast<std::size_t>(Action::kLast) + 1;

constexpr Action action_of(proto::Tool tool) { return static_cast<Action>(tool); }
static_assert(action_of(proto::Tool::bash) == Action::bash && action_of(proto::Tool::kLast) == Action::process_list);

constexpr std::string_view name_of(Action action)
{
    if (action == Action::resources_list) return "resources/list";
    if (action == Action::resources_read) return "resources/read";
    return proto::name_of(static_cast<proto::Tool>(action));
}
std::optional<Action> action_named(std::string_view name);

// What a shell will do cannot be told from a command's letters, nor from keys that are pressed.
constexpr bool is_free_text(Action action)
{
    return action == Action::bash || action == Action::process_start || action == Action::process_write;
}
// Where a file is named.
constexpr bool has_path(Action action)
{
    return action == Action::view || action == Action::create_file || action == Action::str_replace || action == Action::resources_read;
}

class Actions {
public:
    constexpr void add(Action action) { bits_ |= 1u << static_cast<unsigned>(action); }
    constexpr bool none() const { return bits_ == 0; }
    constexpr bool has(Action action) const { return ((bits_ >> static_cast<unsigned>(action)) & 1u) != 0; }
    static constexpr Actions all()
    {
        Actions out;
        out.bits_ = (1u << kActions) - 1;
        return out;
    }
    proto::ToolSet tools() const;

private:
    unsigned bits_ = 0;
};

struct PolicyRule {
    std::vector<std::string> callers;  // empty: every caller
    Actions actions;
    std::vector<PathPattern> paths;    // empty: any path, any command

    // `callers` is sorted, as Policy does it.
    bool is_for_caller(std::string_view caller) const;
    bool is_for(std::string_view caller, Action action) const { return actions.has(action) && is_for_caller(caller); }
};

struct Verdict {
    bool allowed = false;
    std::size_t rule = 0;      // counted from 1; 0: none, or there are no rules
    std::string path{};        // set where a pattern allowed it: the path that was judged, which is the one to use
    PathFault fault{};         // denied: why no pattern could be asked
};

class Policy {
public:
    Policy() = default;
    explicit Policy(std::vector<PolicyRule> rules);

    // False: there are no rules, and nothing is denied.
    bool judges() const { return !rules_.empty(); }
    std::vector<PolicyRule> const& rules() const { return rules_; }

    // `path`: as the caller gave it; not looked at for an action that has none. No path is one that no pattern fits.
    Verdict judge(std::string_view caller, Action action, std::string_view path) const;
    // What some rule allows the caller, with some argument.
    Actions may_use(std::string_view caller) const;

private:
    std::vector<PolicyRule> rules_;
};

// Where the guest sees the file that a resource names ("outputs/a").
std::string path_of_resource(std::string_view path);

// The least that mcp.policy would have to hold for this, as JSON. A path that is longer than a pattern may be: the directory that it lies in.
std::string needed_policy(std::string_view caller, Action action, std::string_view path);

}  // namespace ocu::gateway
