// SPDX-License-Identifier: GPL-3.0-or-later
// Face: a caller's HTTP request as gateway-front judges it. The first byte picks headers, the rest is the body. Whatever comes, there is
// one decision, its body is JSON of ours, and what goes on to the gateway fits its frame.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "gateway/mcp_answer.h"
#include "gateway/mcp_face.h"
#include "proto/gateway_front_to_gateway.h"

namespace {

using namespace ocu;
using namespace ocu::gateway;

wire::HttpRequest request_of(std::uint8_t choice, std::string_view body)
{
    wire::HttpRequest request;
    request.method = "POST";
    request.target = "/mcp";
    request.headers = {{"Host", "localhost"}, {"Authorization", "Bearer k"}, {"Content-Type", "application/json"}};
    auto const add = [&](int bit, char const* name, std::string value) {
        if ((choice >> bit & 1) != 0) request.headers.push_back({name, std::move(value)});
    };
    add(0, "MCP-Protocol-Version", "2026-07-28");
    add(1, "Mcp-Method", "tools/call");
    add(2, "Mcp-Name", "bash_tool");
    add(3, "Accept", "text/event-stream");
    add(4, "X-Chat-Id", std::string(body.substr(0, 130)));
    add(5, "Mcp-Name", std::string("=?base64?").append(body.substr(0, 40)).append("?="));
    add(6, "MCP-Protocol-Version", std::string(body.substr(0, 40)));
    add(7, "Origin", std::string(body.substr(0, 60)));
    request.body = std::string(body);
    return request;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0) return 0;
    FaceRules rules;
    rules.access.hosts = {"localhost"};
    rules.public_url = "http://localhost:1";
    auto const request = request_of(data[0], {reinterpret_cast<char const*>(data) + 1, size - 1});
    (void)judge_head(rules, request, "trace");
    auto decision = decide(rules, request, "trace");
    if (auto const* const response = std::get_if<wire::HttpResponse>(&decision)) {
        if (!response->body.empty() && !wire::Json::parse(response->body)) std::abort();
        return 0;
    }
    if (auto* const call = std::get_if<CallAsked>(&decision)) {
        proto::FrontCall frame;
        frame.chat = call->chat;
        frame.client_id = call->id;
        frame.arguments = call->arguments;
        if (wire::encode(frame).size() > proto::kGatewayFrontMaySay[1].body_bytes_max) std::abort();
        proto::FrontDone done;
        done.answer.body = wire::Text<proto::kAnswerBytesMax>::cut(request.body);
        if (!wire::Json::parse(answer_of(*call, done).body)) std::abort();
        (void)progress_message(*call, {});
    }
    return 0;
}
