// SPDX-License-Identifier: GPL-3.0-or-later
#include "gateway/mcp_face.h"

#include <algorithm>

#include "base/crypto/crypto.h"
#include "gateway/json_rpc.h"
#include "gateway/limits.h"
#include "gateway/mcp_answer.h"

namespace ocu::gateway {

using proto::Reason;
using wire::HttpRequest;
using wire::HttpResponse;
using wire::Json;
using wire::JsonView;

namespace {

constexpr std::string_view kRevisionKey = "io.modelcontextprotocol/protocolVersion";
constexpr std::string_view kCapabilitiesKey = "io.modelcontextprotocol/clientCapabilities";
constexpr std::string_view kMetadataPath = "/.well-known/oauth-protected-resource";
constexpr std::int64_t kListFreshMs = 3'600'000;  // static until the next start of the appliance

HttpResponse json_response(unsigned status, std::string body)
{
    return {status, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, std::move(body), {}};
}

// Every refusal of this face is made here, so that none goes without its code for the record.
HttpResponse refusal(unsigned status, std::string body, std::string_view code)
{
    HttpResponse response = json_response(status, std::move(body));
    response.refused_as = code;
    return response;
}

HttpResponse refused(unsigned status, std::string_view code, std::string_view trace)
{
    return refusal(status, error_body({}, kRefused, code, trace), code);
}

// Everything about one request that the methods below need.
struct Asked {
    FaceRules const& rules;
    HttpRequest const& request;
    std::string_view trace;
    RpcMessage const& message;
    Era era;
    proto::ToolSet shown;

