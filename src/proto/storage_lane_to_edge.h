// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The helper that forwards signed backend requests, and its thread. It has no destination yet, so neither end may say anything.

#include <cstdint>
#include <span>

#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

// Where it may connect to: nothing, until the storage engine has a remote backend.
struct StorageLaneConfig {
    wire::List<wire::Text<300>, 8> destinations;

    static void fields(auto& wire, auto& m) { wire(m.destinations); }
};

// The ready report.
struct StorageLaneReport {
    std::uint32_t destinations = 0;

    static void fields(auto& wire, auto& m) { wire(m.destinations); }
};

inline constexpr std::span<wire::Permit const> kEdgeToStorageLane{};
inline constexpr std::span<wire::Permit const> kStorageLaneToEdge{};

}  // namespace ocu::proto
