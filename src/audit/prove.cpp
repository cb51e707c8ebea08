// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/prove.h"

#include "audit/layout.h"
#include "audit/recover.h"

namespace ocu::audit {

namespace {

Result<Checkpoint> checkpoint_of(Disk& disk, int directory)
{
    auto const note = OCU_TRY(read_checkpoint(disk, directory));
    if (!note) return fail(Fault::not_found, "there is no checkpoint yet");
    return note->checkpoint;
}

// Subtrees from tiles: the tile that holds the hashes of the level below, folded up to the height that is wanted.
SubtreeHash tiles_of(Disk& disk, int directory, std::uint64_t size)
{
    return [&disk, directory, size](unsigned height, std::uint64_t index) -> Result<Digest> {
        unsigned const level = height / kTileHeight;
        unsigned const within = height % kTileHeight;
        auto const first = index << within;  // in hashes of this level
        auto const tile = first / kTileWidth;
        auto const width = tile < partial_index(size, level) ? kTileWidth : partial_width(size, level);
        auto const hashes = OCU_TRY(read_tile(disk, directory, level, tile, width));
        auto const at = first % kTileWidth;
        std::size_t const count = std::size_t{1} << within;
        if (at + count > hashes.size()) return fail(Fault::malformed, "tile is too narrow");
        std::vector<Digest> row(hashes.begin() + static_cast<std::ptrdiff_t>(at), hashes.begin() + static_cast<std::ptrdiff_t>(at + count));
        while (row.size() > 1) {
            for (std::size_t i = 0; i < row.size() / 2; ++i) row[i] = node_hash(row[2 * i], row[2 * i + 1]);
            row.resize(row.size() / 2);
        }
        return row.front();
    };
}

}  // namespace

Result<InclusionProof> inclusion_from(Disk& disk, int directory, std::uint64_t index)
{
    auto checkpoint = OCU_TRY(checkpoint_of(disk, directory));
    if (index >= checkpoint.size) return fail(Fault::not_found, "no such record under the checkpoint");
    auto const subtree = tiles_of(disk, directory, checkpoint.size);
    auto const leaf = OCU_TRY(subtree(0, index));
    auto path = OCU_TRY(prove_inclusion(index, checkpoint.size, subtree));
    InclusionProof proof{index, std::move(checkpoint), leaf, std::move(path)};
    if (!check_inclusion(proof.leaf, index, proof.checkpoint.size, proof.path, proof.checkpoint.root))
        return fail(Fault::malformed, "tiles do not prove the record under the checkpoint");
    return proof;
}

Result<ConsistencyProof> consistency_from(Disk& disk, int directory, std::uint64_t old_size)
{
    auto checkpoint = OCU_TRY(checkpoint_of(disk, directory));
    if (old_size == 0 || old_size > checkpoint.size) return fail(Fault::not_found, "no such earlier tree");
    auto const subtree = tiles_of(disk, directory, checkpoint.size);
    auto const old_root = OCU_TRY(range_hash(0, old_size, subtree));
    auto path = OCU_TRY(prove_consistency(old_size, checkpoint.size, subtree));
    ConsistencyProof proof{old_size, old_root, std::move(checkpoint), std::move(path)};
    if (!check_consistency(old_size, old_root, proof.checkpoint.size, proof.checkpoint.root, proof.path))
        return fail(Fault::malformed, "tiles do not prove the earlier tree under the checkpoint");
    return proof;
}

}  // namespace ocu::audit
