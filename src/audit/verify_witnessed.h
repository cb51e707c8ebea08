// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The half of verify that reads the heads which witnesses cosigned and which lie beside the log (AU-9, T-41).

#include <vector>

#include "audit/disk.h"
#include "audit/verify_signed.h"

namespace ocu::audit {

// In order of size. `log_key`: what the head must be signed with; nothing: one of the directory's. `trusted`: keys of witnesses that the auditor brought; each
// must have cosigned one of the heads. Whether the records give a head's root is for who has them.
std::vector<WitnessedHead> read_witnessed(
    Disk& disk, int directory, std::optional<VerifierKey> const& log_key, std::vector<VerifierKey> const& trusted, AddFinding const& add);

}  // namespace ocu::audit
