// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// By which proxy of the customer's everything goes out (EG-9). Pure.

#include <span>

#include "appliance/manifest/refusal.h"
#include "edge/rule.h"
#include "wire/json.h"

namespace ocu::manifest {

// `wanted` is egress.chained_proxy; absent or {}: none. Refused: half a proxy, a host that is no machine's, names for the proxy to resolve
// where every rule has addresses.
Admission<proto::ChainedProxy> admit_proxy(wire::JsonView wanted, std::span<edge::Rule const> rules);

}  // namespace ocu::manifest
