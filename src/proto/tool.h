// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A tool call and its answer, as they travel gateway-front -> gateway -> sandbox -> exec -> guest and back. Parsed once, at the face.

#include <chrono>
#include <cstdint>

#include "base/id.h"
#include "proto/reason.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kPathBytesMax = 4096;
inline constexpr std::size_t kToolTextBytesMax = 1u << 20;      // bounded by the HTTP body
inline constexpr std::size_t kAnswerBytesMax = 4u << 20;        // an image, or a file handed to the parser
inline constexpr std::size_t kAnswerTextCharsMax = 30'000;      // 03-interfaces: what an agent gets to read
inline constexpr std::size_t kChatIdBytesMax = 128;
inline constexpr std::size_t kLastLineBytesMax = 256;

enum class Tool : std::uint8_t {
    bash,
    view,
    create_file,
    str_replace,
    process_start,
    process_read,
    process_write,
    process_signal,
    process_list,
    kLast = process_list,
};

constexpr std::string_view name_of(Tool tool)
{
    switch (tool) {
    case Tool::bash: return "bash_tool";
    case Tool::view: return "view";
    case Tool::create_file: return "create_file";
    case Tool::str_replace: return "str_replace";
    case Tool::process_start: return "process_start";
    case Tool::process_read: return "process_read";
    case Tool::process_write: return "process_write";
    case Tool::process_signal: return "process_signal";
    case Tool::process_list: return "process_list";
    }
    return "?";
}

constexpr bool is_file_tool(Tool tool) { return tool == Tool::view || tool == Tool::create_file || tool == Tool::str_replace; }
constexpr bool is_process_tool(Tool tool) { return tool >= Tool::process_start; }

// Which tools a caller is shown.
struct ToolSet {
    std::uint16_t bits = 0;

    constexpr void add(Tool tool) { bits = static_cast<std::uint16_t>(bits | 1u << static_cast<unsigned>(tool)); }
    constexpr bool has(Tool tool) const { return ((static_cast<unsigned>(bits) >> static_cast<unsigned>(tool)) & 1u) != 0; }

    static void fields(auto& wire, auto& m) { wire(m.bits); }
};
inline constexpr ToolSet kEveryTool{(1u << (static_cast<unsigned>(Tool::kLast) + 1)) - 1};

// A program that lives on after the call that started it, with a terminal of its own (SX-3).
inline constexpr std::size_t kProcessesMax = 16;              // of a session: running, or ended and not yet displaced
inline constexpr std::size_t kProcessInputBytesMax = 16u << 10;  // of one process_write, and of what waits for the program to read it
inline constexpr std::chrono::seconds kProcessWaitMax{30};
inline constexpr std::chrono::seconds kProcessTimeMax{86'400};   // wall and CPU

struct ProcessArguments {
    std::uint32_t process = 0;            // its number, from 1; process_start, process_list: none
    std::uint16_t rows = 0;               // process_start; process_signal with WINCH
    std::uint16_t columns = 0;
    std::uint8_t signal = 0;              // process_signal: Linux's number, one of kProcessSignals
    std::chrono::milliseconds cpu_max{};  // process_start: of each of its processes; zero: none of its own
    std::chrono::milliseconds wait{};     // for output; <= kProcessWaitMax
    bool has_from = false;
    std::uint64_t from = 0;               // process_read: the first byte of the output that is wanted
    bool raw = false;                     // with the terminal's control sequences

    static void fields(auto& wire, auto& m) { wire(m.process, m.rows, m.columns, m.signal, m.cpu_max, m.wait, m.has_from, m.from, m.raw); }
};

struct ProcessSignal {
    std::string_view name;
    std::uint8_t number;
};
inline constexpr std::uint8_t kWindowChanged = 28;
inline constexpr ProcessSignal kProcessSignals[] = {{"HUP", 1}, {"INT", 2}, {"QUIT", 3}, {"KILL", 9}, {"USR1", 10}, {"USR2", 12}, {"TERM", 15},
    {"CONT", 18}, {"STOP", 19}, {"TSTP", 20}, {"WINCH", kWindowChanged}};

// One struct for all tools: fields that a tool does not use are empty.
struct ToolArguments {
    Tool tool{};
    wire::Text<kToolTextBytesMax> command;          // bash, process_start
    std::chrono::milliseconds timeout{};            // bash: already within the manifest's ceiling; process_start: <= kProcessTimeMax, zero: none
    wire::Text<kPathBytesMax> path;                 // view, create_file, str_replace
    bool has_range = false;                         // view
    std::int64_t range_first = 0;                   // 1-based
    std::int64_t range_last = 0;                    // -1 = end
    wire::Text<kToolTextBytesMax> text;             // create_file: file_text; str_replace: old_str; process_write: <= kProcessInputBytesMax
    wire::Text<kToolTextBytesMax> replacement;      // str_replace: new_str
    ProcessArguments process;                       // process_*

    static void fields(auto& wire, auto& m)
    {
        wire(m.tool, m.command, m.timeout, m.path, m.has_range, m.range_first, m.range_last, m.text, m.replacement, m.process);
    }
};

enum class Content : std::uint8_t {
    text,     // for the agent, <= kAnswerTextCharsMax characters
    image,    // png, jpeg, gif, webp bytes as the guest sent them: only `parser` may look inside
    archive,  // bytes of an archive: only `parser` may look inside
    kLast = archive,
};

// What became of a call, and what it cost. `text` content is still the guest's bytes: encode it, never interpret it.
struct ToolAnswer {
    Reason reason = Reason::none;        // none: the tool ran (a non-zero exit is a result)
    bool is_error = false;               // MCP isError: the tool could not do what was asked
    Content content = Content::text;
    wire::Text<64> mime;                 // image: its type
    wire::Text<kAnswerBytesMax> body;
    bool has_exit = false;               // bash: exit_status is meaningful
    std::int32_t exit_status = 0;        // shell convention: 128 + n for signal n
    bool timed_out = false;
    std::uint32_t process = 0;           // process_start: the number of what was started
    std::uint64_t output_bytes = 0;      // before truncation
    std::chrono::milliseconds duration{};

    static void fields(auto& wire, auto& m)
    {
        wire(m.reason, m.is_error, m.content, m.mime, m.body, m.has_exit, m.exit_status, m.timed_out, m.process, m.output_bytes, m.duration);
    }
};

}  // namespace ocu::proto
