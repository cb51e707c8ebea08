// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A pseudo-terminal as a program's own: its side belongs to the guest's user, so that what opens it by name may.

#include <cstdint>

#include "base/unique_fd.h"
#include "guest/guest.h"

namespace ocu::guest {

struct Terminal {
    UniqueFd ours;    // non-blocking
    UniqueFd theirs;  // for the child
};

// Errors: os (none to be had).
Result<Terminal> open_terminal(Place const& place, std::uint16_t rows, std::uint16_t columns);
// The program is told (SIGWINCH) by its kernel.
void resize(int terminal, std::uint16_t rows, std::uint16_t columns);

}  // namespace ocu::guest
