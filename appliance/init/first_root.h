// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Stage 1, from the initramfs inside the signed kernel image: finds the boot medium, puts dm-verity over the machine's own root, reads all
// of it once, makes it the root and executes /sbin/init there (T-22). Whatever goes wrong ends the machine with one line that says what.

namespace ocu::init {

[[noreturn]] void run_first_root();

}  // namespace ocu::init
