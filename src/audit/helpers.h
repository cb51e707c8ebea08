// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The entries of this role's helper processes, called by appliance/main.

#include "base/result.h"
#include "helper/helper.h"

namespace ocu::audit {

Result<void> audit_writer_main(helper::Helper& helper);
Result<void> audit_sink_main(helper::Helper& helper);
Result<void> audit_witness_main(helper::Helper& helper);
Result<void> audit_cold_main(helper::Helper& helper);

}  // namespace ocu::audit
