// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// `audit witness-request` and `audit import-check`: the log before witnesses, by whatever carries a file there and back.

#include <cstdint>
#include <span>
#include <string>

namespace ocu::audit {

inline constexpr char kWitnessUsage[] =
    "  witness-request DIR [--from SIZE] what a C2SP witness is asked (add-checkpoint) that saw SIZE records last; 0: none\n"
    "  import-check DIR NOTE [--key FILE] [--witness FILE]...\n"
    "                                    that a head which came back is this log's, cosigned by each of these, and that\n"
    "                                    the log continues it\n";

// Seconds since 1970, as RFC 3339.
std::string in_words(std::uint64_t time_s);

// `words`: what follows the command's name. Exit codes: cli.h.
int witness_request_main(std::span<char*> words);
int import_check_main(std::span<char*> words);

}  // namespace ocu::audit
