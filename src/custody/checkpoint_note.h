// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the checkpoint key signs, and nothing else: the body of a C2SP tlog checkpoint, three lines (origin, size, root hash), each
// ended by a newline; or such lines with retention terms after them, and where each source's chain stood (docs/formats/audit.md). A key that
// signs one shape of text cannot be used as an oracle for another (T-09, T-14), and no record is let go that is younger than the floor (T-39).

#include <cstdint>
#include <string_view>

#include "proto/note_kind.h"

namespace ocu::custody {

bool is_checkpoint_note(std::string_view note);
// `hot_days`: of the manifest; 0: it has none, and no terms that speak of a cold tier are signed (T-44).
bool is_retention_note(std::string_view note, std::uint32_t hot_days = 0);
bool is_note(proto::NoteKind kind, std::string_view note, std::uint32_t hot_days = 0);

}  // namespace ocu::custody
