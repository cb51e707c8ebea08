// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Small whole files, bounded.

#include <span>
#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace ocu::manifest {

// Errors: os; over_limit; not_found; denied (not a regular file).
Result<std::string> read_file(std::string const& path, std::size_t bytes_max);
Result<Secret> read_secret_file(std::string const& path, std::size_t bytes_max);

enum class Replace { no, yes };
// Written beside, synced, renamed (or linked: conflict if there is one already and it may not be replaced), directory synced.
Result<void> write_file(std::string const& path, std::span<std::byte const> bytes, unsigned mode, Replace replace);

}  // namespace ocu::manifest
