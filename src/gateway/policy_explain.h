// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the rules of mcp.policy would say to a call, in words, for an operator (`ctl policy explain`). Asked in control's thread of its own copy of
// the rules: no message for it exists on the agent's side (T-03). Pure.

#include <span>
#include <string>

#include "gateway/policy.h"
#include "proto/ask_policy.h"

namespace ocu::gateway {

// `callers`: the names that the manifest declares. The verdict is judge()'s own; for a call over MCP it is the same.
proto::Explained explain_action(Policy const& policy, std::span<std::string const> callers, proto::PolicyQuestion const& question);

}  // namespace ocu::gateway
