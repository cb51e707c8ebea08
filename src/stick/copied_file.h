// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Copies one file that a signed manifest names, mounts/NAME.erofs, out of a volume. What is copied is never looked into: it is what the
// manifest says, byte for byte, or nothing.

#include <expected>
#include <string>

#include "proto/stick_to_init.h"

namespace ocu::stick {

// `root`: a descriptor of the volume's root directory, O_PATH is enough. `into`: an empty file; after a refusal it holds anything.
// Returns bytes. What is too large (kCopiedFileBytesMax) is refused before it is read; what grows meanwhile, while it is. Errors: no_file,
// unreadable (also a link, directory, pipe or device), too_large, other_file, no_room. Blocks for as long as the device does.
std::expected<std::uint64_t, proto::StickRefusal> copy_file(int root, std::string const& name, std::string_view sha256, int into);

}  // namespace ocu::stick
