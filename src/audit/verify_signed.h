// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What of a log is signed: the checkpoint, what lets old records go, and whose key it was.

#include <functional>

#include "audit/verify.h"

namespace ocu::audit {

using AddFinding = std::function<void(Problem, std::uint64_t record, std::string where)>;

struct Signed {
    std::optional<Checkpoint> checkpoint;
    std::optional<RetentionNote> retention;  // one that holds
    bool key_from_directory = false;
};

// `trusted`: the auditor's key, or none. What does not hold is added as a finding.
Signed read_signed(Disk& disk, int directory, std::optional<VerifierKey> trusted, AddFinding const& add);

}  // namespace ocu::audit
