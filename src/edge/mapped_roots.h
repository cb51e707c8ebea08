// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The roots that upstreams are verified against, as helpers hold them: pages of one file that all of them share, not a copy for each.

#include <string_view>

#include "base/result.h"

namespace ocu::edge {

// The whole file, for as long as the process lives. Empty: it has none. Errors: over_limit (4 MiB), os.
Result<std::string_view> map_roots(int fd);

}  // namespace ocu::edge
