// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/manifest/admit_policy. Each refusal of a rule with its key, what is admitted, and what is said about it.

#include "appliance/manifest/admit.h"
#include "appliance/manifest/admit_policy.h"
#include "appliance/manifest/explain.h"

#include <catch2/catch_test_macros.hpp>

#include <format>

namespace test_admit_policy {

using namespace ocu;
using namespace ocu::manifest;

std::string caller(std::string_view name, char digit)
{
    return std::format(R"({{"name": "{}", "key_hash": "sha256:{}:{}"}})", name, std::string(32, digit), std::string(64, '0'));
}

std::string manifest(std::string_view policy)
{
    return std::format(R"({{"schema": "ocu-manifest/1", "serial": 7, "mcp": {{"callers": [{}, {}], "policy": {}}}}})", caller("dev", '1'),
        caller("ci", '2'), policy);
}

TEST_CASE(
    "manifest: given a rule of mcp.policy that cannot mean what it says, when it is admitted, then it is refused with its key and the "
    "reason",
    "[manifest][GW-7][T-35]")
{
    struct Row {
        std::string policy;
        std::string key;
        std::string reason;
    };
    std::string const dev = R"("callers": ["dev"], )";
    std::string many, patterns;
    for (int i = 0; i < 65; ++i) many += std::string(i == 0 ? "" : ",") + R"({"callers": ["dev"], "tools": ["view"]})";
    for (int i = 0; i < 17; ++i) patterns += std::string(i == 0 ? "" : ",") + R"("/a")";
    for (auto const& row : std::vector<Row>{
             {R"([{"tools": ["view"]}])", "mcp.policy[0].callers", "is missing"},
             {R"([{"callers": ["dev"]}])", "mcp.policy[0].tools", "is missing"},
             {R"([{"callers": [], "tools": ["view"]}])", "mcp.policy[0].callers", "names nobody"},
             {R"([{"callers": ["dev"], "tools": []}])", "mcp.policy[0].tools", "names nobody"},
             {R"([{"callers": ["root"], "tools": ["view"]}])", "mcp.policy[0].callers[0]", "is no caller"},
             {R"([{"callers": ["dev", "dev"], "tools": ["view"]}])", "mcp.policy[0].callers[1]", "twice"},
             {R"([{"callers": ["dev", "*"], "tools": ["view"]}])", "mcp.policy[0].callers[1]", "stands alone"},
             {"[{" + dev + R"("tools": ["view", "sub_agent"]}])", "mcp.policy[0].tools[1]", "neither a tool"},
             {"[{" + dev + R"("tools": ["view"], "deny": true}])", "mcp.policy[0].deny", "not a key"},
             {"[{" + dev + R"("tools": ["view"]}, {)" + dev + R"("tools": ["bash_tool"], "arguments": {"command": ["ls"]}}])",
                 "mcp.policy[1].arguments.command", "a command or input cannot be judged"},
             {"[{" + dev + R"("tools": ["*"], "arguments": {"path": ["/a"]}}])", "mcp.policy[0].arguments.path", "a command or input"},
             {"[{" + dev + R"("tools": ["create_file"], "arguments": {"file_text": ["/a"]}}])", "mcp.policy[0].arguments.file_text",
                 "is content"},
             {"[{" + dev + R"("tools": ["view"], "arguments": {"file": ["/a"]}}])", "mcp.policy[0].arguments.file",
                 "is no argument of view"},
             {"[{" + dev + R"("tools": ["view", "resources/list"], "arguments": {"path": ["/a"]}}])", "mcp.policy[0].arguments.path",
                 "is no argument of resources/list"},
             {"[{" + dev + R"("tools": ["view"], "arguments": {"path": []}}])", "mcp.policy[0].arguments.path", "has no pattern"},
             {"[{" + dev + R"("tools": ["view"], "arguments": {"path": "/a"}}])", "mcp.policy[0].arguments.path", "of type array"},
             {"[{" + dev + R"("tools": ["view"], "arguments": {"path": ["/a", "b/*"]}}])", "mcp.policy[0].arguments.path[1]",
                 "begin with /"},
             {"[{" + dev + R"("tools": ["view"], "arguments": {"path": ["/a/../b"]}}])", "mcp.policy[0].arguments.path[0]", "has . or .."},
             {"[{" + dev + R"("tools": ["view"], "arguments": {"path": ["/)" + std::string(127, 'a') + R"("]}}])",
                 "mcp.policy[0].arguments.path[0]", "longer than 127"},
             {"[{" + dev + R"("tools": ["view"], "arguments": {"path": [)" + patterns + "]}}]", "mcp.policy[0].arguments.path",
                 "more than 16"},
             {"[" + many + "]", "mcp.policy", "more than 64"},
         }) {
        INFO(row.policy);
        auto const admitted = admit(manifest(row.policy));
        REQUIRE_FALSE(admitted);
        CHECK(admitted.error().key == row.key);
        CHECK(admitted.error().reason.find(row.reason) != std::string::npos);
    }
}

TEST_CASE("manifest: given no rule, when it is admitted and explained, then every caller may use every tool, and that is said",
    "[manifest][GW-7]")
{
    for (auto const* none : {"[]", "{}"}) {
        auto const applied = admit(manifest(none)).value();
        CHECK_FALSE(applied.gateway.policy.judges());
        CHECK(explain(applied).contains("mcp.policy has no rule: every caller may use every tool.\n"));
    }
}

TEST_CASE(
    "manifest: given rules, when they are admitted and explained, then they say who may do what, who nothing, and what a shell undoes",
    "[manifest][GW-7]")
{
    auto const applied =
        admit(manifest(R"([{"callers": ["dev"], "tools": ["view", "resources/read"], "arguments": {"path": ["/workspace/**", "/a?"]}},
        {"callers": ["dev"], "tools": ["bash_tool"]}])"))
            .value();
    auto const& policy = applied.gateway.policy;
    CHECK(policy.judge("dev", gateway::Action::view, "/workspace/x").rule == 1);
    CHECK_FALSE(policy.judge("dev", gateway::Action::view, "/etc/x").allowed);
    CHECK_FALSE(policy.judge("ci", gateway::Action::bash, "").allowed);
    CHECK(explain_policy(policy, applied.gateway.callers) ==
          "What callers may do over MCP; what no line allows is denied:\n"
          "  1. dev: view, resources/read, where path is /workspace/**, /a?.\n"
          "  2. dev: bash_tool.\n"
          "  May do nothing: ci.\n"
          "  With a shell (bash_tool, process_start) these reach every file of their sandbox, whatever its path: dev.\n"
          "  The files listener is not judged by these rules.\n");
    CHECK(explain(applied).contains("  1. dev: view"));
    auto const all = admit(manifest(R"([{"callers": ["*"], "tools": ["*"]}])")).value();
    CHECK(explain(all).contains("  1. every caller: bash_tool, view, create_file, str_replace, process_start, process_read, process_write, process_signal, process_list, resources/list, resources/read.\n"));
    CHECK(all.gateway.policy.judge("ci", gateway::Action::bash, "").allowed);
}

}  // namespace test_admit_policy
