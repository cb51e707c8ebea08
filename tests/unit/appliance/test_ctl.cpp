// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/ctl, doctor, policy. What a command line means, what an operator sees, and the list of privileged actions.

#include "appliance/completion.h"
#include "appliance/ctl.h"
#include "appliance/doctor.h"
#include "appliance/policy/privileged_actions.h"

namespace test_ctl {

using namespace ocu;
using namespace ocu::appliance;

std::expected<CtlRequest, std::string> parsed(std::vector<char const*> arguments) { return parse_ctl(arguments); }

TEST_CASE("ctl: given each command, when it is parsed, then it is that request", "[appliance][CT-5]")
{
    auto const status = parsed({"--socket", "/s", "--json", "status"}).value();
    CHECK(status.socket == "/s");
    CHECK(status.json);
    CHECK_FALSE(status.post);
    CHECK(status.path == "/v1/status");
    auto const kill = parsed({"kill", "s-00000000000000ff"}).value();
    CHECK(kill.post);
    CHECK(kill.path == "/v1/sessions/s-00000000000000ff/kill");
    CHECK(parsed({"kill-all"})->path == "/v1/kill-all");
    CHECK(parsed({"freeze", "--json"})->post);
    CHECK(parsed({"--help"})->help);
}

TEST_CASE("ctl: given wrong words, when they are parsed, then they are usage errors", "[appliance]")
{
    CHECK_FALSE(parsed({}));
    CHECK_FALSE(parsed({"make-coffee"}));
    CHECK_FALSE(parsed({"status", "now"}));
    CHECK_FALSE(parsed({"kill"}));
    CHECK_FALSE(parsed({"kill", "a", "b"}));
    CHECK_FALSE(parsed({"kill", "../../v1/kill-all"}));
    CHECK_FALSE(parsed({"--socket"}));
    CHECK_FALSE(parsed({"--force", "freeze"}));
}

TEST_CASE("ctl: given words about callers, when they are parsed, then they become the question; what is shown of a key is shown once", "[appliance][GW-3]")
{
    auto const add = parsed({"callers", "add", "ci", "--expires", "30"}).value();
    CHECK(add.post);
    CHECK(add.path == "/v1/callers/add");
    CHECK(add.body == R"({"name":"ci","expires_days":30})");
    CHECK(parsed({"callers", "rotate", "ci", "--overlap", "60"})->body == R"({"name":"ci","overlap_s":60})");
    CHECK(parsed({"callers", "revoke", "ci"})->path == "/v1/callers/revoke");
    CHECK(parsed({"callers", "reset"})->body == "{}");
    CHECK_FALSE(parsed({"callers", "list"})->post);
    for (auto const& wrong : std::vector<std::vector<char const*>>{{"callers"}, {"callers", "add"}, {"callers", "add", "a", "b"}, {"callers", "list", "a"},
             {"callers", "burn", "a"}, {"callers", "add", "a", "--overlap", "1"}, {"callers", "rotate", "a", "--expires", "1"},
             {"callers", "add", "a", "--expires", "x"}, {"callers", "add", "a", "--session", "s-1"}, {"status", "--expires", "1"}, {"callers", "add", "a", "--expires"}})
        CHECK_FALSE(parsed(wrong));
    auto const made = wire::Json::parse(R"({"done":"callers-add","key":"the key","key_id":"01020304"})").value();
    CHECK(render_for_people("callers add", made.view()) == "its key, shown this once (01020304):\nthe key\n");
    auto const list = wire::Json::parse(R"({"callers":[{"name":"a\u001b","origin":"operator","state":"active","key_id":"01020304","sessions":1,
        "made_by":"root","old_key_until":"x"}],"more":false,"state":"damaged"})").value();
    CHECK(render_for_people("callers list", list.view()) ==
          "NAME  ORIGIN    STATE             KEY       SESSIONS  SEEN  EXPIRES  BY\na?    operator  active, two keys  01020304  1         -     -        root\n"
          "DAMAGED: nobody is let in; `callers reset` begins with an empty file\n");
    auto const revoked = wire::Json::parse(R"({"done":"callers-revoke","killed":1,"pending":1})").value();
    CHECK(exit_code_of(revoked.view()) == 1);
}

TEST_CASE("ctl: given the words that a shell completes, when each is parsed, then ctl knows it", "[appliance][CT-5]")
{
    for (auto const& each : kCtlWords) {
        std::string const command(each.command);
        INFO(command);
        auto const alone = parsed({command.c_str()});
        CHECK((alone || alone.error().find("unknown command") == std::string::npos));
        CHECK((alone.has_value() == (each.verbs.empty() && command != "kill")));
    }
    CHECK(parsed({"make-coffee"}).error() == "unknown command make-coffee");
    auto const script = bash_completion(std::vector<std::string_view>{"run", "ctl"});
    CHECK(script.find("words=\"run ctl\"") != std::string::npos);
    CHECK(script.find("callers) words=\"--socket --json --help --expires --overlap\"; [ -n \"$verb\" ] || words+=\" list add rotate revoke reset\" ;;") !=
          std::string::npos);
}

