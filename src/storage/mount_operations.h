// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// libfuse's table of operations, filled with calls of the SessionTree to which the session's user data, a Mounted*, leads. The only
// header that names libfuse.

#define FUSE_USE_VERSION 317
#include <fuse_lowlevel.h>

#include "storage/mount_meter.h"

namespace ocu::storage {

class SessionTree;

struct Mounted {
    SessionTree* tree = nullptr;
    MountMeter meter;
};

fuse_lowlevel_ops const& mount_operations();

}  // namespace ocu::storage
