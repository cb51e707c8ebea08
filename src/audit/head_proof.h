// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A consistency proof in two halves: which tiles it is made of, for whoever has the directory, and the proof out of these, for whoever has no path to it.
// Pure.

#include <cstdint>
#include <vector>

#include "audit/note.h"

namespace ocu::audit {

// Two for each level at most: the one at the end of the old tree, and the one at the end of the new.
inline constexpr std::size_t kProofTilesMax = 16;

struct TilePlace {
    unsigned level = 0;
    std::uint64_t index = 0;
    std::size_t width = 0;  // hashes that are needed: the partial tile, or the beginning of the full one

    bool operator==(TilePlace const&) const = default;
};

// In the order in which they are wanted, each once. Nothing for old_size 0. Errors: malformed (old_size above size).
Result<std::vector<TilePlace>> tiles_of_proof(std::uint64_t old_size, std::uint64_t size);

// `tiles`: those, in that order. Errors: malformed (they do not prove that `head` continues a tree of that size).
Result<std::vector<Digest>> proof_of(std::uint64_t old_size, Checkpoint const& head, std::vector<std::vector<Digest>> const& tiles);

}  // namespace ocu::audit
