// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the checkpoint key signs, and nothing else: the body of a C2SP tlog checkpoint, three lines (origin, size, root hash), each
// ended by a newline. A key that signs one shape of text cannot be used as an oracle for another (T-09, T-14).

#include <string_view>

namespace ocu::custody {

bool is_checkpoint_note(std::string_view note);

}  // namespace ocu::custody
