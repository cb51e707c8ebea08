// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The manifest's `network` section, from JSON that fits the schema to a plan that can work: every card is named once, every subnet is on
// one interface, every gateway can be reached. Pure.

#include "appliance/manifest/network.h"
#include "appliance/manifest/refusal.h"
#include "wire/json.h"

namespace ocu::manifest {

Admission<Network> admit_network(wire::JsonView section);

}  // namespace ocu::manifest
