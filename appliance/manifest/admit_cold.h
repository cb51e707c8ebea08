// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The manifest's audit.cold and audit.hot_days (AU-7): the bucket that sealed segments of the record are put into, locked. Pure.

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "appliance/manifest/admit_sinks.h"
#include "appliance/manifest/admit_store.h"
#include "audit/cold.h"

namespace ocu::manifest {

struct ColdTier {
    std::optional<audit::Cold> cold;  // none: what is removed by age is gone
    edge::StoreEndpoint endpoint;
    std::string credential;           // its name
    std::string way;                  // in words
};

// What else the manifest says that has to fit.
struct ColdBeside {
    Store const& store;
    Sinks const& sinks;
    std::uint32_t retention_days = 0;
};

// `audit`: that section, which fits the schema.
Admission<ColdTier> admit_cold(
    wire::JsonView audit, std::string_view profile, edge::Config const& egress, std::span<Credential const> credentials, ColdBeside const& beside);

// Empty: there is none.
std::string explain_cold(ColdTier const& tier);

}  // namespace ocu::manifest
