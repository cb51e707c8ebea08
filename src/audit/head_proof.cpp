// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/head_proof.h"

#include <algorithm>

#include "audit/prove.h"

namespace ocu::audit {

Result<std::vector<TilePlace>> tiles_of_proof(std::uint64_t old_size, std::uint64_t size)
{
    if (old_size > size) return fail(Fault::malformed, "a proof does not begin after its end");
    std::vector<TilePlace> out;
    if (old_size == 0) return out;
    TileHashes tiles(
        [&out](unsigned level, std::uint64_t index, std::size_t width) -> Result<std::vector<Digest>> {
            TilePlace const place{level, index, width};
            if (!std::ranges::contains(out, place)) out.push_back(place);
            return std::vector<Digest>(width);
        },
        size);
    (void)OCU_TRY(range_hash(0, old_size, tiles.function()));
    (void)OCU_TRY(prove_consistency(old_size, size, tiles.function()));
    OCU_ASSERT(out.size() <= kProofTilesMax);
    return out;
}

Result<std::vector<Digest>> proof_of(std::uint64_t old_size, Checkpoint const& head, std::vector<std::vector<Digest>> const& tiles)
{
    auto const places = OCU_TRY(tiles_of_proof(old_size, head.size));
    if (places.size() != tiles.size()) return fail(Fault::malformed, "a proof of other tiles");
    if (old_size == 0) return std::vector<Digest>{};
    TileHashes hashes(
        [&](unsigned level, std::uint64_t index, std::size_t width) -> Result<std::vector<Digest>> {
            auto const found = std::ranges::find(places, TilePlace{level, index, width});
            OCU_ASSERT(found != places.end());
            auto const& tile = tiles[static_cast<std::size_t>(found - places.begin())];
            if (tile.size() != width) return fail(Fault::malformed, "tile of the wrong width");
            return tile;
        },
        head.size);
    auto const old_root = OCU_TRY(range_hash(0, old_size, hashes.function()));
    auto path = OCU_TRY(prove_consistency(old_size, head.size, hashes.function()));
    if (!check_consistency(old_size, old_root, head.size, head.root, path)) return fail(Fault::malformed, "tiles do not prove the head");
    return path;
}

}  // namespace ocu::audit
