// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/gateway/tools. The list that agents see, and that every argument is held to what the list says of it.

#include "gateway/tools.h"

#include <catch2/catch_test_macros.hpp>

namespace test_tools {

using namespace ocu;
using namespace ocu::gateway;
using proto::Tool;
using wire::Json;

ToolLimits const kLimits;

std::expected<ReadArguments, BadArgument> read(Tool tool, std::string_view json)
{
    auto const document = Json::parse(json);
    REQUIRE(document);
    return read_arguments(tool, document->view(), kLimits);
}

std::string_view bad(Tool tool, std::string_view json)
{
    auto const out = read(tool, json);
    return out ? std::string_view("accepted") : out.error().name;
}

TEST_CASE("tools: given the list, when it is made, then nine tools with closed schemas, the same each time", "[gateway][GW-2]")
{
    auto const list = tool_list(kLimits);
    CHECK(list.print() == tool_list(kLimits).print());
    REQUIRE(list.view().size() == 9);
    list.view().each([](std::string_view, wire::JsonView tool) {
        CHECK(tool_named(*tool["name"].string()));
        CHECK(tool["inputSchema"]["type"].string() == "object");
        CHECK(tool["inputSchema"]["additionalProperties"].boolean() == false);
        CHECK(tool["inputSchema"]["properties"]["description"]);
        CHECK(tool["name"].string()->size() + std::string_view("ocu-appliance").size() <= 60);
    });
    CHECK_FALSE(tool_named("sub_agent"));
    CHECK_FALSE(tool_named(""));
}

TEST_CASE("tools: given good arguments, when they are read, then they arrive as they are", "[gateway][GW-2]")
{
    auto const bash = read(Tool::bash, R"({"command":"ls","timeout_s":5})");
    REQUIRE(bash);
    CHECK(bash->arguments.command.view() == "ls");
    CHECK(bash->arguments.timeout == std::chrono::seconds(5));
    CHECK(read(Tool::bash, R"({"command":""})")->arguments.timeout == std::chrono::seconds(120));
    auto const view = read(Tool::view, R"({"path":"/a","view_range":[2,-1]})");
    CHECK(view->arguments.has_range);
    CHECK(view->arguments.range_first == 2);
    CHECK(view->arguments.range_last == -1);
    auto const create = read(Tool::create_file, R"({"path":"a","file_text":"x"})");
    CHECK(create->arguments.text.view() == "x");
    auto const replace = read(Tool::str_replace, R"({"path":"a","old_str":"x","new_str":"y"})");
    CHECK(replace->arguments.text.view() == "x");
    CHECK(replace->arguments.replacement.view() == "y");
    CHECK(read(Tool::str_replace, R"({"path":"a","old_str":"x"})")->arguments.replacement.empty());
}

TEST_CASE("tools: given members that no tool knows, when they are read, then they are counted and dropped", "[gateway][GW-2]")
{
    auto const out = read(Tool::bash, R"({"command":"ls","toolCallId":"x","description":"d","more":{}})");
    REQUIRE(out);
    CHECK(out->ignored == 2);
}

TEST_CASE("tools: given null for what may be left out, when it is read, then it was left out", "[gateway][GW-2]")
{
    CHECK(read(Tool::bash, R"({"command":"ls","timeout_s":null,"description":null})")->ignored == 0);
    CHECK(bad(Tool::bash, R"({"command":null})") == "command");
}

TEST_CASE("tools: given a wrong argument, when it is read, then it is refused by its name", "[gateway][T-02][GW-2]")
{
    CHECK(bad(Tool::bash, "{}") == "command");
    CHECK(bad(Tool::bash, "[]") == "arguments");
    CHECK(bad(Tool::bash, R"({"command":1})") == "command");
    CHECK(bad(Tool::bash, R"({"command":["ls"]})") == "command");
    for (auto const* timeout : {"0", "-1", "601", "1.5", "1e99", "\"5\"", "true", "[]"}) {
        CHECK(bad(Tool::bash, R"({"command":"ls","timeout_s":)" + std::string(timeout) + "}") == "timeout_s");
    }
    CHECK(bad(Tool::bash, R"({"command":"ls","timeout_s":600})") == "accepted");
    CHECK(bad(Tool::bash, R"({"command":"ls","description":5})") == "description");
    CHECK(bad(Tool::view, R"({"path":""})") == "path");
    CHECK(bad(Tool::view, "{\"path\":\"" + std::string(4097, 'a') + "\"}") == "path");
    CHECK(bad(Tool::view, R"({"path":5})") == "path");
    for (auto const* range : {"[]", "[1]", "[1,2,3]", "[0,2]", "[3,2]", "[1,-2]", "[1.5,2]", "[\"1\",2]", "5", "{}"}) {
        CHECK(bad(Tool::view, R"({"path":"a","view_range":)" + std::string(range) + "}") == "view_range");
    }
    CHECK(bad(Tool::create_file, R"({"path":"a"})") == "file_text");
    CHECK(bad(Tool::create_file, R"({"file_text":"a"})") == "path");
    CHECK(bad(Tool::str_replace, R"({"path":"a"})") == "old_str");
    CHECK(bad(Tool::str_replace, R"({"path":"a","old_str":"x","new_str":1})") == "new_str");
}

TEST_CASE("tools: given process tools, when their arguments are read, then they arrive as they are, with what was left out", "[gateway][GW-2][SX-3]")
{
    auto const start = read(Tool::process_start, R"({"command":"python3","rows":50,"timeout_s":86400,"cpu_s":7,"wait_s":0,"raw":true})");
    REQUIRE(start);
    CHECK(start->arguments.command.view() == "python3");
    CHECK(start->arguments.timeout == std::chrono::hours(24));
    CHECK(start->arguments.process.rows == 50);
    CHECK(start->arguments.process.columns == 80);
    CHECK(start->arguments.process.cpu_max == std::chrono::seconds(7));
    CHECK(start->arguments.process.wait.count() == 0);
    CHECK(start->arguments.process.raw);
    CHECK(read(Tool::process_start, R"({"command":"x"})")->arguments.timeout.count() == 0);
    auto const from = read(Tool::process_read, R"({"process":3,"from":9007199254740992})");
    REQUIRE(from);
    CHECK(from->arguments.process.process == 3);
    CHECK(from->arguments.process.has_from);
    CHECK(from->arguments.process.from == 1ull << 53);
    CHECK(from->arguments.process.wait == std::chrono::seconds(1));
    CHECK_FALSE(read(Tool::process_read, R"({"process":3})")->arguments.process.has_from);
    CHECK(read(Tool::process_write, R"({"process":1,"text":"\u0003"})")->arguments.text.view() == "\x03");
    auto const resize = read(Tool::process_signal, R"({"process":1,"signal":"WINCH","rows":10,"columns":20})");
    REQUIRE(resize);
    CHECK(resize->arguments.process.signal == proto::kWindowChanged);
    CHECK(read(Tool::process_signal, R"({"process":1,"signal":"KILL"})")->arguments.process.signal == 9);
    CHECK(read(Tool::process_list, "{}"));
}

TEST_CASE("tools: given process tools, when an argument is wrong, then it is named", "[gateway][GW-2][SX-3]")
{
    for (auto const* const process : {"0", "-1", "1.5", "2147483648", "\"1\"", "true"})
        CHECK(bad(Tool::process_read, std::string(R"({"process":)") + process + "}") == "process");
    CHECK(bad(Tool::process_read, "{}") == "process");
    CHECK(bad(Tool::process_read, R"({"process":1,"wait_s":31})") == "wait_s");
    CHECK(bad(Tool::process_read, R"({"process":1,"from":-1})") == "from");
    CHECK(bad(Tool::process_read, R"({"process":1,"raw":1})") == "raw");
    CHECK(bad(Tool::process_start, "{}") == "command");
    CHECK(bad(Tool::process_start, R"({"command":"x","timeout_s":86401})") == "timeout_s");
    CHECK(bad(Tool::process_start, R"({"command":"x","cpu_s":0})") == "cpu_s");
    CHECK(bad(Tool::process_start, R"({"command":"x","rows":501})") == "rows");
    CHECK(bad(Tool::process_write, R"({"process":1})") == "text");
    CHECK(bad(Tool::process_write, R"({"process":1,"text":")" + std::string(16'384, 'x') + "\"}") == "accepted");
    CHECK(bad(Tool::process_write, R"({"process":1,"text":")" + std::string(16'385, 'x') + "\"}") == "text");
    for (auto const* const signal : {"SEGV", "kill", "9", ""})
        CHECK(bad(Tool::process_signal, std::string(R"({"process":1,"signal":")") + signal + "\"}") == "signal");
    CHECK(bad(Tool::process_signal, R"({"process":1,"signal":"WINCH","rows":10})") == "signal");
    CHECK(bad(Tool::process_signal, R"({"process":1,"signal":"TERM","rows":10,"columns":10})") == "signal");
}

}  // namespace test_tools
