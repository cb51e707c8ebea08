// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/tools.h"

#include <array>
#include <cmath>
#include <span>

namespace ocu::gateway {

using proto::Tool;
using wire::Json;
using wire::JsonView;

namespace {

enum class Shape { text, path, seconds, line_range };

struct Argument {
    std::string_view name;
    Shape shape;
    bool required;
    std::string_view about;
};

struct ToolText {
    Tool tool;
    std::string_view title;
    std::string_view about;
    std::span<Argument const> arguments;
    bool read_only;
};

constexpr std::string_view kWhy = "Why you make this call, in a few words. For people who read along; it changes nothing.";

constexpr std::array kBashArguments{
    Argument{"command", Shape::text, true, "The command line, as bash reads it."},
    Argument{"description", Shape::text, false, kWhy},
    Argument{"timeout_s", Shape::seconds, false, "Seconds until the command and everything it started are ended."},
};
constexpr std::array kViewArguments{
    Argument{"path", Shape::path, true, "File or directory. Relative paths start at /workspace."},
    Argument{"view_range", Shape::line_range, false, "First and last line, counted from 1; -1 as the last means the end of the file."},
    Argument{"description", Shape::text, false, kWhy},
};
constexpr std::array kCreateArguments{
    Argument{"path", Shape::path, true, "Where the file goes. Directories on the way are made; a file that is there is replaced."},
    Argument{"file_text", Shape::text, true, "The whole content, byte for byte."},
    Argument{"description", Shape::text, false, kWhy},
};
constexpr std::array kReplaceArguments{
    Argument{"path", Shape::path, true, "The file to change."},
    Argument{"old_str", Shape::text, true, "Text that occurs in the file exactly once."},
    Argument{"new_str", Shape::text, false, "What takes its place; left out: nothing does."},
    Argument{"description", Shape::text, false, kWhy},
};

constexpr std::array kTools{
    ToolText{Tool::bash, "Run a command",
        "Runs a command with `bash -lc` in /workspace inside the sandbox of this conversation and returns what it printed, stdout and "
        "stderr together. Files stay between calls, and so does a program that was started with `&`: send its output to a file. The "
        "timeout ends a command that still runs, with all it started. A non-zero exit is said in the text. Output over 30,000 "
        "characters loses its middle.",
        kBashArguments, false},
    ToolText{Tool::view, "View a file or directory",
        "Shows a text file with line numbers, a directory as a list, an image as an image; of other files it says what they are and how "
        "to read them.",
        kViewArguments, true},
    ToolText{Tool::create_file, "Create a file", "Writes a file in the sandbox, replacing what was there.", kCreateArguments, false},
    ToolText{Tool::str_replace, "Replace text in a file",
        "Replaces one piece of text in a file. The text must occur exactly once: take in as many lines around it as that needs.",
        kReplaceArguments, false},
};

ToolText const& text_of(Tool tool)
{
    for (auto const& each : kTools)
        if (each.tool == tool) return each;
    return kTools[0];
}

std::int64_t whole_seconds(std::chrono::milliseconds time) { return std::chrono::duration_cast<std::chrono::seconds>(time).count(); }

Json schema_of(Argument const& argument, ToolLimits const& limits)
{
    Json schema = Json::object();
    switch (argument.shape) {
    case Shape::text: schema.set("type", "string"); break;
    case Shape::path:
        schema.set("type", "string");
        schema.set("minLength", 1);
        schema.set("maxLength", static_cast<std::int64_t>(proto::kPathBytesMax));
        break;
    case Shape::seconds:
        schema.set("type", "integer");
        schema.set("minimum", 1);
        schema.set("maximum", whole_seconds(limits.timeout_max));
        schema.set("default", whole_seconds(limits.timeout_default));
        break;
    case Shape::line_range: {
        schema.set("type", "array");
        Json item = Json::object();
        item.set("type", "integer");
        schema.set("items", std::move(item));
        schema.set("minItems", 2);
        schema.set("maxItems", 2);
        break;
    }
    }
    schema.set("description", argument.about);
    return schema;
}

Json tool_of(ToolText const& tool, ToolLimits const& limits)
{
    Json properties = Json::object();
    Json required = Json::array();
    for (auto const& argument : tool.arguments) {
        properties.set(argument.name, schema_of(argument, limits));
        if (argument.required) required.push(Json::string(argument.name));
    }
    Json schema = Json::object();
    schema.set("type", "object");
    schema.set("properties", std::move(properties));
    schema.set("required", std::move(required));
    schema.set("additionalProperties", false);
    Json hints = Json::object();
    hints.set("title", tool.title);
    hints.set("readOnlyHint", tool.read_only);
    hints.set("destructiveHint", !tool.read_only);
    hints.set("openWorldHint", tool.tool == Tool::bash);
    Json out = Json::object();
    out.set("name", proto::name_of(tool.tool));
    out.set("title", tool.title);
    out.set("description", tool.about);
    out.set("inputSchema", std::move(schema));
    out.set("annotations", std::move(hints));
    return out;
}

using Bad = std::unexpected<BadArgument>;

// Everything that a string, a path, a number of seconds or a range of lines can be wrong in.
std::expected<void, BadArgument> check(Argument const& argument, JsonView value, ToolLimits const& limits)
{
    switch (argument.shape) {
    case Shape::text:
        if (!value.string() || !wire::Text<proto::kToolTextBytesMax>::fits(*value.string()))
            return Bad({argument.name, "must be a string"});
        return {};
    case Shape::path:
        if (!value.string() || value.string()->empty() || value.string()->size() > proto::kPathBytesMax) {
            return Bad({argument.name, "must be a string of 1 to 4096 bytes"});
        }
        return {};
    case Shape::seconds: {
        auto const seconds = value.integer();
        if (!seconds || *seconds < 1 || *seconds > whole_seconds(limits.timeout_max)) {
            return Bad({argument.name, "must be a whole number of seconds within the maximum that tools/list states"});
        }
        return {};
    }
    case Shape::line_range: {
        auto const first = value.at(0).integer();
        auto const last = value.at(1).integer();
        bool const good = value.is_array() && value.size() == 2 && first && last && *first >= 1 && (*last == -1 || *last >= *first);
        if (!good) return Bad({argument.name, "must be [first, last] with 1 <= first <= last, or last -1 for the end"});
        return {};
    }
    }
    return {};
}

void take(ReadArguments& out, std::string_view name, JsonView value)
{
    auto& to = out.arguments;
    if (name == "command") to.command = std::string(*value.string());
    if (name == "path") to.path = std::string(*value.string());
    if (name == "file_text" || name == "old_str") to.text = std::string(*value.string());
    if (name == "new_str") to.replacement = std::string(*value.string());
    if (name == "timeout_s") to.timeout = std::chrono::seconds(*value.integer());
    if (name == "view_range") {
        to.has_range = true;
        to.range_first = *value.at(0).integer();
        to.range_last = *value.at(1).integer();
    }
}

}  // namespace

Json tool_list(ToolLimits const& limits, proto::ToolSet shown)
{
    Json list = Json::array();
    for (auto const& tool : kTools)
        if (shown.has(tool.tool)) list.push(tool_of(tool, limits));
    return list;
}

std::vector<ToolArgument> arguments_of(Tool tool)
{
    std::vector<ToolArgument> out;
    for (auto const& argument : text_of(tool).arguments) out.push_back({argument.name, argument.shape == Shape::path});
    return out;
}

std::optional<Tool> tool_named(std::string_view name)
{
    for (auto const& tool : kTools)
        if (proto::name_of(tool.tool) == name) return tool.tool;
    return std::nullopt;
}

std::expected<ReadArguments, BadArgument> read_arguments(Tool tool, JsonView arguments, ToolLimits const& limits)
{
    if (arguments && !arguments.is_object()) return Bad({"arguments", "must be an object"});
    ReadArguments out;
    out.arguments.tool = tool;
    if (tool == Tool::bash) out.arguments.timeout = limits.timeout_default;
    std::size_t known = 0;
    for (auto const& argument : text_of(tool).arguments) {
        JsonView const value = arguments[argument.name];
        if (value) ++known;
        // A client that writes null for what it leaves out means that it left it out.
        if (!value || value.is_null()) {
            if (argument.required) return Bad({argument.name, "is required"});
            continue;
        }
        if (auto const checked = check(argument, value, limits); !checked) return std::unexpected(checked.error());
        take(out, argument.name, value);
    }
    if (arguments) out.ignored = static_cast<std::uint32_t>(arguments.size() - known);
    return out;
}

}  // namespace ocu::gateway
