// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the checkpoint key is asked to sign. Who asks names the kind, so a text of the one cannot pass as the other (T-39).

#include <cstddef>
#include <cstdint>

namespace ocu::proto {

enum class NoteKind : std::uint8_t {
    checkpoint,  // origin, size, root
    retention,   // the same, and what is let go (proto/retention.h)
    kLast = retention,
};

inline constexpr std::size_t kNoteBodyBytesMax = 1536;

}  // namespace ocu::proto
