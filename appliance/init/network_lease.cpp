// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/network_lease.h"

#include <algorithm>

#include "appliance/manifest/subnet.h"
#include "network/limits.h"

namespace ocu::init {

namespace {

manifest::Number number_of(std::uint32_t address)
{
    manifest::Number number;
    for (std::size_t i = 0; i < 4; ++i) number.bytes[i] = static_cast<std::uint8_t>(address >> (24 - 8 * i));
    return number;
}

}  // namespace

Result<HeldLease> judge_lease(proto::DhcpLease const& told, std::vector<manifest::Address> const& elsewhere)
{
    if (told.prefix < network::kPrefixMin || told.prefix > network::kPrefixMax)
        return fail(Fault::denied, "the DHCP server offers a subnet of a size that is not taken");
    if (told.valid_s == 0 || std::chrono::seconds(told.valid_s) > network::kLeaseMax)
        return fail(Fault::denied, "the DHCP server offers an address for a time that is not taken");
    auto const address = number_of(told.address);
    if (!manifest::unusable_as_host(address, told.prefix).empty())
        return fail(Fault::denied, "the DHCP server offers an address that no machine can have");
    HeldLease lease{{manifest::print(address), told.prefix, false}, ""};
    if (std::ranges::any_of(elsewhere, [&lease](auto const& each) { return manifest::overlap(each, lease.address); }))
        return fail(Fault::denied, "the DHCP server offers an address in the subnet of another interface");
    if (told.gateway == 0) return lease;
    auto const gateway = number_of(told.gateway);
    bool const fits = manifest::contains(lease.address, gateway) && manifest::unusable_as_host(gateway, told.prefix).empty();
    if (!fits || gateway == address) return fail(Fault::denied, "the DHCP server names a router that is not on the subnet");
    lease.gateway = manifest::print(gateway);
    return lease;
}

}  // namespace ocu::init
