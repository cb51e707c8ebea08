// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// To whom a rule of the manifest's `egress` section shows requests and answers (EG-11). Pure.

#include <string>

#include "appliance/manifest/admit_egress.h"

namespace ocu::manifest {

// `key` is the rule's path. Refused: a rule under which TLS passes through unseen, an address that is not numeric or no machine's, no service.
Admission<edge::Icap> admit_icap(std::string const& key, wire::JsonView wanted, edge::Rule const& rule);

}  // namespace ocu::manifest
