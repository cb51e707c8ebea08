// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/gateway/policy_explain. An operator reads the verdict of a call and what it would need, in bounded printable words.

#include "gateway/policy_explain.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

#include "unit/gateway/policy_rules.h"
#include "wire/codec.h"

namespace test_policy_explain {

using namespace ocu;
using namespace ocu::gateway;
using proto::Reason;
using test_policy_rules::rule;
using test_policy_rules::some_policy;

TEST_CASE("policy: given a question of an operator, when it is answered, then with the verdict of a call, its rule or what is needed",
    "[gateway][GW-7][T-11]")
{
    std::vector<std::string> const callers{"alice", "bob"};
    auto const policy = some_policy();
    auto const ask = [&](std::string caller, std::string tool, std::string path = {}) {
        return explain_action(policy, callers, {std::move(caller), std::move(tool), std::move(path)});
    };
    auto const allowed = ask("alice", "create_file", "/mnt/user-data/outputs/x/..");
    CHECK(allowed.reason == Reason::none);
    CHECK(allowed.rule.view() == "2");
    CHECK(allowed.needed.empty());
    auto const denied = ask("alice", "create_file", "/etc/passwd");
    CHECK(denied.reason == Reason::policy_denied);
    CHECK(denied.needed.view() == needed_policy("alice", Action::create_file, "/etc/passwd"));
    CHECK(denied.steps.items().back().words.view() == "2 more are for others or for other tools");
    CHECK_FALSE(denied.steps.items().back().good);
    CHECK(ask("bob", "bash_tool").steps.items().back().words.view() == "none of 3 allows bash_tool to bob");
    CHECK(ask("alice", "create_file", "x").needed.empty());  // no rule would help
    CHECK(ask("zoe", "view", "/x").reason == Reason::unauthorized);
    CHECK(ask("bob", "sub_agent").reason == Reason::unknown_tool);
    CHECK(explain_action({}, callers, {"bob", "bash_tool", {}}).reason == Reason::none);
    auto const strange = ask("alice", "view", "/\x1b[31m\xc3\xbc");
    for (auto const& step : strange.steps.items())
        CHECK(std::ranges::all_of(step.words.view(), [](char c) { return c >= 0x20 && c < 0x7f; }));
}

TEST_CASE("policy: given as many rules and patterns as there may be, when a call is explained, then the answer keeps its bounds",
    "[gateway][GW-7]")
{
    std::vector<std::string> patterns(kRulePatternsMax, "/" + std::string(kPatternBytesMax - 1, 'p'));
    std::vector<PolicyRule> rules;
    for (std::size_t i = 0; i < kPolicyRulesMax; ++i) rules.push_back(rule({}, {Action::view}, patterns));
    auto const told =
        explain_action(Policy(rules), std::vector<std::string>{"dev"}, {"dev", "view", "/" + std::string(kJudgedPathBytesMax - 1, 'q')});
    CHECK(told.reason == Reason::policy_denied);
    CHECK(told.steps.items().size() <= proto::kExplainStepsMax);
    CHECK(wire::encode(told).size() <= proto::kExplainedBytesMax);
}

}  // namespace test_policy_explain
