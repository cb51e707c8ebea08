// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What would have to stand in the manifest's egress.rules for what was refused, as that JSON: what a person copies. Made only from what was
// asked for, so it tells a guest nothing that it did not say itself. Pure.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proto/reason.h"
#include "wire/json.h"

namespace ocu::edge {

struct Wanted {
    std::string_view host;  // name or address
    std::uint16_t port = 0;
    std::string_view method;  // empty: not a matter of requests
    std::string_view path;
    std::span<std::string const> addresses;  // what the name resolves to, for operators; guests do not learn it
};

// Nothing where no rule would help (a name hidden or not said, a budget, a session that was cut off).
std::optional<wire::Json> needed_rule(proto::Reason reason, Wanted const& wanted);

}  // namespace ocu::edge
