// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The tools that agents see: their list, and how a call's arguments become a ToolArguments. The list is static; what the schema says and
// what read_arguments() accepts are tested against each other. Pure.

#include <expected>
#include <optional>
#include <string_view>
#include <vector>

#include "proto/tool.h"
#include "wire/json.h"

namespace ocu::gateway {

struct ToolLimits {
    std::chrono::milliseconds timeout_default{120'000};
    std::chrono::milliseconds timeout_max{600'000};
};

// The array of tools/list, in an order that never changes, of those that are in `shown`.
wire::Json tool_list(ToolLimits const& limits, proto::ToolSet shown = proto::kEveryTool);

std::optional<proto::Tool> tool_named(std::string_view name);

struct ToolArgument {
    std::string_view name;
    bool is_path;
};
// Those that the schema of a tool names.
std::vector<ToolArgument> arguments_of(proto::Tool tool);

struct ReadArguments {
    proto::ToolArguments arguments;
    std::uint32_t ignored = 0;  // members that the tool does not know: some clients inject them (03-interfaces)
};

// What is wrong with an argument: both are ours, none of a peer's bytes.
struct BadArgument {
    std::string_view name;
    std::string_view must;  // "must be a string of at most 4096 bytes"
};

std::expected<ReadArguments, BadArgument> read_arguments(proto::Tool tool, wire::JsonView arguments, ToolLimits const& limits);

}  // namespace ocu::gateway
