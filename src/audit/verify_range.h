// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Checks a part of the log at the cost of that part: that each record of the range is, byte for byte and in its place, under the signed
// checkpoint, and that its source's chain holds within the range. What lies outside of it is neither read nor vouched for.

#include "audit/verify.h"

namespace ocu::audit {

struct Range {
    std::uint64_t first = 0;  // from 0
    std::uint64_t last = 0;   // included
};

// `records` of the report counts those of the range; its `root` is the checkpoint's. `key` as in VerifyOptions.
// Errors: not_found (no checkpoint, or it does not cover the range), malformed (first after last), os.
Result<Report> verify_range(Disk& disk, int directory, Range range, std::optional<VerifierKey> key = {});

}  // namespace ocu::audit
