// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The operator's read-only directories (`sandbox.mounts`): each a file NAME.erofs, which is read by the kernel only if it is, byte for byte,
// what the signed manifest names. It is opened once and lent from then on, so that another file put in its place changes nothing.

#include <string>
#include <vector>

#include "appliance/manifest/admit.h"
#include "base/unique_fd.h"

namespace ocu::appliance {

// Reads every file whole. A refusal names the key in the manifest.
manifest::Admission<std::vector<UniqueFd>> open_shipped(std::string const& directory, std::vector<manifest::ShippedDirectory> const& wanted);

// For guests and agents: what is where. Empty if nothing is shipped.
std::string shipped_in_words(std::vector<manifest::ShippedDirectory> const& shipped);

}  // namespace ocu::appliance
