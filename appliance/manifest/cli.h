// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// `ocu-appliance manifest keygen|sign|verify|explain|schema`. Exit codes: 0 done, 1 refused or failed, 2 usage.

#include <span>

namespace ocu::manifest {

// `arguments`: what follows `manifest` on the command line.
int command_main(std::span<char const* const> arguments);

}  // namespace ocu::manifest
