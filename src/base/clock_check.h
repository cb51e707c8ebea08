// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Whether somebody keeps this machine's wall clock right: what the kernel was told by whoever does, the first process of the booted machine or
// the host's own time service. It takes that back by itself some hours after it was told last. Threading: any.

namespace ocu {

bool clock_is_checked();

}  // namespace ocu
