// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The helper process of this part, by the function it begins in. Called by re-execution only.

#include "helper/helper.h"

namespace ocu::tpm {

Result<void> tpm_main(helper::Helper& helper);

}  // namespace ocu::tpm
