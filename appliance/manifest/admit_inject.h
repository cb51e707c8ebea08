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

// A connection that shows a client's certificate is authenticated as a whole: no other bump rule may decide requests on it, nor on one to the
// same place that shows another.
Admission<void> admit_beside(std::string const& key, edge::Rule const& rule, edge::Rule const& other);

}  // namespace ocu::manifest
