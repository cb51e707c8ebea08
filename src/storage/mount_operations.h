// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// libfuse's table of operations, filled with calls of the SessionTree to which the session's user data, a SessionTree**, leads. The only
// header that names libfuse.

#define FUSE_USE_VERSION 317
#include <fuse_lowlevel.h>

namespace ocu::storage {

fuse_lowlevel_ops const& mount_operations();

}  // namespace ocu::storage
