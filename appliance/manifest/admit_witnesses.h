// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The manifest's audit.transparency_log (AU-9): who sees the log's heads. Pure.

#include <string>
#include <vector>

#include "appliance/manifest/admit_sinks.h"
#include "audit/head.h"

namespace ocu::manifest {

// In the order of the manifest, one of each for each witness.
struct Witnesses {
    std::vector<audit::Witness> witnesses;
    std::vector<edge::SinkEndpoint> endpoints;
    std::vector<SinkKeys> keys;  // none has a token
};

// `list` fits the schema.
Admission<Witnesses> admit_witnesses(wire::JsonView list, std::vector<Credential> const& credentials);

// Each in a line; empty: there are none.
std::string explain_witnesses(Witnesses const& witnesses);

}  // namespace ocu::manifest
