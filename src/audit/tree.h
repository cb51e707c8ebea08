// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The Merkle tree of RFC 6962 in tiles of 256: what has to be remembered to append, its root, and proofs. Pure.

#include <functional>
#include <string_view>
#include <vector>

#include "audit/chain.h"

namespace ocu::audit {

inline constexpr std::size_t kTileWidth = 256;
inline constexpr unsigned kTileHeight = 8;

Digest leaf_hash(std::string_view record);
Digest node_hash(Digest const& left, Digest const& right);
Digest empty_root();

struct FullTile {
    unsigned level;
    std::uint64_t index;
    std::vector<Digest> hashes;  // kTileWidth of them
};

// The right edge of the tree: at each level the hashes of the tile that is not full yet. A few kilobytes at any size.
class Tree {
public:
    Tree() = default;
    // Continues from the partial tiles of a tree of this size. Errors: malformed (a width does not belong to the size).
    static Result<Tree> resume(std::uint64_t size, std::vector<std::vector<Digest>> partial);

    void append(Digest const& leaf);
    std::uint64_t size() const { return size_; }
    Digest root() const;
    // Empty where that level has no partial tile.
    std::vector<std::vector<Digest>> const& partial() const { return partial_; }
    // The tiles that became full since the last call, in the order in which they did.
    std::vector<FullTile> take_full() { return std::exchange(full_, {}); }

private:
    std::uint64_t size_ = 0;
    std::vector<std::vector<Digest>> partial_;
    std::vector<FullTile> full_;
};

// How many hashes the partial tile at `level` has in a tree of `size`, and its index.
constexpr std::size_t partial_width(std::uint64_t size, unsigned level)
{
    return level * kTileHeight >= 64 ? 0 : (size >> (level * kTileHeight)) % kTileWidth;
}
constexpr std::uint64_t partial_index(std::uint64_t size, unsigned level)
{
    return (level + 1) * kTileHeight >= 64 ? 0 : size >> ((level + 1) * kTileHeight);
}

// The hash of the perfect subtree of 2^height leaves that begins at leaf index * 2^height.
using SubtreeHash = std::function<Result<Digest>(unsigned height, std::uint64_t index)>;

Result<Digest> range_hash(std::uint64_t first, std::uint64_t end, SubtreeHash const& subtree);  // RFC 6962 MTH(D[first:end])
Result<std::vector<Digest>> prove_inclusion(std::uint64_t index, std::uint64_t size, SubtreeHash const& subtree);
Result<std::vector<Digest>> prove_consistency(std::uint64_t old_size, std::uint64_t size, SubtreeHash const& subtree);
bool check_inclusion(Digest const& leaf, std::uint64_t index, std::uint64_t size, std::vector<Digest> const& proof, Digest const& root);
bool check_consistency(
    std::uint64_t old_size, Digest const& old_root, std::uint64_t size, Digest const& root, std::vector<Digest> const& proof);

}  // namespace ocu::audit
