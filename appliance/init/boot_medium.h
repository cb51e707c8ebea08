// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where the rest of the machine lies: an ISO 9660 volume with the id OCU_APPLIANCE, on an optical drive or a stick. Found by content,
// because device names say nothing. A volume id proves nothing either: what is on it is measured against the signed command line (T-22).

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace ocu::init {

inline constexpr std::size_t kVolumeDescriptorOffset = 32'768;
inline constexpr std::size_t kVolumeDescriptorBytes = 2048;

// The primary volume descriptor of our medium? Pure; any other size is a no.
bool is_our_volume(std::span<std::byte const> descriptor);

// Whether the kernel's block device may be a medium at all: not one that was made from another (loop, dm, ram, ...). Pure.
bool may_be_medium(std::string_view device);

// Kernel names of all block devices that there are now, sorted.
std::vector<std::string> block_devices();

// Looks at every block device until one that carries our volume is `accepted`, for `patience`. What was looked at and refused is not
// looked at again unless it went away meanwhile. Returns the kernel name. Errors: not_found.
Result<std::string> find_boot_medium(std::chrono::seconds patience, std::function<bool(std::string const& device)> const& accepted);

}  // namespace ocu::init
