// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/gateway/mcp_face, json_rpc and mcp_answer. Both eras on one endpoint, every refusal with its status and code.

#include "gateway/mcp_face.h"

#include <catch2/catch_test_macros.hpp>

#include "gateway/json_rpc.h"
#include "gateway/mcp_answer.h"

namespace test_mcp_face {

using namespace ocu;
using namespace ocu::gateway;
using proto::Reason;
using wire::HttpRequest;
using wire::HttpResponse;
using wire::Json;

FaceRules rules()
{
    FaceRules out;
    out.access.hosts = {"127.0.0.1", "localhost"};
    out.public_url = "http://127.0.0.1:8811";
    out.instructions = "how to";
    return out;
}

HttpRequest post(std::string body, std::vector<wire::HttpHeader> more = {})
{
    HttpRequest request;
    request.method = "POST";
    request.target = "/mcp";
    request.headers = {{"Host", "127.0.0.1:8811"}, {"Authorization", "Bearer key"}, {"Content-Type", "application/json"},
        {"Accept", "application/json, text/event-stream"}};
    request.headers.insert(request.headers.end(), more.begin(), more.end());
    request.body = std::move(body);
    return request;
}

HttpRequest get(std::string target, std::string method = "GET")
{
    HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.headers = {{"Host", "127.0.0.1:8811"}};
    return request;
}

// A request of the stateless era with everything in place; each argument can be spoiled.
struct Stateless {
    std::string method = "tools/list";
    std::string header_method = "tools/list";
    std::string revision = "2026-07-28";
    std::string header_revision = "2026-07-28";
    std::string capabilities = R"(,"io.modelcontextprotocol/clientCapabilities":{})";
    std::string params{};
    std::vector<wire::HttpHeader> more{};

    HttpRequest request() const
    {
        std::string const body = R"({"jsonrpc":"2.0","id":7,"method":")" + method + R"(","params":{)" + params +
                                 R"("_meta":{"io.modelcontextprotocol/protocolVersion":")" + revision + "\"" + capabilities + "}}}";
        auto headers = more;
        if (!header_revision.empty()) headers.push_back({"MCP-Protocol-Version", header_revision});
        if (!header_method.empty()) headers.push_back({"Mcp-Method", header_method});
        return post(body, headers);
    }
};

struct Seen {
    unsigned status;
    Json body;
    wire::JsonView error() const { return body.view()["error"]; }
    wire::JsonView result() const { return body.view()["result"]; }
    std::int64_t code() const { return error()["code"].integer().value_or(0); }
    std::string name() const { return std::string(error()["data"]["code"].string().value_or("")); }
};

Seen seen(HttpResponse const& response)
{
    auto body = Json::parse(response.body.empty() ? "{}" : response.body);
    REQUIRE(body);
    return {response.status, *std::move(body)};
}

Seen answer(HttpRequest const& request, FaceRules const& with = rules())
{
    auto const decision = decide(with, request, "trace01");
    REQUIRE(std::holds_alternative<HttpResponse>(decision));
    return seen(std::get<HttpResponse>(decision));
}

CallAsked call(HttpRequest const& request, FaceRules const& with = rules())
{
    auto decision = decide(with, request, "trace01");
    REQUIRE(std::holds_alternative<CallAsked>(decision));
    return std::get<CallAsked>(std::move(decision));
}

HttpResponse head(HttpRequest const& request)
{
    auto const decision = judge_head(rules(), request, "trace01");
    REQUIRE(std::holds_alternative<HttpResponse>(decision));
    return std::get<HttpResponse>(decision);
}

std::string rpc(std::string_view method, std::string_view params = "{}")
{
    return R"({"jsonrpc":"2.0","id":1,"method":")" + std::string(method) + R"(","params":)" + std::string(params) + "}";
}

// --- the head ---

TEST_CASE("mcp_face: given a good head, when it is judged, then the token goes to be judged and the body is not looked at",
    "[gateway][T-02][GW-3]")
{
    auto const decision = judge_head(rules(), post("not json at all"), "t");
    REQUIRE(std::holds_alternative<TokenShown>(decision));
    CHECK(std::get<TokenShown>(decision).token == "key");
}

