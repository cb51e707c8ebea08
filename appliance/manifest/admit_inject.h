// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How a rule of the manifest's `egress` section has a credential put into requests. Pure.

#include <span>
#include <string>

#include "appliance/manifest/admit_egress.h"

namespace ocu::manifest {

// `key` is the rule's path. Refused: a passthrough rule, a credential that is not there, a header or a variable that means something else.
Admission<edge::Injection> admit_inject(
    std::string const& key, wire::JsonView wanted, edge::Rule const& rule, std::span<Credential const> credentials);

}  // namespace ocu::manifest
