// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/json_rpc.h"

#include "gateway/limits.h"

namespace ocu::gateway {

using wire::Json;
using wire::JsonView;

namespace {

// The id as JSON text, or nothing where it is not a string or an exact integer of a size that can travel.
std::string id_text(JsonView id)
{
    if (auto const text = id.string()) {
        if (text->size() > kRpcIdBytesMax) return {};
    } else if (!id.integer()) {
        return {};
    }
    std::string printed = id.print();
    return printed.size() <= proto::kClientIdBytesMax ? printed : std::string{};
}

Json envelope(std::string_view id)
{
    Json body = Json::object();
    body.set("jsonrpc", "2.0");
    auto parsed = id.empty() ? Result<Json>(Json::null()) : Json::parse(id);
    body.set("id", parsed ? *std::move(parsed) : Json::null());
    return body;
}

}  // namespace

std::expected<RpcMessage, RpcFault> read_message(JsonView document)
{
    if (document.is_array()) return std::unexpected(RpcFault{kInvalidRequest, "batch_refused", {}});
    if (!document.is_object()) return std::unexpected(RpcFault{kInvalidRequest, "not_a_message", {}});
    RpcMessage message;
    JsonView const id = document["id"];
    if (id) {
        message.id = id_text(id);
        if (message.id.empty()) return std::unexpected(RpcFault{kInvalidRequest, "bad_id", {}});
    }
    auto const fault = [&](std::string_view name) { return std::unexpected(RpcFault{kInvalidRequest, name, message.id}); };
    if (document["jsonrpc"].string() != "2.0") return fault("not_json_rpc_2");
    auto const method = document["method"].string();
    // An answer of the client's to a request of ours: there is never one.
    if (!method) return fault(document["result"] || document["error"] ? "unexpected_response" : "no_method");
    if (method->empty() || method->size() > kMethodBytesMax) return fault("bad_method");
    message.params = document["params"];
    if (message.params && !message.params.is_object()) return std::unexpected(RpcFault{kInvalidParams, "params_not_an_object", message.id});
    message.method = std::string(*method);
    message.kind = id ? RpcMessage::Kind::request : RpcMessage::Kind::notification;
    return message;
}

std::string error_body(std::string_view id, int code, std::string_view name, std::string_view trace, Json more)
{
    more.set("code", name);
    more.set("correlationId", trace);
    Json error = Json::object();
    error.set("code", code);
    error.set("message", name);
    error.set("data", std::move(more));
    Json body = envelope(id);
    body.set("error", std::move(error));
    return body.print();
}

std::string result_body(std::string_view id, Json result)
{
    Json body = envelope(id);
    body.set("result", std::move(result));
    return body.print();
}

std::string notification_body(std::string_view method, Json params)
{
    Json body = Json::object();
    body.set("jsonrpc", "2.0");
    body.set("method", method);
    body.set("params", std::move(params));
    return body.print();
}

}  // namespace ocu::gateway
