// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A connection to a secret source on this host. The path is the signed manifest's. Threading: safe from any thread; never waits.

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace ocu::custody {

inline constexpr std::size_t kSourcePathBytesMax = 107;  // sockaddr_un

// Errors: malformed (not an absolute path that fits), os (nobody listens, its queue is full, it may not be reached).
Result<UniqueFd> connect_source(std::string const& path);

}  // namespace ocu::custody
