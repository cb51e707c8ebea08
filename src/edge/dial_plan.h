// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Which of the addresses that a name has are tried, and in which order (EG-3, EG-4). Pure.

#include <optional>
#include <span>
#include <vector>

#include "edge/address.h"

namespace ocu::edge {

inline constexpr std::size_t kAddressesMax = 16;  // of one name; what a resolver says beyond that is not looked at

struct DialPlan {
    std::optional<Address> first;    // that was judged, permitted or not: for the record
    std::vector<Address> permitted;  // each once; the families take turns, IPv4 first, so that a dead one costs one wait
};

DialPlan plan_dial(std::span<Address const> addresses, std::span<proto::AddressRange const> ranges);

// This machine's own addresses need this: a range around them is not enough.
bool named_exactly(Address const& address, std::span<proto::AddressRange const> ranges);

}  // namespace ocu::edge
