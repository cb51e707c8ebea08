// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The manifest's `storage.engine` and `storage.s3`: where session files lie if not on this machine, by which addresses it is reached, and with whose
// credential (SB-4, T-31). The addresses are declared: no name is resolved for them, so no query leaves and nobody's answer leads elsewhere. Pure.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "appliance/manifest/admit_egress.h"
#include "edge/store_endpoint.h"
#include "storage/s3_place.h"
#include "wire/json.h"

namespace ocu::manifest {

struct Store {
    std::optional<storage::S3Place> place;  // none: the local engine
    edge::StoreEndpoint endpoint;
    std::string credential;  // its name
};

// `profile`: of the appliance. A store on this machine itself is for one that is tried out by its operator.
Admission<Store> admit_store(
    wire::JsonView section, std::string_view profile, edge::Config const& egress, std::span<Credential const> credentials);

// One store, whatever it is for. `section`: its key in the manifest; `wanted` fits the schema.
Admission<Store> admit_s3(
    std::string_view section, wire::JsonView wanted, std::string_view profile, edge::Config const& egress, std::span<Credential const> credentials);

// In words; how it is reached, in a line.
std::string explain_way(Store const& store);
std::string explain_store(Store const& store);

}  // namespace ocu::manifest