    HttpResponse fault(unsigned status, int code, std::string_view name, Json more = Json::object()) const
    {
        return refusal(status, error_body(message.id, code, name, trace, std::move(more)), name);
    }
    HttpResponse result(Json value) const
    {
        stamp(value, era);
        return json_response(200, result_body(message.id, std::move(value)));
    }
};

// --- which revision, and does everything that says so agree ---

Json revisions_json()
{
    Json list = Json::array();
    for (auto const each : kRevisions) list.push(Json::string(each));
    return list;
}

HttpResponse unsupported_revision(std::string_view id, std::string_view wanted, std::string_view trace)
{
    Json more = Json::object();
    more.set("supported", revisions_json());
    // The client's own word back to it, bounded: it must be able to tell which of its tries this answers.
    more.set("requested", wanted.substr(0, kRevisionBytesMax));
    constexpr std::string_view kName = "unsupported_protocol_version";
    return refusal(400, error_body(id, kUnsupportedRevision, kName, trace, std::move(more)), kName);
}

// A name or URI in a header: plain, or =?base64?...?= where it would not be plain ASCII.
std::optional<std::string> header_text(std::string_view value)
{
    constexpr std::string_view kHead = "=?base64?";
    constexpr std::string_view kTail = "?=";
    if (!value.starts_with(kHead) || !value.ends_with(kTail) || value.size() < kHead.size() + kTail.size()) return std::string(value);
    value.remove_prefix(kHead.size());
    value.remove_suffix(kTail.size());
    auto const bytes = crypto::from_base64(value);
    if (!bytes) return std::nullopt;
    return std::string(bytes->begin(), bytes->end());
}

// What the headers say must be what the body says: somebody between us may have decided on the headers (2026-07-28).
bool headers_agree(HttpRequest const& request, RpcMessage const& message, std::string_view body_revision)
{
    if (request.count("mcp-protocol-version") != 1 || request.header("mcp-protocol-version") != body_revision) return false;
    if (request.count("mcp-method") != 1 || request.header("mcp-method") != message.method) return false;
    std::string_view const named = message.method == "resources/read" ? "uri" : "name";
    if (message.method != "tools/call" && message.method != "resources/read" && message.method != "prompts/get") return true;
    if (request.count("mcp-name") != 1) return false;
    auto const name = message.params[named].string();
    return name && header_text(request.header("mcp-name")) == *name;
}

// The era of a request, or the answer that it gets for not saying it right.
std::expected<Era, HttpResponse> era_of(HttpRequest const& request, RpcMessage const& message, std::string_view trace)
{
    auto const fault = [&](int code, std::string_view name) {
        return std::unexpected(refusal(400, error_body(message.id, code, name, trace), name));
    };
    if (request.count("mcp-protocol-version") > 1) return fault(kHeaderMismatch, "header_mismatch");
    std::string_view const header = request.header("mcp-protocol-version");
    JsonView const in_meta = message.params["_meta"][kRevisionKey];
    if (!in_meta) {
        if (header.empty() || is_handshake(header)) return Era::handshake;
        if (!is_stateless(header)) return std::unexpected(unsupported_revision(message.id, header, trace));
        if (message.kind == RpcMessage::Kind::notification) return Era::stateless;
        return fault(kInvalidParams, "meta_required");
    }
    if (!in_meta.string()) return fault(kInvalidParams, "meta_required");
    std::string_view const revision = *in_meta.string();
    if (message.kind == RpcMessage::Kind::request && !headers_agree(request, message, revision)) {
        return fault(kHeaderMismatch, "header_mismatch");
    }
    if (is_handshake(revision)) return Era::handshake;
    if (!is_stateless(revision)) return std::unexpected(unsupported_revision(message.id, revision, trace));
    if (message.kind == RpcMessage::Kind::request && !message.params["_meta"][kCapabilitiesKey].is_object()) {
        return fault(kInvalidParams, "meta_required");
    }
    return Era::stateless;
}

// --- methods ---

Json capabilities()
{
    Json all = Json::object();
    all.set("tools", Json::object());
    all.set("resources", Json::object());
    return all;
}

void cacheable(Json& result, Era era)
{
    if (era != Era::stateless) return;
    result.set("ttlMs", kListFreshMs);
    result.set("cacheScope", "private");
}

HttpResponse initialize(Asked const& asked)
{
    auto const wanted = asked.message.params["protocolVersion"].string();
    if (!wanted) return asked.fault(200, kInvalidParams, "protocol_version_required");
    Json result = Json::object();
    result.set("protocolVersion", negotiated(*wanted));
    result.set("capabilities", capabilities());
    result.set("serverInfo", server_info());
    result.set("instructions", asked.rules.instructions);
    return asked.result(std::move(result));
}

HttpResponse discover(Asked const& asked)
{
    Json result = Json::object();
    result.set("supportedVersions", revisions_json());
    result.set("capabilities", capabilities());
    result.set("instructions", asked.rules.instructions);
    cacheable(result, asked.era);
    return asked.result(std::move(result));
}

HttpResponse list_tools(Asked const& asked)
{
    // One page: a cursor is never handed out, so none can be right.
    if (asked.message.params["cursor"]) return asked.fault(200, kInvalidParams, "bad_cursor");
    Json result = Json::object();
    result.set("tools", tool_list(asked.rules.tools, asked.shown));
    cacheable(result, asked.era);
    return asked.result(std::move(result));
}

// The token as JSON text, or nothing.
std::string progress_token(JsonView params)
{
    JsonView const token = params["_meta"]["progressToken"];
    bool const good = token.integer() || (token.string() && token.string()->size() <= kProgressTokenBytesMax);
    return good ? token.print() : std::string{};
}

Decision call_tool(Asked const& asked)
{
    auto const chat = chat_of(asked.rules.access, asked.request);
    if (!chat) return asked.fault(400, kInvalidParams, name_of(chat.error()));
    auto const name = asked.message.params["name"].string();
    if (!name) return asked.fault(asked.era == Era::stateless ? 400 : 200, kInvalidParams, "tool_name_required");
    auto const tool = tool_named(*name);
    if (!tool) return asked.fault(200, kInvalidParams, name_of(Reason::unknown_tool));
    auto read = read_arguments(*tool, asked.message.params["arguments"], asked.rules.tools);
    if (!read) {
        // For the model to read and do better; the words are ours.
        std::string sentence = "`" + std::string(read.error().name) + "` " + std::string(read.error().must) + ".";
        auto response = asked.result(error_result(asked.era, name_of(Reason::bad_arguments), sentence, asked.trace));
        response.refused_as = name_of(Reason::bad_arguments);
        return response;
    }
    return CallAsked{asked.era, asked.message.id, progress_token(asked.message.params), *chat, std::move(read->arguments), read->ignored,
        accepts(asked.request)};
}

Decision ask_resource(Asked const& asked, proto::ResourceVerb verb)
{
    auto const chat = chat_of(asked.rules.access, asked.request);
    if (!chat) return asked.fault(400, kInvalidParams, name_of(chat.error()));
    ResourceAsked made{asked.era, asked.message.id, *chat, {}, {}};
    made.ask.verb = verb;
    std::optional<std::string> path;
    if (verb == proto::ResourceVerb::read) {
        auto const uri = asked.message.params["uri"].string();
        if (!uri || uri->size() > kUriBytesMax) return asked.fault(200, kInvalidParams, "bad_uri");
        made.uri = *uri;
        path = path_of_uri(*uri);
        if (!path) return asked.fault(200, kInvalidParams, "bad_uri");
    } else if (JsonView const cursor = asked.message.params["cursor"]) {
        path = cursor.string() ? path_of_cursor(*cursor.string()) : std::nullopt;
        if (!path) return asked.fault(200, kInvalidParams, "bad_cursor");
    }
    if (path) made.ask.path = *std::move(path);
    return made;
}

// There are no templates: each file has its own URI, and the list has them all.
HttpResponse list_templates(Asked const& asked)
{
    if (asked.message.params["cursor"]) return asked.fault(200, kInvalidParams, "bad_cursor");
    Json result = Json::object();
    result.set("resourceTemplates", Json::array());
    cacheable(result, asked.era);
    return asked.result(std::move(result));
}

Decision on_request(Asked const& asked)
{
    std::string_view const method = asked.message.method;
    if (method == "tools/call") return call_tool(asked);
    if (method == "resources/list") return ask_resource(asked, proto::ResourceVerb::list);
    if (method == "resources/read") return ask_resource(asked, proto::ResourceVerb::read);
    if (method == "resources/templates/list") return list_templates(asked);
    if (method == "tools/list") return list_tools(asked);
    if (asked.era == Era::stateless) {
        if (method == "server/discover") return discover(asked);
        return asked.fault(404, kMethodNotFound, "method_not_found");
    }
    if (method == "initialize") return initialize(asked);
    if (method == "ping") return asked.result(Json::object());
    return asked.fault(200, kMethodNotFound, "method_not_found");
}

Decision on_notification(Asked const& asked)
{
    HttpResponse const accepted{202, {}, {}};
    if (asked.message.method != "notifications/cancelled" || asked.era == Era::stateless) return accepted;
    JsonView const id = asked.message.params["requestId"];
    auto const chat = chat_of(asked.rules.access, asked.request);
    bool const good = id.integer() || (id.string() && id.string()->size() <= kRpcIdBytesMax);
    if (!good || !chat || id.print().size() > proto::kClientIdBytesMax) return accepted;  // fire and forget: nothing to say
    return CancelAsked{*chat, id.print()};
}

HttpResponse resource_metadata(FaceRules const& rules)
{
    Json methods = Json::array();
    methods.push(Json::string("header"));
    Json body = Json::object();
    body.set("resource", rules.public_url + "/mcp");
    body.set("resource_name", "ocu-appliance");
    body.set("bearer_methods_supported", std::move(methods));
    return {200, {{"Content-Type", "application/json"}}, body.print(), {}};
}

HttpResponse method_not_allowed(std::string_view allowed, std::string_view trace)
{
    HttpResponse response = refused(405, "method_not_allowed", trace);
    response.headers.push_back({"Allow", std::string(allowed)});
    return response;
}

}  // namespace

HeadDecision judge_head(FaceRules const& rules, HttpRequest const& request, std::string_view trace)
{
    if (!host_allowed(rules.access, request)) return refused(403, "host_not_allowed", trace);
    if (!origin_allowed(rules.access, request)) return refused(403, "origin_not_allowed", trace);
    bool const reads = request.method == "GET" || request.method == "HEAD";
    std::string_view const path = request.path();
    if (path == "/health") return reads ? HeadDecision(HealthAsked{}) : method_not_allowed("GET, HEAD", trace);
    if (path == kMetadataPath || path == std::string(kMetadataPath) + "/mcp") {
        return reads ? resource_metadata(rules) : method_not_allowed("GET, HEAD", trace);
    }
    if (path != "/mcp") return refused(404, "not_found", trace);
    if (request.method != "POST") return method_not_allowed("POST", trace);
    auto token = bearer_token(request);
    if (!token) return unauthorized(rules, token.error() == NoToken::absent ? Token::absent : Token::malformed, trace);
    if (!is_json_content(request)) return refused(415, "json_required", trace);
    Accepts const taken = accepts(request);
    if (!taken.json && !taken.stream) return refused(406, "not_acceptable", trace);
    return TokenShown{*std::move(token)};
}

Decision decide(FaceRules const& rules, HttpRequest const& request, std::string_view trace, proto::ToolSet shown)
{
    auto const document = Json::parse(request.body, {.bytes_max = kBodyBytesMax, .depth_max = kJsonDepthMax});
    if (!document) return refusal(400, error_body({}, kParseError, "not_json", trace), "not_json");
    auto const message = read_message(document->view());
    if (!message) {
        auto const& fault = message.error();
        return refusal(400, error_body(fault.id, fault.code, fault.name, trace), fault.name);
    }
    auto const era = era_of(request, *message, trace);
    if (!era) return era.error();
    Asked const asked{rules, request, trace, *message, *era, shown};
    return message->kind == RpcMessage::Kind::notification ? on_notification(asked) : on_request(asked);
}

HttpResponse unauthorized(FaceRules const& rules, Token why, std::string_view trace)
{
    HttpResponse response = refused(401, name_of(Reason::unauthorized), trace);
    std::string challenge = "Bearer resource_metadata=\"" + rules.public_url + std::string(kMetadataPath) + "/mcp\"";
    if (why == Token::refused) challenge += ", error=\"invalid_token\"";
    if (why == Token::malformed) challenge += ", error=\"invalid_request\"";
    response.headers.push_back({"WWW-Authenticate", std::move(challenge)});
    return response;
}

HttpResponse health(bool healthy)
{
    Json body = Json::object();
    body.set("status", healthy ? "healthy" : "unavailable");
    return json_response(healthy ? 200 : 503, body.print());
}

HttpResponse refused_by_server(wire::HttpRefusal refusal, std::string_view trace) { return refused(refusal.status, refusal.code, trace); }

}  // namespace ocu::gateway
