// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A file of the audit directory for a process that has no path to it: a descriptor that reads and cannot write.

#include <string>

#include "base/unique_fd.h"

namespace ocu::audit {

// To be read alone. The directory is the writer's, which may have become somebody else's: what lies there is neither followed nor waited for (T-14).
// Errors: os, malformed (not a plain file).
Result<UniqueFd> open_to_lend(int directory, std::string const& path);

}  // namespace ocu::audit
