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

}  // namespace

TileHashes::TileHashes(Disk& disk, int directory, std::uint64_t size)
    : TileHashes([&disk, directory](unsigned level, std::uint64_t index, std::size_t width) { return read_tile(disk, directory, level, index, width); }, size)
{}

Result<Digest> TileHashes::subtree(unsigned height, std::uint64_t index)
{
    unsigned const level = height / kTileHeight;
    unsigned const within = height % kTileHeight;
    auto const first = index << within;  // in hashes of this level
    auto const tile = first / kTileWidth;
    auto kept = kept_.find(level);
    if (kept == kept_.end() || kept->second.index != tile) {
        auto const width = tile < partial_index(size_, level) ? kTileWidth : partial_width(size_, level);
        kept = kept_.insert_or_assign(level, Kept{tile, OCU_TRY(read_(level, tile, width))}).first;
    }
    auto const& hashes = kept->second.hashes;
    auto const at = first % kTileWidth;
    std::size_t const count = std::size_t{1} << within;
    if (at + count > hashes.size()) return fail(Fault::malformed, "tile is too narrow");
    std::vector<Digest> row(hashes.begin() + static_cast<std::ptrdiff_t>(at), hashes.begin() + static_cast<std::ptrdiff_t>(at + count));
    while (row.size() > 1) {
        for (std::size_t i = 0; i < row.size() / 2; ++i) row[i] = node_hash(row[2 * i], row[2 * i + 1]);
        row.resize(row.size() / 2);
    }
    return row.front();
}

Result<InclusionProof> inclusion_from(Disk& disk, int directory, std::uint64_t index)
{
    auto checkpoint = OCU_TRY(checkpoint_of(disk, directory));
    if (index >= checkpoint.size) return fail(Fault::not_found, "no such record under the checkpoint");
    TileHashes tiles(disk, directory, checkpoint.size);
    auto const subtree = tiles.function();
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
    TileHashes tiles(disk, directory, checkpoint.size);
    auto const subtree = tiles.function();
    auto const old_root = OCU_TRY(range_hash(0, old_size, subtree));
    auto path = OCU_TRY(prove_consistency(old_size, checkpoint.size, subtree));
    ConsistencyProof proof{old_size, old_root, std::move(checkpoint), std::move(path)};
    if (!check_consistency(old_size, old_root, proof.checkpoint.size, proof.checkpoint.root, proof.path))
        return fail(Fault::malformed, "tiles do not prove the earlier tree under the checkpoint");
    return proof;
}

}  // namespace ocu::audit
