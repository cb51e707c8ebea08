// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/gateway/policy, and the gateway's thread that obeys them: denied before anything is made, on record, at the caller's cost.

#include "gateway/policy.h"

#include <ctime>

#include "gateway/mcp_face.h"
#include "unit/gateway/gateway_fixture.h"
#include "unit/gateway/policy_rules.h"

namespace test_policy {

using namespace ocu;
using namespace ocu::gateway;
using test_gateway::GatewayTest;
using proto::Reason;
using proto::What;
using test_policy_rules::rule;
using test_policy_rules::some_policy;

Config with_policy(Policy policy)
{
    Config config;
    config.policy = std::move(policy);
    return config;
}

TEST_CASE("policy: given no rule, when anything is asked, then it is allowed, and no path is looked at", "[gateway][GW-7]")
{
    Policy const none;
    CHECK_FALSE(none.judges());
    for (std::size_t i = 0; i < kActions; ++i) CHECK(none.judge("bob", static_cast<Action>(i), "a/../../b").allowed);
    CHECK(none.judge("bob", Action::view, "a").path.empty());
    CHECK(none.may_use("bob").tools().bits == proto::kEveryTool.bits);
}

TEST_CASE("policy: given one rule, when it does not name caller and tool, then everything is denied", "[gateway][GW-7][T-35]")
{
    Policy const policy({rule({"alice"}, {Action::view})});
    for (std::size_t i = 0; i < kActions; ++i) {
        auto const action = static_cast<Action>(i);
        INFO(name_of(action));
        CHECK(policy.judge("alice", action, "/x").allowed == (action == Action::view));
        CHECK_FALSE(policy.judge("bob", action, "/x").allowed);
    }
    CHECK_FALSE(policy.judge("alic", Action::view, "/x").allowed);
    CHECK_FALSE(policy.judge("", Action::view, "/x").allowed);
}

TEST_CASE("policy: given patterns, when a path is judged, then in its one form, which is given back to be used", "[gateway][GW-7][T-35]")
{
    auto const policy = some_policy();
    auto const allowed = policy.judge("alice", Action::create_file, "/mnt/user-data//outputs/d/../a");
    CHECK(allowed.allowed);
    CHECK(allowed.rule == 2);
    CHECK(allowed.path == "/mnt/user-data/outputs/a");
    CHECK_FALSE(policy.judge("alice", Action::create_file, "/mnt/user-data/outputs/../uploads/a").allowed);
    CHECK(policy.judge("alice", Action::create_file, "/mnt/user-data/uploads/a").fault == PathFault::none);
    CHECK(policy.judge("alice", Action::create_file, "outputs/a").fault == PathFault::relative);
    CHECK(policy.judge("alice", Action::create_file, "").fault == PathFault::missing);
    CHECK_FALSE(policy.judge("alice", Action::create_file, "").allowed);
    // Without patterns nothing is asked of the path.
    CHECK(policy.judge("alice", Action::view, "relative").path.empty());
    CHECK(policy.judge("alice", Action::view, "relative").allowed);
    CHECK(policy.judge("bob", Action::resources_list, "").rule == 3);
}

TEST_CASE(
    "policy: given a rule with patterns before one without, when a path cannot be judged, then the other rule decides", "[gateway][GW-7]")
{
    Policy const policy({rule({}, {Action::view}, {"/a/**"}), rule({}, {Action::view})});
    CHECK(policy.judge("bob", Action::view, "relative").rule == 2);
    CHECK(policy.judge("bob", Action::view, "/a/b").rule == 1);
}

TEST_CASE("policy: given what is denied, when it is said what would be needed, then that rule would allow it", "[gateway][GW-7]")
{
    CHECK(needed_policy("dev", Action::bash, "") == R"({"callers":["dev"],"tools":["bash_tool"]})");
    CHECK(needed_policy("dev", Action::view, "/a//b*") == R"({"callers":["dev"],"tools":["view"],"arguments":{"path":["/a/b?"]}})");
    CHECK(needed_policy("dev", Action::view, "b") == R"({"callers":["dev"],"tools":["view"]})");
    for (auto const& path : {std::string("/a/b"), "/x/" + std::string(300, 'y'), "/" + std::string(122, 'a') + "/b/c"}) {
        INFO(path);
        auto const needed = wire::Json::parse(needed_policy("dev", Action::view, path)).value();
        std::string const pattern(needed.view()["arguments"]["path"].at(0).string().value());
        REQUIRE(PathPattern::fault(pattern).empty());
        CHECK(PathPattern(pattern).matches(path));
    }
}

proto::FrontCall call_of(std::uint64_t number, proto::Tool tool, std::string path, std::string token = "key-a")
{
    proto::FrontCall frame;
    frame.request = RequestId{number};
    frame.token = std::move(token);
    frame.chat = "default";
    frame.client_id = std::to_string(number);
    frame.arguments.tool = tool;
    frame.arguments.path = std::move(path);
    frame.arguments.text = "secret content";
    return frame;
}

TEST_CASE(
    "gateway: given a rule, when a call is not allowed, then nothing is made for it, it is on record, and its caller is told the code",
    "[gateway][GW-7][GW-9][T-35]")
{
    GatewayTest test(with_policy(some_policy()));
    test.front->send(call_of(1, proto::Tool::create_file, "/mnt/user-data/outputs/../../../etc/passwd"));
    test.front->send(call_of(2, proto::Tool::create_file, "x"));
    test.front->send(call_of(3, proto::Tool::view, "/x", "key-b"));
    test.call(4);  // bash
    for (std::uint64_t i = 1; i <= 4; ++i) {
        auto const& answer = test.answer(i);
        CHECK(answer.answer.reason == Reason::policy_denied);
        CHECK(answer.answer.is_error);
        CHECK(answer.answer.body.empty());
    }
    CHECK(test.neighbours.started.empty());
    REQUIRE(test.neighbours.calls_denied.size() == 4);  // each is counted where its session is known (T-37)
    CHECK(test.neighbours.calls_denied[0].chat.view() == "default");
    CHECK(test.neighbours.calls_denied[0].caller != test.neighbours.calls_denied[2].caller);
    auto const& events = test.neighbours.recorder.events;
    REQUIRE(events.size() == 4);  // none folded into another
    for (auto const& event : events) {
        CHECK(event.what == What::tool_call_refused);
        CHECK(event.reason == Reason::policy_denied);
        CHECK(event.outcome == proto::Outcome::failure);
        CHECK_FALSE(event.detail.view().contains("secret"));
        CHECK_FALSE(event.detail.view().contains("command"));
    }
    CHECK(events[0].actor.view() == "alice");
    CHECK(events[0].resource.view() == "create_file");
    CHECK(events[0].detail.view() == R"(needed={"callers":["alice"],"tools":["create_file"],"arguments":{"path":["/etc/passwd"]}})");
    CHECK(events[0].trace.view() == test.answer(1).trace.view());
    CHECK(events[1].detail.view() == "path not judged: it does not begin with /");
    CHECK(events[2].actor.view() == "bob");
    CHECK(events[3].detail.view() == R"(needed={"callers":["alice"],"tools":["bash_tool"]})");
}

TEST_CASE("gateway: given a path that a pattern allows, when the call runs, then with the path that was judged", "[gateway][GW-7][T-35]")
{
    GatewayTest test(with_policy(some_policy()));
    test.front->send(call_of(1, proto::Tool::create_file, "/mnt/user-data/outputs/link/../a//b"));
    test.started(1);
    CHECK(test.neighbours.started[0].arguments.path.view() == "/mnt/user-data/outputs/a/b");
    CHECK(test.neighbours.started[0].arguments.text.view() == "secret content");
    test.finish(0);
    test.front->send(call_of(2, proto::Tool::view, "a/../b"));
    CHECK(test.answer(1).answer.reason == Reason::none);
    test.started(2);
    CHECK(test.neighbours.started[1].arguments.path.view() == "a/../b");
}

TEST_CASE("gateway: given a denied call, when more follow, then each costs the caller's rate", "[gateway][GW-7][GW-8]")
{
    auto config = with_policy(some_policy());
    config.calls_per_minute_max = 2;
    GatewayTest test(std::move(config));
    for (std::uint64_t i = 1; i <= 3; ++i) test.call(i);
    CHECK(test.answer(1).answer.reason == Reason::policy_denied);
    CHECK(test.answer(2).answer.reason == Reason::policy_denied);
    CHECK(test.answer(3).answer.reason == Reason::rate_exceeded);
}

TEST_CASE("gateway: given rules about files, when resources are asked for, then they hold there too", "[gateway][GW-7][GW-10][T-35]")
{
    GatewayTest test(with_policy(some_policy()));
    test.ask_resource(1, proto::ResourceVerb::read, "uploads/a");
    CHECK(test.resource(1).reason == Reason::policy_denied);
    test.ask_resource(2, proto::ResourceVerb::read, "outputs/x/../a");  // names no file, and would be judged as another
    CHECK(test.resource(2).reason == Reason::policy_denied);
    test.ask_resource(3, proto::ResourceVerb::read, "outputs/a", "key-b");
    CHECK(test.resource(3).reason == Reason::policy_denied);
    auto const& events = test.neighbours.recorder.events;
    REQUIRE(events.size() == 3);
    CHECK(events[0].resource.view() == "resources/read");
    CHECK(events[0].reason == Reason::policy_denied);
    auto const wanted = test.neighbours.wanted_sessions.size();
    test.ask_resource(4, proto::ResourceVerb::read, "outputs/a");
    test.run_until([&] { return test.neighbours.wanted_sessions.size() == wanted + 1; });
    test.ask_resource(5, proto::ResourceVerb::list, {}, "key-b");
    test.run_until([&] { return test.neighbours.wanted_sessions.size() == wanted + 2; });
}

TEST_CASE("gateway: given a caller, when its key is accepted, then the front is told which tools some rule allows it", "[gateway][GW-7]")
{
    GatewayTest test(with_policy(some_policy()));
    for (auto const* const key : {"key-a", "key-b", "nobody's"}) test.front->send(proto::FrontAuthorize{RequestId{1}, key, "t"});
    test.run_until([&] { return test.authorized.size() == 3; });
    CHECK(test.authorized[0].tools.has(proto::Tool::view));
    CHECK(test.authorized[0].tools.has(proto::Tool::create_file));
    CHECK_FALSE(test.authorized[0].tools.has(proto::Tool::bash));
    CHECK(test.authorized[1].tools.bits == 0);
    CHECK(test.authorized[1].good);
    CHECK_FALSE(test.authorized[2].good);
    CHECK(test.authorized[2].tools.bits == 0);
}

wire::HttpResponse const& said(Decision const& decision) { return std::get<wire::HttpResponse>(decision); }

TEST_CASE(
    "mcp_face: given a caller whom rules allow some tools, when it lists them, then it sees those, and may still be heard on the others",
    "[gateway][GW-7]")
{
    FaceRules rules;
    rules.access.hosts = {"h"};
    auto const post = [](std::string_view rpc) {
        wire::HttpRequest request;
        request.method = "POST";
        request.target = "/mcp";
        request.headers = {{"Host", "h"}, {"Content-Type", "application/json"}};
        request.body = R"({"jsonrpc":"2.0","id":1,)" + std::string(rpc) + "}";
        return request;
    };
    proto::ToolSet shown;
    shown.add(proto::Tool::view);
    auto const listed = decide(rules, post(R"("method":"tools/list")"), "t", shown);
    auto const body = wire::Json::parse(said(listed).body).value();
    REQUIRE(body.view()["result"]["tools"].size() == 1);
    CHECK(body.view()["result"]["tools"].at(0)["name"].string() == "view");
    // The gateway says no, under the caller's name and on record; not this process.
    auto const call =
        decide(rules, post(R"("method":"tools/call","params":{"name":"bash_tool","arguments":{"command":"ls"}})"), "t", shown);
    CHECK(std::holds_alternative<CallAsked>(call));
}

// Not a limit that a busy machine could break, but the number for docs/performance.md: `test_gateway "[.measure]"`.
TEST_CASE("policy: given the greatest policy and the worst path, when a call is judged, then it costs so much", "[.measure]")
{
    auto const measure = [](std::string const& pattern, std::string const& path, char const* name) {
        std::vector<PolicyRule> rules;
        for (std::size_t i = 0; i < kPolicyRulesMax; ++i)
            rules.push_back(rule({"alice"}, {Action::view}, std::vector<std::string>(kRulePatternsMax, pattern)));
        Policy const policy(std::move(rules));
        constexpr int kRounds = 20;
        // Of the processor, not of the clock on the wall: the machine may be busy.
        auto const begin = std::clock();
        for (int i = 0; i < kRounds; ++i) REQUIRE_FALSE(policy.judge("alice", Action::view, path).allowed);
        WARN(name << ": " << static_cast<double>(std::clock() - begin) * 1e6 / CLOCKS_PER_SEC / kRounds << " us");
    };
    measure("/mnt/user-data/outputs/reports/*.md", "/workspace/project/src/main.cpp", "usual");
    measure("/mnt/user-data/outputs/reports/*.md", "/mnt/user-data/outputs/reports/2026/a.md", "usual, near");
    std::string worst = "/**";
    while (worst.size() + 5 <= kPatternBytesMax) worst += "/*a/**";
    std::string path;
    while (path.size() + 4 <= kJudgedPathBytesMax) path += "/aaa";
    measure(worst.substr(0, 123) + "/b", path, "worst");
}

}  // namespace test_policy
