// SPDX-License-Identifier: GPL-3.0-or-later
#include "clock/helpers.h"

namespace ocu::clock {

Result<void> time_main(helper::Helper&) { return fail(Fault::unavailable, "not on this machine"); }

}  // namespace ocu::clock
