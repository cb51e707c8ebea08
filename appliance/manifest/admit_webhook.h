// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The manifest's egress.tripwire.webhook (EG-10). Pure.

#include <span>
#include <vector>

#include "appliance/manifest/admit_egress.h"

namespace ocu::manifest {

// `wanted` fits the schema. `ranges`: its addresses, admitted; `ca_pem`: its certificates, likewise. `rules`: all of them, admitted.
Admission<edge::Webhook> admit_webhook(wire::JsonView wanted, std::vector<proto::AddressRange> ranges, std::string ca_pem,
    std::span<edge::Rule const> rules, std::span<Credential const> credentials);

}  // namespace ocu::manifest
