// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An operator's question about mcp.policy: would this call be allowed (`ctl policy explain`)? Control answers it from its own copy of the rules, which
// never change; the answer is an Explained. Nothing of this is said to or by the gateway.

#include "proto/ask_edge.h"
#include "proto/tool.h"
#include "wire/text.h"

namespace ocu::proto {

struct PolicyQuestion {
    wire::Text<64> caller;
    wire::Text<32> tool;  // or resources/list, resources/read
    wire::Text<kPathBytesMax> path;  // as the caller would give it; empty: none

    static void fields(auto& wire, auto& m) { wire(m.caller, m.tool, m.path); }
};

inline constexpr std::uint32_t kPolicyQuestionBytesMax = 12 + 64 + 32 + kPathBytesMax;

}  // namespace ocu::proto
