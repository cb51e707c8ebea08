// SPDX-License-Identifier: GPL-3.0-or-later
#include "stick/helpers.h"

namespace ocu::stick {

Result<void> stick_main(helper::Helper&) { return fail(Fault::unavailable, "not on this machine"); }

}  // namespace ocu::stick
