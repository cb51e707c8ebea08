// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An image file becomes a block device whose every block is checked against a signed root hash when it is read (T-22): a loop device,
// and dm-verity over it, both by ioctl. Devices made here live until the machine stops. Root only.

#include <string>

#include "appliance/init/command_line.h"

namespace ocu::init {

// Was this file made for this root hash? Reads one block: the top of the hash tree. It answers "is this the right medium"; what protects
// is the device below. Errors: os; denied (another image).
Result<void> check_tree_top(std::string const& file, VerityImage const& image);

// `name`: of the device-mapper device, [a-z0-9.]. Returns the device's path. Errors: os.
Result<std::string> make_verity_device(std::string const& name, std::string const& file, VerityImage const& image);

// Reads all of a device, so that an altered block is found now. Returns the bytes read. Errors: os.
Result<std::uint64_t> read_whole_device(std::string const& device);

}  // namespace ocu::init
