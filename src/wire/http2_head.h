// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// HTTP/2 header lists as the values of http_relay_head.h, and back (EG-5, EG-7). The library has judged the grammar of each field (lower case,
// pseudo fields first and once, no field of a connection); here it becomes the same value that an HTTP/1.1 head becomes, under the same rules:
// one authority, one way to read a path, no CONNECT, fields of one hop left out. Pure; threading: any.

#include <optional>

#include "wire/http_relay_head.h"

namespace ocu::wire {

// A header list as it came, or as it goes: pseudo fields first.
using Http2Fields = std::vector<HttpHeader>;

enum class Http2End { stream, not_yet };  // whether the header list ends its side of the stream

// Errors: host (absent, not a name, or Host is another than :authority), method, target, path, framing, expectation, too_large, grammar.
std::expected<RelayRequest, RelayFault> read_http2_request(Http2Fields const& fields, Http2End end);
// `asked.websocket` has no meaning here. Errors: upstream.
std::expected<RelayResponse, RelayFault> read_http2_response(Http2Fields const& fields, Http2End end, Asked asked);
// Trailers without what ends at this hop; a pseudo field in one is grammar.
std::expected<Http2Fields, RelayFault> read_http2_trailers(Http2Fields const& fields);

// Every header of the request, in lower case; a body's length is said only if it is known.
Http2Fields print_http2_request(RelayRequest const& request, std::string_view authority);
Http2Fields print_http2_response(RelayResponse const& response);

}  // namespace ocu::wire
