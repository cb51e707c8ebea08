// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// For the core: what it will never need again is taken from its bounding, permitted and effective sets, and with it from everything that
// it starts (docs/decisions/0005-core-is-root-and-parses-nothing.md).

#include <span>

#include "base/result.h"

namespace ocu::helper {

// `keep`: CAP_* numbers. Needs CAP_SETPCAP. Call before the first thread. Errors: os.
Result<void> keep_only_capabilities(std::span<int const> keep);

}  // namespace ocu::helper
