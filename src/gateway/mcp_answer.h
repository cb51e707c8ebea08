// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How a tool call's outcome looks to its caller: result or error, alone or as an event of a stream. Pure. What a guest wrote is encoded
// here and nowhere interpreted (T-07); no word of ours names a path, a host, a session or a container (GW-9).

#include <string>

#include "gateway/mcp_face.h"
#include "proto/gateway_front_to_gateway.h"
#include "wire/json.h"

namespace ocu::gateway {

wire::Json server_info();
// Adds what every result of the stateless era carries, once.
void stamp(wire::Json& result, Era era);

struct Answered {
    unsigned status = 200;
    std::string body;
};
Answered answer_of(CallAsked const& call, proto::FrontDone const& done);

std::string event_of(std::string_view message);  // one server-sent event
inline constexpr std::string_view kBeat = ":\n\n";

// `progress` in seconds; must rise from one to the next.
std::string progress_message(CallAsked const& call, proto::FrontProgress const& progress);

// A tool result that says why the tool was not run, for the model to read.
wire::Json error_result(Era era, std::string_view code, std::string_view sentence, std::string_view trace);

}  // namespace ocu::gateway
