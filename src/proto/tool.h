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

enum class Tool : std::uint8_t { bash, view, create_file, str_replace, kLast = str_replace };

constexpr std::string_view name_of(Tool tool)
{
    switch (tool) {
    case Tool::bash: return "bash_tool";
    case Tool::view: return "view";
    case Tool::create_file: return "create_file";
    case Tool::str_replace: return "str_replace";
    }
    return "?";
}

// Which tools a caller is shown.
struct ToolSet {
    std::uint8_t bits = 0;

    constexpr void add(Tool tool) { bits = static_cast<std::uint8_t>(bits | 1u << static_cast<unsigned>(tool)); }
    constexpr bool has(Tool tool) const { return ((static_cast<unsigned>(bits) >> static_cast<unsigned>(tool)) & 1u) != 0; }

    static void fields(auto& wire, auto& m) { wire(m.bits); }
};
inline constexpr ToolSet kEveryTool{(1u << (static_cast<unsigned>(Tool::kLast) + 1)) - 1};

// One struct for the four tools: fields that a tool does not use are empty.
struct ToolArguments {
    Tool tool{};
    wire::Text<kToolTextBytesMax> command;          // bash
    std::chrono::milliseconds timeout{};            // bash; already within the manifest's ceiling
    wire::Text<kPathBytesMax> path;                 // the rest
    bool has_range = false;                         // view
    std::int64_t range_first = 0;                   // 1-based
    std::int64_t range_last = 0;                    // -1 = end
    wire::Text<kToolTextBytesMax> text;             // create_file: file_text; str_replace: old_str
    wire::Text<kToolTextBytesMax> replacement;      // str_replace: new_str

    static void fields(auto& wire, auto& m)
    {
        wire(m.tool, m.command, m.timeout, m.path, m.has_range, m.range_first, m.range_last, m.text, m.replacement);
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
    std::uint64_t output_bytes = 0;      // before truncation
    std::chrono::milliseconds duration{};

    static void fields(auto& wire, auto& m)
    {
        wire(m.reason, m.is_error, m.content, m.mime, m.body, m.has_exit, m.exit_status, m.timed_out, m.output_bytes, m.duration);
    }
};

}  // namespace ocu::proto
