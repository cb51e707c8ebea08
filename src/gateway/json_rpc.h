// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// JSON-RPC 2.0 as MCP uses it: one message, no batch, an id that is a string or an integer. Pure.

#include <expected>
#include <string>
#include <string_view>

#include "wire/json.h"

namespace ocu::gateway {

inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParams = -32602;
inline constexpr int kHeaderMismatch = -32020;       // MCP 2026-07-28
inline constexpr int kUnsupportedRevision = -32022;  // MCP 2026-07-28
inline constexpr int kRefused = -31000;              // ours: data.code says which

struct RpcMessage {
    enum class Kind { request, notification };
    Kind kind = Kind::request;
    std::string id;  // as JSON text; empty for a notification
    std::string method;
    wire::JsonView params;  // an object, or nothing; lives as long as the document
};

struct RpcFault {
    int code;
    std::string_view name;  // stable
    std::string id;         // as JSON text where it could be read
};

std::expected<RpcMessage, RpcFault> read_message(wire::JsonView document);

// `id` is JSON text; empty: null. `more` goes into error.data beside code and correlation id.
std::string error_body(
    std::string_view id, int code, std::string_view name, std::string_view trace, wire::Json more = wire::Json::object());
std::string result_body(std::string_view id, wire::Json result);
std::string notification_body(std::string_view method, wire::Json params);

}  // namespace ocu::gateway
