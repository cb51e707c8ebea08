// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The helper processes of this role, by the function each begins in. Called by re-execution only.

#include "helper/helper.h"

namespace ocu::storage {

Result<void> broker_main(helper::Helper& helper);
Result<void> parser_main(helper::Helper& helper);
Result<void> files_front_main(helper::Helper& helper);
Result<void> sweeper_main(helper::Helper& helper);

}  // namespace ocu::storage
