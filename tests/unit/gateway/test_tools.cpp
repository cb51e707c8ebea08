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

TEST_CASE("tools: given the list, when it is made, then four tools with closed schemas, the same each time", "[gateway][GW-2]")
{
    auto const list = tool_list(kLimits);
    CHECK(list.print() == tool_list(kLimits).print());
    REQUIRE(list.view().size() == 4);
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

}  // namespace test_tools
