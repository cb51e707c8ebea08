// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Numbers and states in words that can be read aloud over a telephone. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/init_to_screen.h"

namespace ocu::console {

// "SERVING", for the bar at the top.
std::string_view short_word(proto::MachinePhase phase);
// One sentence: what that means for the person who stands there.
std::string_view sentence(proto::MachinePhase phase);
// "2026-11-26 01:07:19 UTC". Seconds that no calendar has: "not known".
std::string time_words(std::int64_t unix_seconds);
// "42 s", "3 min 12 s", "3 h 12 min", "2 days 3 h".
std::string duration_words(std::uint64_t seconds);
// "AB:CD:…" as rows of four groups of four digits; anything that is not hex digits and colons: one row, as it is.
std::vector<std::string> fingerprint_rows(std::string_view fingerprint);

}  // namespace ocu::console
