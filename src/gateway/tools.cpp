// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/tools.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

namespace ocu::gateway {

using proto::Tool;
using wire::Json;
using wire::JsonView;

namespace {

enum class Shape { text, input, path, seconds, number, flag, signal, line_range };

struct Argument {
    std::string_view name;
    Shape shape;
    bool required;
    std::string_view about;
    std::int64_t least = 0;  // number
    std::int64_t most = 0;
    std::optional<std::int64_t> otherwise{};
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

constexpr std::int64_t kProcessMost = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kPositionMost = 1ll << 53;  // what a JSON number holds exactly
constexpr std::int64_t kTimeMost = proto::kProcessTimeMax.count();
constexpr std::int64_t kWaitMost = proto::kProcessWaitMax.count();
constexpr std::int64_t kRowsMost = 500, kColumnsMost = 1000;

constexpr Argument kProcess{"process", Shape::number, true, "The number that process_start gave it.", 1, kProcessMost};
constexpr Argument kWait{
    "wait_s", Shape::number, false, "Most seconds to wait for output. The answer comes earlier: when there is some and it pauses, or the process ends.", 0, kWaitMost, 1};
constexpr Argument kRaw{"raw", Shape::flag, false, "With the terminal's control sequences: for programs that draw on the whole screen."};
constexpr Argument kDescription{"description", Shape::text, false, kWhy};

constexpr std::array kStartArguments{
    Argument{"command", Shape::text, true, "The command line, as bash reads it. To run one program, begin with exec."},
    Argument{"rows", Shape::number, false, "Height of its terminal.", 1, kRowsMost, 24},
    Argument{"columns", Shape::number, false, "Width of its terminal.", 1, kColumnsMost, 80},
    Argument{"timeout_s", Shape::number, false, "Seconds until it is killed; left out: it ends with the sandbox.", 1, kTimeMost},
    Argument{"cpu_s", Shape::number, false, "Seconds of CPU time that it, and each process it starts, may use; left out: no limit.", 1, kTimeMost},
    kWait,
    kRaw,
    kDescription,
};
constexpr std::array kReadArguments{
    kProcess,
    Argument{"from", Shape::number, false, "First byte of its output that you want; left out: where the last answer ended. The last 262144 bytes are kept.", 0, kPositionMost},
    kWait,
    kRaw,
    kDescription,
};
constexpr std::array kWriteArguments{
    kProcess,
    Argument{"text", Shape::input, true, "What is typed, byte for byte: end a line with \n; Ctrl-C is \u0003, Ctrl-D \u0004, Escape \u001b."},
    kWait,
    kRaw,
    kDescription,
};
constexpr std::array kSignalArguments{
    kProcess,
    Argument{"signal", Shape::signal, true, "WINCH changes the size of its terminal to rows and columns."},
    Argument{"rows", Shape::number, false, "With WINCH.", 1, kRowsMost},
    Argument{"columns", Shape::number, false, "With WINCH.", 1, kColumnsMost},
    kWait,
    kRaw,
    kDescription,
};
constexpr std::array kListArguments{kDescription};

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
    ToolText{Tool::process_start, "Start a program that goes on",
        "Starts a program that runs on after this call, with a terminal: a server, a build, an interpreter to talk to. Answers with its "
        "number and what it has written so far. It lives until it ends, is ended, or its sandbox is; at most 16 are held.",
        kStartArguments, false},
    ToolText{Tool::process_read, "Read a program's output",
        "What a started program has written since the last answer, and whether it still runs. Anybody in this conversation may read on, also "
        "after a connection was lost.",
        kReadArguments, true},
    ToolText{Tool::process_write, "Type into a program", "Types into the terminal of a started program, and answers with what it then writes.",
        kWriteArguments, false},
    ToolText{Tool::process_signal, "Signal a program",
        "Sends a signal to a started program (its process group, and what runs in its terminal's foreground), or changes the size of its terminal.",
        kSignalArguments, false},
    ToolText{Tool::process_list, "List started programs", "Every program that process_start began in this sandbox: its number, its state, its command.",
        kListArguments, true},
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
    case Shape::input:
        schema.set("type", "string");
        schema.set("maxLength", static_cast<std::int64_t>(proto::kProcessInputBytesMax));
        break;
    case Shape::number:
        schema.set("type", "integer");
        schema.set("minimum", argument.least);
        schema.set("maximum", argument.most);
        if (argument.otherwise) schema.set("default", *argument.otherwise);
        break;
    case Shape::flag:
        schema.set("type", "boolean");
        schema.set("default", false);
        break;
    case Shape::signal: {
        schema.set("type", "string");
        Json names = Json::array();
        for (auto const& each : proto::kProcessSignals) names.push(Json::string(each.name));
        schema.set("enum", std::move(names));
        break;
    }
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
    hints.set("openWorldHint", tool.tool == Tool::bash || tool.tool == Tool::process_start || tool.tool == Tool::process_write);
    Json out = Json::object();
    out.set("name", proto::name_of(tool.tool));
    out.set("title", tool.title);
    out.set("description", tool.about);
    out.set("inputSchema", std::move(schema));
    out.set("annotations", std::move(hints));
    return out;
}

using Bad = std::unexpected<BadArgument>;

proto::ProcessSignal const* signal_named(std::string_view name)
{
    auto const* const found = std::ranges::find(proto::kProcessSignals, name, &proto::ProcessSignal::name);
    return found == std::end(proto::kProcessSignals) ? nullptr : found;
}

// Everything that one argument can be wrong in.
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
    case Shape::input:
        if (!value.string() || value.string()->size() > proto::kProcessInputBytesMax)
            return Bad({argument.name, "must be a string of at most 16384 bytes"});
        return {};
    case Shape::number: {
        auto const number = value.integer();
        if (!number || *number < argument.least || *number > argument.most)
            return Bad({argument.name, "must be a whole number within the bounds that tools/list states"});
        return {};
    }
    case Shape::flag:
        if (!value.boolean()) return Bad({argument.name, "must be true or false"});
        return {};
    case Shape::signal:
        if (!value.string() || signal_named(*value.string()) == nullptr) return Bad({argument.name, "must be one of those that tools/list states"});
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
    auto& process = to.process;
    if (name == "text") to.text = std::string(*value.string());
    if (name == "process") process.process = static_cast<std::uint32_t>(*value.integer());
    if (name == "rows") process.rows = static_cast<std::uint16_t>(*value.integer());
    if (name == "columns") process.columns = static_cast<std::uint16_t>(*value.integer());
    if (name == "cpu_s") process.cpu_max = std::chrono::seconds(*value.integer());
    if (name == "wait_s") process.wait = std::chrono::seconds(*value.integer());
    if (name == "raw") process.raw = *value.boolean();
    if (name == "signal") process.signal = signal_named(*value.string())->number;
    if (name == "from") {
        process.has_from = true;
        process.from = static_cast<std::uint64_t>(*value.integer());
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
    if (proto::is_process_tool(tool)) out.arguments.process.wait = std::chrono::seconds(*kWait.otherwise);
    if (tool == Tool::process_start) out.arguments.process.rows = 24, out.arguments.process.columns = 80;
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
    if (auto const& process = out.arguments.process; tool == Tool::process_signal) {
        bool const resizes = process.signal == proto::kWindowChanged;
        if (resizes != (process.rows > 0) || resizes != (process.columns > 0)) return Bad({"signal", "WINCH comes with rows and columns, others without"});
    }
    if (arguments) out.ignored = static_cast<std::uint32_t>(arguments.size() - known);
    return out;
}

}  // namespace ocu::gateway
