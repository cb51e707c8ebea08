// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/tree.h"

#include <bit>

namespace ocu::audit {

namespace {

constexpr std::byte kLeafPrefix{0x00};
constexpr std::byte kNodePrefix{0x01};

// The root of a list of hashes that lie on one level, by the rule of RFC 6962: the largest power of two smaller than the count, left.
void split_into_perfect(std::vector<Digest> const& hashes, std::vector<Digest>& out)
{
    std::size_t at = 0;
    while (at < hashes.size()) {
        std::size_t const count = std::bit_floor(hashes.size() - at);
        std::vector<Digest> row(hashes.begin() + static_cast<std::ptrdiff_t>(at), hashes.begin() + static_cast<std::ptrdiff_t>(at + count));
        while (row.size() > 1) {
            for (std::size_t i = 0; i < row.size() / 2; ++i) row[i] = node_hash(row[2 * i], row[2 * i + 1]);
            row.resize(row.size() / 2);
        }
        out.push_back(row.front());
        at += count;
    }
}

// `size` > 1: how many leaves stand left of the root's split.
std::uint64_t left_size(std::uint64_t size) { return std::bit_floor(size - 1); }

Result<void> add_inclusion(
    std::uint64_t index, std::uint64_t first, std::uint64_t end, SubtreeHash const& subtree, std::vector<Digest>& out)
{
    if (end - first == 1) return {};
    auto const middle = first + left_size(end - first);
    if (index < middle) {
        OCU_CHECK(add_inclusion(index, first, middle, subtree, out));
        out.push_back(OCU_TRY(range_hash(middle, end, subtree)));
    } else {
        OCU_CHECK(add_inclusion(index, middle, end, subtree, out));
        out.push_back(OCU_TRY(range_hash(first, middle, subtree)));
    }
    return {};
}

// RFC 6962 section 2.1.2, SUBPROOF(old, D[first:end], whole).
enum class Whole { no, yes };
Result<void> add_consistency(
    std::uint64_t old_end, std::uint64_t first, std::uint64_t end, Whole whole, SubtreeHash const& subtree, std::vector<Digest>& out)
{
    if (old_end == end) {
        if (whole == Whole::no) out.push_back(OCU_TRY(range_hash(first, end, subtree)));
        return {};
    }
    auto const middle = first + left_size(end - first);
    if (old_end <= middle) {
        OCU_CHECK(add_consistency(old_end, first, middle, whole, subtree, out));
        out.push_back(OCU_TRY(range_hash(middle, end, subtree)));
    } else {
        OCU_CHECK(add_consistency(old_end, middle, end, Whole::no, subtree, out));
        out.push_back(OCU_TRY(range_hash(first, middle, subtree)));
    }
    return {};
}

}  // namespace

Digest leaf_hash(std::string_view record)
{
    crypto::Sha256 hash;
    return hash.update(std::span(&kLeafPrefix, 1)).update(record).finish();
}

Digest node_hash(Digest const& left, Digest const& right)
{
    crypto::Sha256 hash;
    return hash.update(std::span(&kNodePrefix, 1)).update(std::as_bytes(std::span(left))).update(std::as_bytes(std::span(right))).finish();
}

Digest empty_root() { return crypto::sha256(std::string_view{}); }

Result<Tree> Tree::resume(std::uint64_t size, std::vector<std::vector<Digest>> partial)
{
    Tree tree;
    tree.size_ = size;
    for (unsigned level = 0; level < partial.size(); ++level)
        if (partial[level].size() != partial_width(size, level)) return fail(Fault::malformed, "partial tile of the wrong width");
    if (partial_index(size, static_cast<unsigned>(partial.size())) != 0 || partial_width(size, static_cast<unsigned>(partial.size())) != 0)
        return fail(Fault::malformed, "partial tiles of too few levels");
    tree.partial_ = std::move(partial);
    return tree;
}

void Tree::append(Digest const& leaf)
{
    Digest hash = leaf;
    for (unsigned level = 0;; ++level) {
        if (partial_.size() == level) partial_.emplace_back();
        partial_[level].push_back(hash);
        if (partial_[level].size() < kTileWidth) break;
        std::vector<Digest> root;
        split_into_perfect(partial_[level], root);
        hash = root.front();
        full_.push_back({level, size_ >> ((level + 1) * kTileHeight), std::exchange(partial_[level], {})});
    }
    ++size_;
}

Digest Tree::root() const
{
    if (size_ == 0) return empty_root();
    // From the left: the highest level has the largest subtrees.
    std::vector<Digest> subtrees;
    for (std::size_t level = partial_.size(); level-- > 0;) split_into_perfect(partial_[level], subtrees);
    Digest hash = subtrees.back();
    for (std::size_t i = subtrees.size() - 1; i-- > 0;) hash = node_hash(subtrees[i], hash);
    return hash;
}

Result<Digest> range_hash(std::uint64_t first, std::uint64_t end, SubtreeHash const& subtree)
{
    if (first >= end) return fail(Fault::malformed, "empty range of leaves");
    auto const count = end - first;
    if (std::has_single_bit(count) && first % count == 0) {
        auto const height = static_cast<unsigned>(std::countr_zero(count));
        return subtree(height, first >> height);
    }
    auto const middle = first + left_size(count);
    auto const left = OCU_TRY(range_hash(first, middle, subtree));
    return node_hash(left, OCU_TRY(range_hash(middle, end, subtree)));
}

Result<std::vector<Digest>> prove_inclusion(std::uint64_t index, std::uint64_t size, SubtreeHash const& subtree)
{
    if (index >= size) return fail(Fault::not_found, "no such record in this tree");
    std::vector<Digest> proof;
    OCU_CHECK(add_inclusion(index, 0, size, subtree, proof));
    return proof;
}

Result<std::vector<Digest>> prove_consistency(std::uint64_t old_size, std::uint64_t size, SubtreeHash const& subtree)
{
    if (old_size == 0 || old_size > size) return fail(Fault::not_found, "no such earlier tree");
    std::vector<Digest> proof;
    OCU_CHECK(add_consistency(old_size, 0, size, Whole::yes, subtree, proof));
    return proof;
}

// RFC 9162 section 2.1.3.2.
bool check_inclusion(Digest const& leaf, std::uint64_t index, std::uint64_t size, std::vector<Digest> const& proof, Digest const& root)
{
    if (index >= size) return false;
    auto node = index;
    auto last = size - 1;
    Digest hash = leaf;
    for (auto const& sibling : proof) {
        if (last == 0) return false;
        if ((node & 1) != 0 || node == last) {
            hash = node_hash(sibling, hash);
            while ((node & 1) == 0 && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && hash == root;
}

// RFC 9162 section 2.1.4.2.
bool check_consistency(
    std::uint64_t old_size, Digest const& old_root, std::uint64_t size, Digest const& root, std::vector<Digest> const& proof)
{
    if (old_size == 0 || old_size > size) return false;
    if (old_size == size) return proof.empty() && old_root == root;
    std::vector<Digest> path = proof;
    if (std::has_single_bit(old_size)) path.insert(path.begin(), old_root);
    if (path.empty()) return false;
    auto node = old_size - 1;
    auto last = size - 1;
    while ((node & 1) != 0) {
        node >>= 1;
        last >>= 1;
    }
    Digest old_hash = path.front();
    Digest hash = path.front();
    for (std::size_t i = 1; i < path.size(); ++i) {
        if (last == 0) return false;
        if ((node & 1) != 0 || node == last) {
            old_hash = node_hash(path[i], old_hash);
            hash = node_hash(path[i], hash);
            while ((node & 1) == 0 && node != 0) {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(hash, path[i]);
        }
        node >>= 1;
        last >>= 1;
    }
    return last == 0 && old_hash == old_root && hash == root;
}

}  // namespace ocu::audit
