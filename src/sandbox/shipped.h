// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The operator's read-only directories, mounted once for all sandboxes: RUN/shipped/NAME each, shown as /mnt/ocu/NAME. What is in them was
// named by its hash in the manifest and is read as the kernel reads any file system that its operator chose.

#include <vector>

#include "base/unique_fd.h"
#include "sandbox/helpers.h"

namespace ocu::sandbox {

// `files`: one for each name of `config.shipped`. What a predecessor mounted there goes first. Errors: malformed, conflict, os.
Result<void> mount_shipped(LauncherConfig const& config, std::vector<UniqueFd> const& files);
void unmount_shipped(LauncherConfig const& config);

}  // namespace ocu::sandbox
