// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A directory that holds one device's node and nothing else, on a mount that is attached nowhere. A helper takes it along into its
// empty root: relative to it, and only there, the device can be opened or mounted. The machine's own /dev stays outside.

#include <string>

#include "base/unique_fd.h"

namespace ocu::stick {

// `device`: any descriptor of a block device's node, also O_PATH; the device itself is not opened, so nothing waits for it.
// `name`: [a-z0-9]+, what the node is called. Needs root; call before confining. Errors: malformed (no block device, no plain name), os.
Result<UniqueFd> make_device_cell(int device, std::string const& name);

}  // namespace ocu::stick
