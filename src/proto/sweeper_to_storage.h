// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The helper that removes the objects under one prefix, and ends. With the configuration come two descriptors: the supply of channels to the
// storage lane (proto/broker_to_storage_lane.h), and where the store's credential is read.

#include <array>
#include <span>

#include "helper/helper.h"
#include "proto/store_place.h"
#include "proto/type.h"
#include "wire/link.h"

namespace ocu::proto {

struct SweeperConfig {
    StorePlace place;

    static void fields(auto& wire, auto& m) { wire(m.place); }
};

// Its last word.
struct SweepDone {
    static constexpr Type kType = Type::sweep_done;
    bool good = false;  // nothing is left there
    std::uint64_t objects = 0;  // that were removed
    std::uint64_t bytes = 0;

    static void fields(auto& wire, auto& m) { wire(m.good, m.objects, m.bytes); }
};

inline constexpr std::array kSweeperMaySend{
    wire::Permit{helper::kReadyType, 0, 0},
    wire::Permit{static_cast<std::uint16_t>(Type::sweep_done), 0, 1 + 8 + 8},
};
inline constexpr std::span<wire::Permit const> kStorageMaySendSweeper{};

}  // namespace ocu::proto
