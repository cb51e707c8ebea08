// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Proofs out of the tiles on disk, each checked before it is handed out.

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

// Against the directory's checkpoint. Errors: not_found (not covered by it), malformed (tiles or checkpoint do not hold together), os.
Result<InclusionProof> inclusion_from(Disk& disk, int directory, std::uint64_t index);
Result<ConsistencyProof> consistency_from(Disk& disk, int directory, std::uint64_t old_size);

}  // namespace ocu::audit
