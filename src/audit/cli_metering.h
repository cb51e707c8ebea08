// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// `audit metering`: what sessions and callers have used, for whoever has to account for it.

#include <span>

namespace ocu::audit {

inline constexpr char kMeteringUsage[] =
    "  metering DIR [--from TIME] [--to TIME] [--caller NAME] [--json]\n"
    "                                    what sessions and callers used: processor, memory, files, network, calls\n"
    "                                    (from records written in [from, to); check the log with verify first)\n";

// `words`: what follows the command's name. Exit codes: cli.h.
int metering_main(std::span<char*> words);

}  // namespace ocu::audit
