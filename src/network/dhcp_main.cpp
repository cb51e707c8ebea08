// SPDX-License-Identifier: GPL-3.0-or-later
#include "network/helpers.h"

namespace ocu::network {

Result<void> dhcp_main(helper::Helper&) { return fail(Fault::unavailable, "not on this machine"); }

}  // namespace ocu::network
