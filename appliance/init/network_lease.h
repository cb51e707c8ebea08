// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A lease as the `dhcp` helper tells it, judged again: that process reads what anybody on the wire sends (T-20), and may be theirs by now.
// Pure.

#include "appliance/init/network_plan.h"
#include "base/result.h"
#include "proto/dhcp_to_init.h"

namespace ocu::init {

// `elsewhere`: the subnets of all other interfaces. A server that offers one of those would draw their traffic to its own wire.
// Errors: denied, with the reason in plain words.
Result<HeldLease> judge_lease(proto::DhcpLease const& told, std::vector<manifest::Address> const& elsewhere);

}  // namespace ocu::init
