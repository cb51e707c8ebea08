// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Stage 2, the first process of the booted machine (docs/decisions/0009-first-process.md): everything that happens on the machine comes
// together here, is told to the plan (boot_plan.h), and what the plan says is done. One thread, one loop.
//
//   hears   kernel events, sticks, the network, screens, signals, the power button, the core's output
//   tells   the core (as its parent), screens, sticks (reports), the network, the clock, the kernel (power)
//   never   parses a foreign byte; a manifest is parsed only after its signature has been verified

namespace ocu::init {

[[noreturn]] void run_machine();

}  // namespace ocu::init
