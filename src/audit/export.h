// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The audit directory as one archive (ustar, zstd) for an auditor. Safe while the appliance writes: the checkpoint is read first, so the
// journal that follows covers it.

#include "audit/disk.h"

namespace ocu::audit {

// `out` is a new, empty file. Errors: os, malformed (a name in the directory that cannot be ours).
Result<void> export_archive(Disk& disk, int directory, int out);

}  // namespace ocu::audit
