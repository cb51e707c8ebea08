// SPDX-License-Identifier: GPL-3.0-or-later
#include <unistd.h>

#include <cstdlib>

#include "base/assert.h"
#include "guest/guest.h"

namespace ocu {

// The agent has no log of its own: a line on its stderr would be a second channel out of the sandbox.
void assertion_failed(Literal, std::source_location) { std::abort(); }

}  // namespace ocu

int main() { return ocu::guest::agent_main(ocu::UniqueFd(STDIN_FILENO), {}); }
