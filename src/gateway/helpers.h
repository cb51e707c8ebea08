// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where this role's helper process begins.

#include "helper/helper.h"

namespace ocu::gateway {

// `gateway-front`: TLS, HTTP and JSON from callers. Configuration: gateway::front_config(). Descriptors: [0] the listening
// socket; [1] with TLS, where custody writes the identity (helper/identity.h).
Result<void> gateway_front_main(helper::Helper& helper);

}  // namespace ocu::gateway
