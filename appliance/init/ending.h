// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How the machine stops. The first process never returns and never exits: that would be a kernel panic, which is kept for our own bugs
// (OCU_ASSERT; the command line makes it a reboot).

#include "appliance/init/announce.h"

namespace ocu::init {

enum class Power { off, restart };

// Syncs and asks the kernel. Says so on the consoles first.
[[noreturn]] void end_machine(Announcer const& announcer, Power power);

// Something that cannot be mended: one line, ten seconds to read it, then the end. Never a shell.
[[noreturn]] void give_up(Announcer const& announcer, std::string_view why, Power power);

}  // namespace ocu::init
