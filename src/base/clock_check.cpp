// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/clock_check.h"

#include <sys/timex.h>

namespace ocu {

bool clock_is_checked()
{
    timex look{};
    return ::adjtimex(&look) >= 0 && (look.status & STA_UNSYNC) == 0;
}

}  // namespace ocu
