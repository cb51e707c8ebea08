// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: audit/tree and audit/layout, against the published RFC 6962 vectors and against a direct reading of the RFC's definition.

#include <catch2/catch_test_macros.hpp>

#include "audit/layout.h"
#include "audit/tree.h"

namespace test_tree {

using namespace ocu;
using namespace ocu::audit;

// The eight leaves and the roots that Certificate Transparency's reference implementation publishes.
std::vector<std::string> vector_leaves()
{
    auto const bytes = [](std::string_view hex) {
        auto const raw = *crypto::from_hex(hex);
        return std::string(raw.begin(), raw.end());
    };
    return {bytes(""), bytes("00"), bytes("10"), bytes("2021"), bytes("3031"), bytes("40414243"), bytes("5051525354555657"),
        bytes("606162636465666768696a6b6c6d6e6f")};
}

constexpr char const* kRoots[] = {
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

Digest naive(std::vector<Digest> const& leaves, std::size_t first, std::size_t end)
{
    if (end - first == 1) return leaves[first];
    std::size_t split = 1;
    while (split * 2 < end - first) split *= 2;
    return node_hash(naive(leaves, first, first + split), naive(leaves, first + split, end));
}

struct Leaves {
    explicit Leaves(std::size_t count)
    {
        for (std::size_t i = 0; i < count; ++i) hashes.push_back(leaf_hash("leaf " + std::to_string(i)));
    }
    SubtreeHash subtree() const
    {
        return [this](unsigned height, std::uint64_t index) -> Result<Digest> {
            return naive(hashes, index << height, (index + 1) << height);
        };
    }
    std::vector<Digest> hashes;
};

TEST_CASE("tree: given the RFC 6962 vectors, when leaves are added, then every root is the published one", "[audit][T-09][AU-2]")
{
    Tree tree;
    CHECK(crypto::to_hex(tree.root()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    auto const leaves = vector_leaves();
    for (std::size_t i = 0; i < leaves.size(); ++i) {
        tree.append(leaf_hash(leaves[i]));
        CHECK(crypto::to_hex(tree.root()) == kRoots[i]);
    }
}

TEST_CASE("tree: given sizes around tile borders, when the root is taken from tiles, then it is the RFC's definition", "[audit][AU-2]")
{
    Leaves const leaves(1030);
    Tree tree;
    std::size_t full = 0;
    for (std::size_t i = 0; i < leaves.hashes.size(); ++i) {
        tree.append(leaves.hashes[i]);
        for (auto const& tile : tree.take_full()) {
            CHECK(tile.index == full++);
            CHECK(tile.level == 0);
        }
        auto const size = i + 1;
        if (size % 64 > 2 && size % 64 < 62) continue;
        CHECK(tree.root() == naive(leaves.hashes, 0, size));
        auto const resumed = Tree::resume(size, tree.partial());
        REQUIRE(resumed.has_value());
        CHECK(resumed->root() == tree.root());
    }
    CHECK(full == 4);
}

TEST_CASE("tree: given a full second level, when tiles are taken, then the level above has its first hash", "[audit][AU-2]")
{
    Tree tree;
    auto const leaf = leaf_hash("x");
    std::size_t level_1 = 0;
    for (std::size_t i = 0; i < kTileWidth * kTileWidth; ++i) {
        tree.append(leaf);
        for (auto const& tile : tree.take_full()) level_1 += tile.level == 1 ? 1 : 0;
    }
    CHECK(level_1 == 1);
    REQUIRE(tree.partial().size() == 3);
    CHECK(tree.partial()[2].size() == 1);
    CHECK(tree.root() == tree.partial()[2][0]);
}

TEST_CASE("tree: given partial tiles of the wrong width, when resumed, then it is refused", "[audit][T-09]")
{
    Leaves const leaves(3);
    CHECK_FALSE(Tree::resume(4, {leaves.hashes}).has_value());
    CHECK_FALSE(Tree::resume(3, {}).has_value());
    CHECK_FALSE(Tree::resume(256 + 3, {leaves.hashes}).has_value());
    CHECK(Tree::resume(3, {leaves.hashes}).has_value());
}

TEST_CASE("tree: given any leaf and size, when inclusion is proved, then only the true leaf, place and root check", "[audit][T-09][AU-4]")
{
    Leaves const leaves(70);
    auto const subtree = leaves.subtree();
    for (std::uint64_t size = 1; size <= 70; ++size) {
        auto const root = naive(leaves.hashes, 0, size);
        for (std::uint64_t index = 0; index < size; ++index) {
            auto proof = *prove_inclusion(index, size, subtree);
            CHECK(check_inclusion(leaves.hashes[index], index, size, proof, root));
            CHECK_FALSE(check_inclusion(leaf_hash("other"), index, size, proof, root));
            if (size > 1) CHECK_FALSE(check_inclusion(leaves.hashes[index], (index + 1) % size, size, proof, root));
            if (proof.empty()) continue;
            proof.pop_back();
            CHECK_FALSE(check_inclusion(leaves.hashes[index], index, size, proof, root));
        }
    }
    CHECK_FALSE(prove_inclusion(70, 70, subtree).has_value());
}

TEST_CASE("tree: given any two sizes, when consistency is proved, then only the true roots check", "[audit][T-09][AU-4]")
{
    Leaves const leaves(40);
    auto const subtree = leaves.subtree();
    for (std::uint64_t size = 1; size <= 40; ++size) {
        auto const root = naive(leaves.hashes, 0, size);
        for (std::uint64_t old_size = 1; old_size <= size; ++old_size) {
            auto const old_root = naive(leaves.hashes, 0, old_size);
            auto const proof = *prove_consistency(old_size, size, subtree);
            CHECK(check_consistency(old_size, old_root, size, root, proof));
            CHECK_FALSE(check_consistency(old_size, leaf_hash("other"), size, root, proof));
            if (old_size < size) CHECK_FALSE(check_consistency(old_size, old_root, size, leaf_hash("other"), proof));
        }
    }
    CHECK_FALSE(prove_consistency(0, 4, subtree).has_value());
    CHECK_FALSE(prove_consistency(5, 4, subtree).has_value());
}

TEST_CASE("layout: given tile places, when named, then the paths are those of tlog-tiles", "[audit][AU-2]")
{
    CHECK(index_path(0) == "000");
    CHECK(index_path(999) == "999");
    CHECK(index_path(1000) == "x001/000");
    CHECK(index_path(1234067) == "x001/x234/067");
    CHECK(tile_path(0, 5) == "tile/0/005");
    CHECK(tile_path(1, 1234067, 17) == "tile/1/x001/x234/067.p/17");
    CHECK(tile_path(1, 5, kTileWidth) == "tile/1/005");
    CHECK(entries_path(273, 112) == "tile/entries/273.p/112");
    CHECK(partial_width(70'000, 0) == 112);
    CHECK(partial_width(70'000, 1) == 17);
    CHECK(partial_width(70'000, 2) == 1);
    CHECK(partial_width(70'000, 3) == 0);
    CHECK(partial_index(70'000, 0) == 273);
    CHECK(partial_width(256, 0) == 0);
    CHECK(partial_width(256, 1) == 1);
}

TEST_CASE("layout: given tiles, bundles and heads that are not canonical, when parsed, then they are refused", "[audit][T-09]")
{
    CHECK_FALSE(parse_tile(std::string(31, 'x'), 1).has_value());
    CHECK_FALSE(parse_tile(std::string(64, 'x'), 1).has_value());
    CHECK(parse_tile(std::string(64, 'x'), 2)->size() == 2);
    std::string bundle;
    add_entry(bundle, std::string(258, 'r'));
    CHECK(bundle.substr(0, 2) == std::string("\x01\x02", 2));
    auto const good = format_head(12, leaf_hash("x"));
    CHECK(parse_head(good)->sequence == 12);
    CHECK_FALSE(parse_head("0" + good).has_value());
    CHECK_FALSE(parse_head(good.substr(0, good.size() - 1)).has_value());
    CHECK_FALSE(parse_head("12 00\n").has_value());
    CHECK_FALSE(parse_number("01").has_value());
    CHECK_FALSE(parse_number("").has_value());
    CHECK_FALSE(parse_number("99999999999999999999").has_value());
}

}  // namespace test_tree
