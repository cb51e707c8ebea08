// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where a caller's bytes become a decision: an HTTP request in, an answer or a parsed tool call out. Pure; runs in gateway-front only.
// Two steps, so that nothing of a body is parsed for somebody whose token has not been accepted: judge_head, then decide.

#include <optional>
#include <string>
#include <variant>

#include "gateway/access.h"
#include "gateway/resource_face.h"
#include "gateway/revision.h"
#include "gateway/tools.h"
#include "proto/tool.h"
#include "wire/http.h"

namespace ocu::gateway {

struct FaceRules {
    AccessRules access;
    std::string public_url;  // of the listener, without /mcp
    std::string instructions;
    ToolLimits tools;
};

struct HealthAsked {};
struct TokenShown {
    std::string token;
};
using HeadDecision = std::variant<wire::HttpResponse, HealthAsked, TokenShown>;

// A tool call, parsed. What is needed to answer it later travels with it.
struct CallAsked {
    Era era{};
    std::string id{};              // as JSON text
    std::string progress_token{};  // as JSON text, or empty
    std::string chat{};
    proto::ToolArguments arguments{};
    std::uint32_t ignored = 0;
    Accepts accepts{};
};
struct CancelAsked {  // answered 202 whether or not it hits
    std::string chat;
    std::string id;
};
using Decision = std::variant<wire::HttpResponse, CallAsked, CancelAsked, ResourceAsked>;

// `trace`: the correlation id that an error carries. `shown`: the tools that tools/list tells of.
HeadDecision judge_head(FaceRules const& rules, wire::HttpRequest const& request, std::string_view trace);
Decision decide(FaceRules const& rules, wire::HttpRequest const& request, std::string_view trace, proto::ToolSet shown = proto::kEveryTool);

enum class Token { absent, malformed, refused };
wire::HttpResponse unauthorized(FaceRules const& rules, Token why, std::string_view trace);
wire::HttpResponse health(bool healthy);  // NOLINT: the one fact that it states
wire::HttpResponse refused_by_server(wire::HttpRefusal refusal, std::string_view trace);

}  // namespace ocu::gateway
