// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The helper processes of this part, by the function each begins in. Called by re-execution only.

#include "helper/helper.h"

namespace ocu::console {

Result<void> screen_main(helper::Helper& helper);

}  // namespace ocu::console
