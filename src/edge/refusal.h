// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The answer that a program in the guest reads when its request was refused (EG-6): status 403, `x-deny-reason`, and in JSON a sentence that
// says which rule is missing and who can add it, with `needed` (the rule, as the manifest would have it; from the guest's own words alone) and
// `ask` (the manifest's egress.contact). No other rule, no address of ours and no part of this machine is named. 502 and no reason where nothing was refused and the destination cannot be reached.

#include <string>
#include <string_view>

#include "edge/needed_rule.h"
#include "proto/edge_helper_to_edge.h"
#include "proto/reason.h"

namespace ocu::edge {

// `by` proxy: no rule of ours is missing, the customer's proxy says no (403) or could not (502).
std::string http_refusal(proto::Reason reason, std::string_view host, std::uint16_t port, std::string_view contact = {},
    proto::RefusedBy by = proto::RefusedBy::us);

struct Help {
    proto::Reason reason{};
    Wanted wanted;
    std::string_view contact;
};
// Whether somebody else can do something about it, and who.
void add_help(wire::Json& error, Help const& help);

}  // namespace ocu::edge
