// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a manifest would open, in plain words, before anybody applies it (AP-2).

#include <string>

#include "appliance/manifest/admit.h"

namespace ocu::manifest {

std::string explain(Applied const& applied);

}  // namespace ocu::manifest
