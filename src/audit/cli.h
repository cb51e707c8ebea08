// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// `ocu-appliance audit ...`: the offline tools. argv[0] is "audit". Exit codes: 0 done, 1 refused or failed (one line on stderr), 2 usage.

namespace ocu::audit {

int audit_main(int argc, char** argv);

}  // namespace ocu::audit
