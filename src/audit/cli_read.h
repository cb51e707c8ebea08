// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// `audit tail` and `audit replay`: the record for people, and for programs as the bytes that it is made of.

#include <span>
#include <string_view>

namespace ocu::audit {

inline constexpr char kReadUsage[] =
    "  tail DIR [-n N] [-f] [FILTER]...  the last N records, oldest first; -f goes on with what comes\n"
    "  replay DIR SESSION [--json]       what a session did, was refused, and who ended it, in order\n"
    "    FILTER: --session S, --actor NAME, --event NAME, --source NAME, --class OCSF-NUMBER,\n"
    "            --outcome success|failure, --since TIME, --until TIME; TIME: RFC 3339, or an age: 90s, 15m, 2h, 7d\n"
    "    --json prints each record as it is in the log, one on a line\n";

// `words`: what follows the command's name. Exit codes: cli.h.
int tail_main(std::span<char*> words);
int replay_main(std::span<char*> words);

}  // namespace ocu::audit
