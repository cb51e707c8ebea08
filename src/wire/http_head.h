// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A request head looked at on its own, and a response as bytes: for a place that answers one request on a connection that is not an
// HTTP server's. Parsed and printed by Boost.Beast. Pure functions.

#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/http.h"

namespace ocu::wire {

inline constexpr std::size_t kHttpHeadBytesMax = 16u << 10;

struct HttpHead {
    std::string method;
    std::string target;
    std::string host;  // the Host field, empty if there is none
};

// `bytes` is what has arrived so far. Errors: unavailable (the head is not complete), over_limit, malformed.
Result<HttpHead> parse_http_head(std::string_view bytes);
// HTTP/1.1 with Content-Length and `Connection: close`.
std::string print_http_response(HttpResponse const& response);

}  // namespace ocu::wire
