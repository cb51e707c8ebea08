// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Our own bug: always on, ends the process. Never used for anything that a peer, a file or the kernel can cause.

#include "base/result.h"

namespace ocu {

[[noreturn]] void assertion_failed(Literal condition, std::source_location where = std::source_location::current());

}  // namespace ocu

#define OCU_ASSERT(condition)                                  \
    do {                                                       \
        if (!(condition)) ::ocu::assertion_failed(#condition); \
    } while (false)