TEST_CASE("mcp_face: given a wrong Host or Origin, when the head is judged, then 403", "[gateway][T-01][GW-4]")
{
    auto request = post("{}");
    request.headers[0].value = "evil.example";
    CHECK(head(request).status == 403);
    CHECK(seen(head(request)).name() == "host_not_allowed");
    CHECK(seen(head(post("{}", {{"Origin", "https://evil.example"}}))).name() == "origin_not_allowed");
    auto health_request = get("/health");
    health_request.headers[0].value = "evil.example";
    CHECK(head(health_request).status == 403);
}

TEST_CASE("mcp_face: given no token, when the head is judged, then 401 that says where to look", "[gateway][T-01][GW-3]")
{
    auto request = post("{}");
    request.headers.erase(request.headers.begin() + 1);
    auto const response = head(request);
    CHECK(response.status == 401);
    CHECK(response.headers.back().name == "WWW-Authenticate");
    CHECK(response.headers.back().value == "Bearer resource_metadata=\"http://127.0.0.1:8811/.well-known/oauth-protected-resource/mcp\"");
    request.target = "/mcp?access_token=key&token=key";
    CHECK(head(request).status == 401);
    request.headers.push_back({"Authorization", "Basic key"});
    CHECK(head(request).headers.back().value.contains("invalid_request"));
    CHECK(unauthorized(rules(), Token::refused, "t").headers.back().value.contains("invalid_token"));
}

TEST_CASE("mcp_face: given another method, path or content, when the head is judged, then 405, 404, 415, 406", "[gateway][T-02][GW-1]")
{
    for (auto const* method : {"GET", "DELETE", "PUT", "HEAD", "OPTIONS"}) {
        auto const response = head(get("/mcp", method));
        CHECK(response.status == 405);
        CHECK(response.headers.back().value == "POST");
    }
    CHECK(head(get("/")).status == 404);
    CHECK(head(get("/mcp/")).status == 404);
    CHECK(head(get("/operator")).status == 404);
    auto request = post("{}");
    request.headers[2].value = "text/plain";
    CHECK(head(request).status == 415);
    request = post("{}");
    request.headers[3].value = "text/html";
    CHECK(head(request).status == 406);
    CHECK(head(get("/health", "POST")).status == 405);
}

TEST_CASE("mcp_face: given health and metadata, when they are asked for, then no token is needed", "[gateway][GW-3]")
{
    CHECK(std::holds_alternative<HealthAsked>(judge_head(rules(), get("/health"), "t")));
    for (auto const* path : {"/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"}) {
        auto const response = head(get(path));
        CHECK(response.status == 200);
        CHECK(Json::parse(response.body)->view()["resource"].string() == "http://127.0.0.1:8811/mcp");
    }
    CHECK(health(true).status == 200);
    CHECK(health(true).body == R"({"status":"healthy"})");
    CHECK(health(false).status == 503);
}

// --- the envelope ---

