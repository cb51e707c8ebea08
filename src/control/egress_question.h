// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// `POST /v1/egress/test` as bytes: {"url", "method"?, "session"?} into a question, and the edge's answer into JSON. Pure; runs in
// operator-front only.

#include <expected>
#include <string_view>

#include "proto/ask_edge.h"
#include "wire/json.h"

namespace ocu::control {

inline constexpr std::size_t kEgressUrlBytesMax = 2048;

struct EgressTest {
    proto::EgressQuestion question;
    SessionId session;  // 0: none was named
};

// Or one sentence that says what is wrong with it.
std::expected<EgressTest, std::string_view> read_egress_test(std::string_view body);

// scheme://host[:port][/path][?query]: http, https and, with a port and no path, tcp. The query is not looked at by rules, and dropped.
std::expected<proto::EgressQuestion, std::string_view> read_egress_url(std::string_view url, std::string_view method);

wire::Json egress_body(proto::Explained const& explained, std::string_view trace, bool recorded);

}  // namespace ocu::control
