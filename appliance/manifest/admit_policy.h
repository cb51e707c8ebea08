// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The rules of `mcp.policy` (GW-7): who may do what over MCP. Pure.

#include "appliance/manifest/refusal.h"
#include "gateway/gateway.h"
#include "wire/json.h"

namespace ocu::manifest {

// Refused: a caller or tool that does not exist, a list that says nothing, a pattern over a shell command or over content, which says the same in
// many ways; a pattern that could never fit.
Admission<gateway::Policy> admit_policy(wire::JsonView list, std::vector<gateway::Caller> const& callers);

// What each caller may do, in words. `callers` are all that the manifest declares.
std::string explain_policy(gateway::Policy const& policy, std::vector<gateway::Caller> const& callers);

}  // namespace ocu::manifest