TEST_CASE("ctl: given leases, when they are shown, then session, credential, its source, destination and time left", "[appliance][CU-2]")
{
    auto const answer = wire::Json::parse(
        R"({"leases":[{"session":"s-1","credential":"api-key","source":"manifest","destination":"api.example.com","left_s":840}]})")
                            .value();
    auto const text = render_for_people("leases", answer.view());
    CHECK(text == "SESSION  CREDENTIAL  SOURCE    DESTINATION      LEFT\ns-1      api-key     manifest  api.example.com  14m00s\n");
    CHECK(render_for_people("leases", wire::Json::parse(R"({"leases":[]})")->view()) == "nothing is lent\n");
}

TEST_CASE(
    "ctl: given an egress test, when it is parsed, then its words become the question, and nothing of them a path", "[appliance][EG-6]")
{
    auto const test = parsed({"egress", "test", "https://h/../v1/kill-all", "--method", "PUT", "--session", "s-1"}).value();
    CHECK(test.post);
    CHECK(test.path == "/v1/egress/test");
    CHECK(test.body == R"({"url":"https://h/../v1/kill-all","session":"s-1","method":"PUT"})");
    for (auto const& wrong : std::vector<std::vector<char const*>>{{"egress"}, {"egress", "test"}, {"egress", "try", "u"},
             {"egress", "test", "u", "v"}, {"egress", "test", "u", "--session"}, {"status", "--method", "GET"}})
        CHECK_FALSE(parsed(wrong));
}

TEST_CASE("ctl: given a question about mcp.policy, when it is parsed and answered, then its words become the question, and the verdict is shown last",
    "[appliance][GW-7]")
{
    auto const asked = parsed({"policy", "explain", "--caller", "dev", "--tool", "view", "--arguments", R"({"path": "/../a"})"}).value();
    CHECK(asked.post);
    CHECK(asked.path == "/v1/policy/explain");
    CHECK(asked.body == R"({"caller":"dev","tool":"view","arguments":{"path":"/../a"}})");
    CHECK(parsed({"policy", "explain", "--caller", "dev", "--tool", "bash_tool"}).value().body == R"({"caller":"dev","tool":"bash_tool"})");
    for (auto const& wrong : std::vector<std::vector<char const*>>{{"policy"}, {"policy", "explain"}, {"policy", "explain", "--caller", "dev"},
             {"policy", "explain", "--tool", "view"}, {"policy", "explain", "x", "--caller", "dev", "--tool", "view"},
             {"policy", "explain", "--caller", "dev", "--tool", "view", "--arguments", "{"}, {"status", "--caller", "dev"},
             {"egress", "test", "u", "--tool", "view"}, {"policy", "explain", "--caller", "dev", "--tool", "view", "--session", "s-1"}})
        CHECK_FALSE(parsed(wrong));
    auto const denied = wire::Json::parse(
        R"({"verdict":"denied","reason":"policy_denied","steps":[{"topic":"rules","words":"none","good":false}],"needed":{"callers":["dev"]}})").value();
    CHECK(render_for_people("policy explain", denied.view()) ==
          "NO   rules        none\nDENIED (policy_denied)\nWhat mcp.policy of the manifest would need, as a rule or within one:\n  {\"callers\":[\"dev\"]}\n");
    CHECK(exit_code_of(denied.view()) == 1);
}

TEST_CASE("ctl: given words about files, when they are parsed and answered, then they are the operator API's, and shown with their standing",
    "[appliance][SB-5]")
{
    auto const listed = parsed({"files", "list", "s-1", "--after", "outputs/a"}).value();
    CHECK(listed.post);
    CHECK(listed.path == "/v1/files/list");
    CHECK(listed.body == R"({"session":"s-1","after":"outputs/a"})");
    auto const word = parsed({"files", "withhold", "s-1", "outputs/../x"}).value();
    CHECK(word.path == "/v1/files/withhold");
    CHECK(word.body == R"({"session":"s-1","path":"outputs/../x"})");
    CHECK(parsed({"files", "release", "s-1", "x"}).value().path == "/v1/files/release");
    for (auto const& wrong : std::vector<std::vector<char const*>>{{"files"}, {"files", "list"}, {"files", "withhold", "s-1"},
             {"files", "delete", "s-1", "x"}, {"files", "release", "s-1", "x", "--after", "y"}, {"status", "--after", "x"},
             {"files", "list", "s-1", "--session", "s-1"}})
        CHECK_FALSE(parsed(wrong));
    auto const answer = wire::Json::parse(
        R"({"files":[{"path":"outputs/a","size":3,"standing":"rule","by":"outputs/*"}],"more":true})");
    CHECK(render_for_people("files list", answer->view()) ==
          "PATH       BYTES  STANDING  BY\noutputs/a  3      rule      outputs/*\nthere are more: --after outputs/a\n");
    CHECK(render_for_people("files list", wire::Json::parse(R"({"files":[]})")->view()) == "no files\n");
}

TEST_CASE("ctl: given what an egress test found, when it is shown, then steps, verdict and what would be needed; denied is exit code 1",
    "[appliance][EG-6]")
{
    auto const denied = wire::Json::parse(
        R"({"verdict":"denied","reason":"port_denied","steps":[{"topic":"rule","words":"a\u001bb","good":false}],"needed":{"ports":[81]}})")
                            .value();
    auto const text = render_for_people("egress test", denied.view());
    CHECK(text.starts_with("NO   rule         a?b\nDENIED (port_denied)\n"));
    CHECK(text.contains(R"({"ports":[81]})"));
    CHECK(exit_code_of(denied.view()) == 1);
    auto const allowed = wire::Json::parse(R"({"verdict":"allowed","rule":"site","steps":[]})").value();
    CHECK(render_for_people("egress test", allowed.view()) == "ALLOWED by rule site\n");
    auto const without_rules = wire::Json::parse(R"({"verdict":"allowed","steps":[]})").value();
    CHECK(render_for_people("policy explain", without_rules.view()) == "ALLOWED\n");
    CHECK(exit_code_of(allowed.view()) == 0);
    CHECK(exit_code_of(wire::Json::parse(R"({"pending":1})")->view()) == 1);
}

TEST_CASE("ctl: given sessions, when they are shown, then columns line up and no control character gets through", "[appliance][T-11]")
{
    auto const answer = wire::Json::parse(
        R"({"sessions":[{"id":"s-1","caller":"dev","chat":"a\u001b[2Jb","tier":"runc","state":"up","age_s":3700,"slot":0}]})")
                            .value();
    auto const text = render_for_people("sessions", answer.view());
    CHECK(text.starts_with("ID   CALLER  CHAT"));
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find("1h01m") != std::string::npos);
    auto const none = wire::Json::parse(R"({"sessions":[]})").value();
    CHECK(render_for_people("sessions", none.view()) == "no sessions\n");
}

TEST_CASE("ctl: given a kill without its record, when it is shown, then the operator is told", "[appliance][AU-7]")
{
    auto const answer = wire::Json::parse(R"({"killed":1,"pending":0,"recorded":false})").value();
    CHECK(render_for_people("kill", answer.view()).find("record") != std::string::npos);
}

TEST_CASE("ctl: given a frozen appliance, when its status is shown, then it says so", "[appliance]")
{
    auto const answer = wire::Json::parse(
        R"({"status":"healthy","name":"a","version":"1","frozen":true,"helpers":{"edge":"down"},"manifest":{"serial":3,"digest":"d"}})")
                            .value();
    auto const text = render_for_people("status", answer.view());
    CHECK(text.find("FROZEN") != std::string::npos);
    CHECK(text.find("edge") != std::string::npos);
    CHECK(text.find("down") != std::string::npos);
}

TEST_CASE("doctor: given findings, when one is bad, then the verdict is 1", "[appliance][AP-9]")
{
    CHECK(verdict_of({}) == 0);
    CHECK(verdict_of({{Health::worse, "a", "b"}}) == 0);
    CHECK(verdict_of({{Health::good, "a", ""}, {Health::bad, "a", "b"}}) == 1);
}

TEST_CASE("doctor: given this machine, when it is examined, then whatever is not good has an advice", "[appliance][AP-9]")
{
    for (auto const& finding : examine()) {
        INFO(finding.what);
        CHECK_FALSE(finding.what.empty());
        CHECK(finding.advice.empty() == (finding.health == Health::good));
    }
}

TEST_CASE(
    "policy: given the list of privileged actions, when it is read, then only kills go without their record", "[appliance][CT-6][AU-7]")
{
    using policy::Record;
    using proto::OperatorAction;
    for (auto const action : {OperatorAction::freeze, OperatorAction::thaw, OperatorAction::shutdown, OperatorAction::egress_test,
             OperatorAction::files_list, OperatorAction::files_withhold, OperatorAction::files_release,
             OperatorAction::policy_explain, OperatorAction::callers_add, OperatorAction::callers_rotate, OperatorAction::callers_revoke,
             OperatorAction::callers_reset})
        CHECK(policy::record_of(action) == Record::first);
    for (auto const action : {OperatorAction::kill, OperatorAction::kill_all}) CHECK(policy::record_of(action) == Record::never_waits);
    for (auto const action : {OperatorAction::health, OperatorAction::status, OperatorAction::sessions, OperatorAction::leases,
             OperatorAction::callers_list, OperatorAction::metrics})
        CHECK(policy::record_of(action) == Record::not_needed);
}

}  // namespace test_ctl
