// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the head of a request says about who may be speaking: Host and Origin (DNS rebinding), the bearer token, the chat. Pure; the
// token is only cut out here, the gateway thread judges it.

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/reason.h"
#include "wire/http_access.h"

namespace ocu::gateway {

struct AccessRules {
    std::vector<std::string> hosts;    // names and addresses accepted in Host, lower case, without port, IPv6 without brackets
    std::vector<std::string> origins;  // accepted in Origin, exactly
    bool chat_required = false;
};

bool host_allowed(AccessRules const& rules, wire::HttpRequest const& request);
bool origin_allowed(AccessRules const& rules, wire::HttpRequest const& request);

using wire::bearer_token;
using wire::NoToken;

// X-Chat-Id, else X-OpenWebUI-Chat-Id, else "default". Errors: chat_id_invalid, chat_id_required.
std::expected<std::string, proto::Reason> chat_of(AccessRules const& rules, wire::HttpRequest const& request);

struct Accepts {
    bool json = false;
    bool stream = false;
};
// Lenient: no Accept means anything.
Accepts accepts(wire::HttpRequest const& request);
bool is_json_content(wire::HttpRequest const& request);

}  // namespace ocu::gateway
