// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/dial_plan.h"

#include <algorithm>

namespace ocu::edge {

DialPlan plan_dial(std::span<Address const> addresses, std::span<proto::AddressRange const> ranges)
{
    DialPlan plan;
    if (addresses.empty()) return plan;
    plan.first = addresses.front();
    std::vector<Address> four, six;
    for (auto const& address : addresses.first(std::min(addresses.size(), kAddressesMax))) {
        auto& family = is_ipv4(address) ? four : six;
        if (may_dial(address, ranges) && !std::ranges::contains(family, address)) family.push_back(address);
    }
    for (std::size_t i = 0; i < std::max(four.size(), six.size()); ++i) {
        if (i < four.size()) plan.permitted.push_back(four[i]);
        if (i < six.size()) plan.permitted.push_back(six[i]);
    }
    return plan;
}

bool named_exactly(Address const& address, std::span<proto::AddressRange const> ranges)
{
    return std::ranges::any_of(ranges, [&](auto const& range) { return range.bits == 128 && range.address == address; });
}

}  // namespace ocu::edge
