// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Listening sockets, made by the core in the host's network namespace and handed to helpers that could not make them.

#include <cstdint>
#include <string>

#include "base/unique_fd.h"

namespace ocu::appliance {

// "127.0.0.1:8811", "[::1]:8811", port 0 = any free one. Errors: malformed, os (address in use, ...).
Result<UniqueFd> listen_tcp(std::string const& address);
// The port that a listener got.
Result<std::uint16_t> port_of(int listener);
// Removes what is left at the path of an earlier run, binds, mode 0600. The path is at most 107 bytes. Errors: over_limit, os.
Result<UniqueFd> listen_unix(std::string const& path);

}  // namespace ocu::appliance
