// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// `manifest seal` and `manifest unseal`: a secret on its way into a manifest. It comes from a file or from standard input, never from the
// command line, where every user of the machine could read it.

#include <string>

#include "base/result.h"
#include "base/secret.h"

namespace ocu::manifest {

// The secret in `path`, as it is; "-" or nothing: standard input. Errors: os, over_limit, not_found, denied.
Result<Secret> read_plain(std::string const& path);
// To the key in the file `recipient`. Errors: as read_file, malformed (not an appliance's public key).
Result<std::string> seal_for_appliance(std::string const& recipient, Secret const& plain);

}  // namespace ocu::manifest
