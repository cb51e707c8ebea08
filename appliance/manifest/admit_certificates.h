// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Certificates that others are verified against, wherever the manifest has some. Pure.

#include <cstddef>
#include <string>
#include <string_view>

#include "appliance/manifest/refusal.h"

namespace ocu::manifest {

// At least one certificate in PEM form and at most `most`, each of which can be read by itself: one that cannot would be missed only when
// somebody is refused. No private key among them.
Admission<void> admit_certificates(std::string const& key, std::string_view text, std::size_t most);

}  // namespace ocu::manifest
