// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The manifest's `network` section, from JSON that fits the schema to a plan that can work: every card is named once, every subnet is on
// one interface, every gateway can be reached. Pure.

#include "appliance/manifest/network.h"
#include "appliance/manifest/refusal.h"
#include "wire/json.h"

namespace ocu::manifest {

Admission<Network> admit_network(wire::JsonView section);

// RFC 3339 ("2026-01-31T12:00:00Z", an offset instead of Z, fractions of a second cut) to Unix seconds. Errors: malformed.
Result<std::int64_t> parse_moment(std::string_view text);

}  // namespace ocu::manifest
