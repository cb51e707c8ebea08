// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Proofs out of the tiles on disk, each checked before it is handed out.

#include <map>

#include "audit/disk.h"
#include "audit/note.h"

namespace ocu::audit {

struct InclusionProof {
    std::uint64_t index;
    Checkpoint checkpoint;
    Digest leaf;
    std::vector<Digest> path;
};

struct ConsistencyProof {
    std::uint64_t old_size;
    Digest old_root;
    Checkpoint checkpoint;
    std::vector<Digest> path;
};

// The first `width` hashes of a tile.
using ReadTile = std::function<Result<std::vector<Digest>>(unsigned level, std::uint64_t index, std::size_t width)>;

// Subtrees of a log of `size` records out of its tiles: the tile that holds the hashes of the level below, folded up to the height that is
// wanted. Keeps the last tile of each level. Errors: malformed (too narrow), those of the reader.
class TileHashes {
public:
    TileHashes(ReadTile read, std::uint64_t size) : read_(std::move(read)), size_(size) {}
    TileHashes(Disk& disk, int directory, std::uint64_t size);

    Result<Digest> subtree(unsigned height, std::uint64_t index);
    SubtreeHash function()
    {
        return [this](unsigned height, std::uint64_t index) { return subtree(height, index); };
    }

private:
    struct Kept {
        std::uint64_t index;
        std::vector<Digest> hashes;
    };

    ReadTile read_;
    std::uint64_t size_;
    std::map<unsigned, Kept> kept_;
};

// Against the directory's checkpoint. Errors: not_found (not covered by it), malformed (tiles or checkpoint do not hold together), os.
Result<InclusionProof> inclusion_from(Disk& disk, int directory, std::uint64_t index);
Result<ConsistencyProof> consistency_from(Disk& disk, int directory, std::uint64_t old_size);

}  // namespace ocu::audit
