// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Reads the three files of a manifest from a volume's root directory. Nothing else on the volume is opened, no directory is listed.

#include <variant>

#include "proto/stick_to_init.h"

namespace ocu::stick {

// `root`: a descriptor of the directory, O_PATH is enough. What is too large is refused before it is read; what grows meanwhile, after.
// Blocks for as long as the device does.
std::variant<proto::StickFiles, proto::StickRefusal> read_manifest_files(int root);

}  // namespace ocu::stick
