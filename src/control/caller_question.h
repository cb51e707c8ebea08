// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Callers as bytes of the operator API: {"name", "expires_days"?} to add, {"name", "overlap_s"?} to rotate, {"name"} to revoke; and the answers. A key
// is in the answer to add and rotate, and nowhere else. Times are RFC 3339, UTC. Pure; runs in operator-front only.

#include <expected>
#include <string_view>

#include "proto/operator_front_to_control.h"
#include "wire/json.h"

namespace ocu::control {

// Or one sentence that says what is wrong with it.
std::expected<proto::CallerQuestion, std::string_view> read_caller_question(proto::OperatorAction action, std::string_view body);

wire::Json callers_body(proto::CallersTold const& told);
wire::Json callers_state_body(proto::CallersState const& state);
wire::Json caller_changed_body(proto::OperatorAction action, proto::OperatorAnswer const& answer, std::string_view trace);

}  // namespace ocu::control
