// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The network that an admitted manifest asks for; DHCP on the only card where it says nothing.

#include "appliance/manifest/admit.h"
#include "appliance/manifest/network.h"

namespace ocu::init {

template <class Manifest>
manifest::Network network_of(Manifest const& applied)
{
    if constexpr (requires { applied.network; })
        return applied.network;
    else
        return {};
}

}  // namespace ocu::init