TEST_CASE("mcp_face: given a body that is no message, when it is read, then 400 with the JSON-RPC code", "[gateway][T-02][GW-4]")
{
    CHECK(answer(post("")).code() == -32700);
    CHECK(answer(post("{")).code() == -32700);
    CHECK(answer(post("{} {}")).code() == -32700);
    CHECK(answer(post("{\"a\":1,\"a\":2}")).code() == -32700);
    CHECK(answer(post("\"\xff\"")).code() == -32700);
    CHECK(answer(post(std::string(40, '[') + std::string(40, ']'))).code() == -32700);
    CHECK(answer(post("{}")).code() == -32600);
    CHECK(answer(post("5")).code() == -32600);
    CHECK(answer(post(R"({"jsonrpc":"1.0","id":1,"method":"ping"})")).code() == -32600);
    CHECK(answer(post(R"({"jsonrpc":"2.0","id":null,"method":"ping"})")).code() == -32600);
    CHECK(answer(post(R"({"jsonrpc":"2.0","id":1.5,"method":"ping"})")).code() == -32600);
    CHECK(answer(post(R"({"jsonrpc":"2.0","id":{},"method":"ping"})")).code() == -32600);
    CHECK(answer(post(R"({"jsonrpc":"2.0","id":")" + std::string(129, 'i') + R"(","method":"ping"})")).code() == -32600);
    CHECK(answer(post(R"({"jsonrpc":"2.0","id":1,"method":""})")).code() == -32600);
    CHECK(answer(post(R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[]})")).code() == -32602);
    CHECK(answer(post(R"({"jsonrpc":"2.0","id":1,"result":{}})")).name() == "unexpected_response");
    CHECK(answer(post("")).status == 400);
}

TEST_CASE("mcp_face: given a batch, when it is read, then it is refused", "[gateway][T-02][GW-4]")
{
    auto const out = answer(post("[" + rpc("ping") + "]"));
    CHECK(out.status == 400);
    CHECK(out.name() == "batch_refused");
}

TEST_CASE("mcp_face: given any error, when it is written, then a stable code and the correlation id and no more", "[gateway][T-12][GW-9]")
{
    auto const out = answer(post(R"({"jsonrpc":"2.0","id":"seven","method":"secret/path"})"));
    CHECK(out.body.view()["id"].string() == "seven");
    CHECK(out.error()["message"].string() == "method_not_found");
    CHECK(out.error()["data"].print() == R"({"code":"method_not_found","correlationId":"trace01"})");
    CHECK_FALSE(out.body.print().contains("secret"));
}

// --- the era of initialize ---

TEST_CASE("mcp_face: given initialize, when a revision is asked for, then it or the newest that begins so", "[gateway][GW-1]")
{
    for (auto const* revision : {"2025-03-26", "2025-06-18", "2025-11-25"}) {
        auto const out = answer(post(rpc("initialize", R"({"protocolVersion":")" + std::string(revision) + R"(","capabilities":{}})")));
        CHECK(out.status == 200);
        CHECK(out.result()["protocolVersion"].string() == revision);
    }
    auto const out = answer(post(rpc("initialize", R"({"protocolVersion":"2024-11-05"})")));
    CHECK(out.result()["protocolVersion"].string() == "2025-11-25");
    CHECK(out.result()["instructions"].string() == "how to");
    CHECK(out.result()["capabilities"]["tools"].is_object());
    CHECK(out.result()["capabilities"]["resources"].is_object());
    CHECK_FALSE(out.result()["resultType"]);
    CHECK(answer(post(rpc("initialize", R"({"protocolVersion":"2026-07-28"})"))).result()["protocolVersion"].string() == "2025-11-25");
    CHECK(answer(post(rpc("initialize"))).code() == -32602);
}

TEST_CASE("mcp_face: given no initialize before, when a method is called, then it works", "[gateway][GW-1]")
{
    CHECK(answer(post(rpc("ping"))).result().print() == "{}");
    CHECK(answer(post(rpc("tools/list"))).result()["tools"].size() == 9);
    CHECK_FALSE(answer(post(rpc("tools/list"))).result()["ttlMs"]);
    CHECK(answer(post(rpc("tools/list", R"({"cursor":"x"})"))).code() == -32602);
    auto const unknown = answer(post(rpc("prompts/list")));
    CHECK(unknown.status == 200);
    CHECK(unknown.code() == -32601);
}

TEST_CASE("mcp_face: given a resource method, when it is called, then it asks for the files of that chat", "[gateway][GW-10]")
{
    auto const ask = [](std::string_view method, std::string_view params) { return decide(rules(), post(rpc(method, params), {{"X-Chat-Id", "c1"}}), "t"); };
    CHECK(std::get<ResourceAsked>(ask("resources/list", "{}")).chat == "c1");
    auto const next = ask("resources/list", R"({"cursor":")" + cursor_of("outputs/m") + "\"}");
    CHECK(std::get<ResourceAsked>(next).ask.path.view() == "outputs/m");
    auto const read = ask("resources/read", R"({"uri":"file:///mnt/user-data/outputs/a%20b"})");
    CHECK(std::get<ResourceAsked>(read).ask.path.view() == "outputs/a b");
    for (auto const* const params : {"{}", R"({"uri":7})", R"({"uri":"file:///etc/passwd"})"})
        CHECK(std::get<HttpResponse>(ask("resources/read", params)).refused_as == "bad_uri");
    CHECK(std::get<HttpResponse>(ask("resources/list", R"({"cursor":7})")).refused_as == "bad_cursor");
    CHECK(std::get<HttpResponse>(decide(rules(), post(rpc("resources/list"), {{"X-Chat-Id", "a b"}}), "t")).status == 400);
    CHECK(answer(post(rpc("resources/templates/list"))).result()["resourceTemplates"].size() == 0);
}

TEST_CASE("mcp_face: given a revision header, when it is not one of ours, then 400", "[gateway][GW-1]")
{
    CHECK(answer(post(rpc("ping"), {{"MCP-Protocol-Version", "2025-06-18"}})).status == 200);
    auto const out = answer(post(rpc("ping"), {{"MCP-Protocol-Version", "1999-01-01"}}));
    CHECK(out.status == 400);
    CHECK(out.code() == -32022);
    CHECK(answer(post(rpc("ping"), {{"MCP-Protocol-Version", "2025-06-18"}, {"MCP-Protocol-Version", "2025-06-18"}})).status == 400);
}

TEST_CASE("mcp_face: given a notification, when it is read, then 202 without a body", "[gateway][GW-1]")
{
    auto const decision = decide(rules(), post(R"({"jsonrpc":"2.0","method":"notifications/initialized"})"), "t");
    REQUIRE(std::holds_alternative<HttpResponse>(decision));
    CHECK(std::get<HttpResponse>(decision).status == 202);
    CHECK(std::get<HttpResponse>(decision).body.empty());
}

TEST_CASE("mcp_face: given a cancelling notification, when it is read, then the id is told from one of another type", "[gateway][GW-6]")
{
    auto const cancelled = [](std::string_view id) {
        return decide(rules(),
            post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":)" + std::string(id) + "}}",
                {{"X-Chat-Id", "c"}}),
            "t");
    };
    auto const number = cancelled("5");
    REQUIRE(std::holds_alternative<CancelAsked>(number));
    CHECK(std::get<CancelAsked>(number).id == "5");
    CHECK(std::get<CancelAsked>(number).chat == "c");
    CHECK(std::get<CancelAsked>(cancelled("\"5\"")).id == "\"5\"");
    CHECK(std::holds_alternative<HttpResponse>(cancelled("null")));
    CHECK(std::holds_alternative<HttpResponse>(cancelled("{}")));
}

// --- tools/call ---

TEST_CASE("mcp_face: given a tool call, when it is read, then everything to answer it travels with it", "[gateway][GW-2][GW-5]")
{
    auto const out =
        call(post(rpc("tools/call", R"({"name":"bash_tool","arguments":{"command":"ls","x":1},"_meta":{"progressToken":"p"}})"),
            {{"X-Chat-Id", "c1"}}));
    CHECK(out.era == Era::handshake);
    CHECK(out.id == "1");
    CHECK(out.progress_token == "\"p\"");
    CHECK(out.chat == "c1");
    CHECK(out.ignored == 1);
    CHECK(out.arguments.command.view() == "ls");
    CHECK(call(post(rpc("tools/call", R"({"name":"bash_tool","arguments":{"command":"ls"},"_meta":{"progressToken":{}}})")))
            .progress_token.empty());
}

TEST_CASE("mcp_face: given a call that is wrong, when it is read, then the refusal is where the client looks for it",
    "[gateway][T-02][GW-2][GW-5]")
{
    CHECK(answer(post(rpc("tools/call", R"({"name":"sub_agent"})"))).name() == "unknown_tool");
    CHECK(answer(post(rpc("tools/call", R"({"name":"sub_agent"})"))).code() == -32602);
    CHECK(answer(post(rpc("tools/call", "{}"))).name() == "tool_name_required");
    auto const bad = answer(post(rpc("tools/call", R"({"name":"view","arguments":{}})")));
    CHECK(bad.status == 200);
    CHECK(bad.result()["isError"].boolean() == true);
    CHECK(bad.result()["content"].at(0)["text"].string() == "bad_arguments: `path` is required.\n[correlation id trace01]");
    auto const chat = answer(post(rpc("tools/call", R"({"name":"view","arguments":{"path":"/"}})"), {{"X-Chat-Id", "a b"}}));
    CHECK(chat.status == 400);
    CHECK(chat.name() == "chat_id_invalid");
    auto required = rules();
    required.access.chat_required = true;
    CHECK(answer(post(rpc("tools/call", R"({"name":"view","arguments":{"path":"/"}})")), required).name() == "chat_id_required");
}

// --- 2026-07-28 ---

TEST_CASE("mcp_face: given a stateless request, when all of it agrees, then its results say what they are", "[gateway][GW-1]")
{
    auto const list = answer(Stateless{}.request());
    CHECK(list.status == 200);
    CHECK(list.result()["resultType"].string() == "complete");
    CHECK(list.result()["ttlMs"].integer().value_or(-1) >= 0);
    CHECK(list.result()["cacheScope"].string() == "private");
    CHECK(list.result()["_meta"]["io.modelcontextprotocol/serverInfo"]["name"].string() == "ocu-appliance");
    auto const found = answer(Stateless{.method = "server/discover", .header_method = "server/discover"}.request());
    CHECK(found.result()["supportedVersions"].print() == R"(["2026-07-28","2025-11-25","2025-06-18","2025-03-26"])");
    CHECK(found.result()["capabilities"]["tools"].is_object());
    CHECK(found.result()["instructions"].string() == "how to");
    CHECK(found.result()["ttlMs"].integer().value_or(-1) >= 0);
}

TEST_CASE("mcp_face: given headers that disagree with the body, when it is read, then 400 and -32020", "[gateway][T-02][GW-1]")
{
    auto const mismatch = [](Stateless const& request) {
        auto const out = answer(request.request());
        return out.status == 400 && out.code() == -32020;
    };
    CHECK(mismatch({.header_method = "tools/call"}));
    CHECK(mismatch({.header_method = ""}));
    CHECK(mismatch({.header_revision = ""}));
    CHECK(mismatch({.header_revision = "2025-11-25"}));
    CHECK(mismatch({.revision = "2025-11-25"}));
    CHECK(mismatch({.header_method = "Tools/List"}));
    CHECK(mismatch({.more = {{"Mcp-Method", "tools/list"}}}));
    std::string const named = R"("name":"bash_tool","arguments":{"command":"ls"},)";
    CHECK(mismatch({.method = "tools/call", .header_method = "tools/call", .params = named}));
    CHECK(mismatch({.method = "tools/call", .header_method = "tools/call", .params = named, .more = {{"Mcp-Name", "view"}}}));
    CHECK(mismatch({.method = "tools/call", .header_method = "tools/call", .params = named, .more = {{"Mcp-Name", "=?base64?!!?="}}}));
}

TEST_CASE("mcp_face: given a name in the header in base64, when it agrees, then the call is read", "[gateway][GW-1]")
{
    Stateless request{
        .method = "tools/call", .header_method = "tools/call", .params = R"("name":"bash_tool","arguments":{"command":"ls"},)"};
    request.more = {{"Mcp-Name", "=?base64?YmFzaF90b29s?="}};
    CHECK(call(request.request()).era == Era::stateless);
    request.more = {{"Mcp-Name", "bash_tool"}};
    CHECK(call(request.request()).id == "7");
}

TEST_CASE("mcp_face: given a revision that nobody speaks, when it is read, then 400 and -32022 with those we speak", "[gateway][GW-1]")
{
    auto const out = answer(Stateless{.revision = "1900-01-01", .header_revision = "1900-01-01"}.request());
    CHECK(out.status == 400);
    CHECK(out.code() == -32022);
    CHECK(out.error()["data"]["supported"].at(0).string() == "2026-07-28");
    CHECK(out.error()["data"]["requested"].string() == "1900-01-01");
}

TEST_CASE("mcp_face: given a stateless request without what _meta must say, when it is read, then 400 and -32602", "[gateway][GW-1]")
{
    auto const bare = answer(post(rpc("tools/list"), {{"MCP-Protocol-Version", "2026-07-28"}, {"Mcp-Method", "tools/list"}}));
    CHECK(bare.status == 400);
    CHECK(bare.code() == -32602);
    auto const no_capabilities = answer(Stateless{.capabilities = ""}.request());
    CHECK(no_capabilities.status == 400);
    CHECK(no_capabilities.code() == -32602);
}

TEST_CASE("mcp_face: given wrong arguments in the stateless era, when they are answered, then as one result that says each thing once",
    "[gateway][GW-1][GW-2]")
{
    Stateless request{.method = "tools/call", .header_method = "tools/call", .params = R"("name":"bash_tool",)"};
    request.more = {{"Mcp-Name", "bash_tool"}};
    auto const out = answer(request.request());  // a repeated key would not parse
    CHECK(out.result()["resultType"].string() == "complete");
    CHECK(out.result()["isError"].boolean() == true);
    CHECK(out.result()["_meta"]["code"].string() == "bad_arguments");
    CHECK(out.result()["_meta"]["io.modelcontextprotocol/serverInfo"].is_object());
}

TEST_CASE("mcp_face: given a method that the stateless era has not, when it is called, then 404 and -32601", "[gateway][GW-1]")
{
    for (auto const* method : {"ping", "initialize", "nope", "logging/setLevel"}) {
        auto const out = answer(Stateless{.method = method, .header_method = method}.request());
        CHECK(out.status == 404);
        CHECK(out.code() == -32601);
    }
}

// --- answers ---

proto::FrontDone done(proto::ToolAnswer answer) { return {RequestId{1}, "abc123", std::move(answer)}; }

TEST_CASE("mcp_answer: given text of a guest, when it is written, then as valid UTF-8 and bounded", "[gateway][T-07][GW-2]")
{
    proto::ToolAnswer answer;
    answer.body = std::string("a\xff\0b", 4);
    auto const out = answer_of(CallAsked{.id = "1"}, done(answer));
    CHECK(out.status == 200);
    CHECK(wire::is_utf8(out.body));
    auto const text = std::string(*Json::parse(out.body)->view()["result"]["content"].at(0)["text"].string());
    CHECK(text ==
          "a\xef\xbf\xbd\xef\xbf\xbd"
          "b");
    answer.body = std::string(200'000, 'x');
    CHECK(answer_of(CallAsked{.id = "1"}, done(answer)).body.size() < 32'000);
    CHECK_FALSE(Json::parse(out.body)->view()["result"]["structuredContent"]);
}

TEST_CASE(
    "mcp_answer: given an image, when it is written, then as image content in base64 and only of a known type", "[gateway][T-07][GW-2]")
{
    proto::ToolAnswer answer;
    answer.content = proto::Content::image;
    answer.mime = "image/png";
    answer.body = "png!";
    auto const out = Json::parse(answer_of(CallAsked{.id = "1"}, done(answer)).body);
    auto const item = out->view()["result"]["content"].at(0);
    CHECK(item["type"].string() == "image");
    CHECK(item["mimeType"].string() == "image/png");
    CHECK(item["data"].string() == "cG5nIQ==");
    answer.mime = "image/svg+xml";
    CHECK_FALSE(answer_of(CallAsked{.id = "1"}, done(answer)).body.contains("\"image\""));
}

TEST_CASE(
    "mcp_answer: given a reason, when it is written, then the code, a sentence of ours and the correlation id", "[gateway][GW-8][GW-9]")
{
    proto::ToolAnswer answer;
    answer.reason = Reason::audit_unavailable;
    answer.body = "must not be shown";
    auto const out = answer_of(CallAsked{.id = "1"}, done(answer));
    CHECK(out.status == 200);
    CHECK_FALSE(out.body.contains("must not"));
    auto const document = Json::parse(out.body);
    auto const result = document->view()["result"];
    CHECK(result["isError"].boolean() == true);
    CHECK(result["content"].at(0)["text"].string()->starts_with("audit_unavailable: "));
    CHECK(result["content"].at(0)["text"].string()->ends_with("[correlation id abc123]"));
    for (auto const reason : {Reason::too_many_calls, Reason::rate_exceeded}) {
        answer.reason = reason;
        auto const limited = answer_of(CallAsked{.id = "1"}, done(answer));
        CHECK(limited.status == 429);
        CHECK(Json::parse(limited.body)->view()["error"]["data"]["code"].string() == name_of(reason));
    }
}

TEST_CASE("mcp_answer: given progress, when it is written, then seconds, the client's token and one event", "[gateway][GW-6]")
{
    proto::FrontProgress progress;
    progress.elapsed = std::chrono::milliseconds(1500);
    progress.total = std::chrono::seconds(120);
    progress.last_line = "line\xff";
    auto const text = progress_message(CallAsked{.progress_token = "\"tok\""}, progress);
    auto const document = Json::parse(text);
    auto const params = document->view()["params"];
    CHECK(document->view()["method"].string() == "notifications/progress");
    CHECK(params["progressToken"].string() == "tok");
    CHECK(params["progress"].number() == 1.5);
    CHECK(params["total"].number() == 120.0);
    CHECK(params["message"].string() == "line\xef\xbf\xbd");
    auto const event = event_of(text);
    CHECK(event.starts_with("event: message\ndata: {"));
    CHECK(event.ends_with("}\n\n"));
    CHECK(std::ranges::count(event, '\n') == 3);
}

}  // namespace test_mcp_face
