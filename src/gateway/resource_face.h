// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// resources/list and resources/read (MCP, "Resources"; GW-10): the URI or cursor of a caller becomes a path below the session's mount, and
// what the broker answered becomes JSON. Pure; runs in gateway-front only. Names and contents are a guest's or a stranger's bytes: encoded
// here, never interpreted (T-07).
//
//     file:///mnt/user-data/outputs/a%20b.txt      where the guest itself sees it, each byte that is not unreserved (RFC 3986) or '/' as %XX

#include <optional>
#include <string>
#include <string_view>

#include "gateway/revision.h"
#include "proto/gateway_front_to_gateway.h"
#include "wire/json.h"

namespace ocu::gateway {

// A question, parsed. What is needed to answer it later travels with it.
struct ResourceAsked {
    Era era{};
    std::string id{};   // as JSON text
    std::string chat{};
    std::string uri{};  // read
    proto::ResourceAsk ask{};
};

// "outputs/a b.txt". Nothing: it names no place in uploads or outputs, or is longer than a path may be.
std::optional<std::string> path_of_uri(std::string_view uri);
std::string uri_of(std::string_view path);
// The cursor of a page is the last path of the one before, in base64url: it means nothing to anybody else, and any other is refused.
std::optional<std::string> path_of_cursor(std::string_view cursor);
std::string cursor_of(std::string_view path);

// The whole HTTP answer: result or error. `told` has a reason where no broker was asked.
struct ResourceReply {
    unsigned status = 200;
    std::string body;
};
ResourceReply reply_of(ResourceAsked const& asked, proto::FrontResource const& told);

}  // namespace ocu::gateway
