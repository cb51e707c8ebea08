// SPDX-License-Identifier: GPL-3.0-or-later
#include "console/helpers.h"

namespace ocu::console {

Result<void> screen_main(helper::Helper&) { return fail(Fault::unavailable, "not on this machine"); }

}  // namespace ocu::console
