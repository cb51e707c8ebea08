// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/verify_tiles.h"

#include "audit/layout.h"
#include "audit/recover.h"

namespace ocu::audit {

namespace {

constexpr std::size_t kTileBytesMax = kTileWidth * sizeof(Digest);
constexpr std::size_t kBundleBytesMax = kTileWidth * (2 + kRecordBytesMax);
constexpr unsigned kDepthMax = 12;

// The first `width` entries of a bundle that is whole.
std::string_view first_entries(std::string_view bundle, std::size_t width)
{
    std::size_t at = 0;
    for (std::size_t i = 0; i < width && at + 2 <= bundle.size(); ++i)
        at += 2 + (static_cast<std::size_t>(static_cast<unsigned char>(bundle[at])) << 8 | static_cast<unsigned char>(bundle[at + 1]));
    return bundle.substr(0, at);
}

std::string bundle_of(std::vector<std::string> const& records, std::size_t width)
{
    std::string bundle;
    for (std::size_t i = 0; i < width; ++i) add_entry(bundle, records[i]);
    return bundle;
}

}  // namespace

TileCheck::TileCheck(Disk& disk, int directory, std::uint64_t covered, Add add)
    : disk_(disk), directory_(directory), covered_(covered), add_(std::move(add))
{}

std::string TileCheck::path_of(Place place, std::size_t width) const
{
    return place.entries ? entries_path(place.index, width) : tile_path(place.level, place.index, width);
}

std::uint64_t TileCheck::first_record(Place place) const { return place.index << ((place.level + 1) * kTileHeight); }

void TileCheck::begin_at(std::uint64_t first, std::uint64_t removed, std::function<void()> const& after_each)
{
    removed_ = removed;
    std::uint64_t tile = 0;
    while (tile < first / kTileWidth && add_removed(tile, kTileWidth, after_each)) ++tile;
    if (tile == first / kTileWidth && first % kTileWidth != 0) add_removed(tile, first % kTileWidth, after_each);
}

// False: it is not there. What follows then has no place, and the root shows it.
bool TileCheck::add_removed(std::uint64_t tile, std::size_t width, std::function<void()> const& after_each)
{
    auto const leaves = read_tile(disk_, directory_, 0, tile, width);
    if (!leaves) return add_(Problem::tile_missing, tile * kTileWidth, tile_path(0, tile)), false;
    auto records = removed_records(tile, *leaves);
    for (auto const& leaf : *leaves) {
        tree_.append(leaf);
        after_each();
    }
    if (width < kTileWidth) bundle_ = std::move(records);
    take_tiles();
    if (tree_.size() == covered_) require_partial();
    return true;
}

// Those of the bundle that belong to these hashes; empty ones where it has none.
std::vector<std::string> TileCheck::removed_records(std::uint64_t tile, std::vector<Digest> const& leaves)
{
    std::vector<std::string> out(leaves.size());
    Place const place{true, 0, tile};
    auto const path = path_of(place, kTileWidth);
    known_.emplace(path, place);
    auto const bytes = disk_.read_file(directory_, path, kBundleBytesMax);
    bool const gone = !bytes && bytes.error().fault == Fault::not_found;
    if (gone && tile < removed_ / kTileWidth) return out;
    if (gone) return add_(Problem::tile_missing, first_record(place), path), out;
    auto const records = bytes ? parse_bundle(*bytes) : fail(Fault::malformed, "unreadable");
    bool good = records && records->size() == kTileWidth;
    for (std::size_t i = 0; good && i < leaves.size(); ++i) {
        good = leaf_hash((*records)[i]) == leaves[i];
        out[i] = (*records)[i];
    }
    if (!good) add_(Problem::bundle_mismatch, first_record(place), path);
    return out;
}

void TileCheck::take_tiles()
{
    for (auto const& tile : tree_.take_full()) check_full({false, tile.level, tile.index}, tile_bytes(tile.hashes));
}

void TileCheck::add(std::string_view record, Digest const& leaf)
{
    tree_.append(leaf);
    bundle_.emplace_back(record);
    if (bundle_.size() == kTileWidth) {
        check_full({true, 0, tree_.size() / kTileWidth - 1}, bundle_of(bundle_, kTileWidth));
        bundle_.clear();
    }
    take_tiles();
    if (tree_.size() == covered_) require_partial();
}

void TileCheck::check_full(Place place, std::string const& expected)
{
    auto const path = path_of(place, kTileWidth);
    known_.emplace(path, place);
    auto const bytes = disk_.read_file(directory_, path, place.entries ? kBundleBytesMax : kTileBytesMax);
    if (!bytes && bytes.error().fault == Fault::not_found) {
        if (place.entries && place.index < removed_ / kTileWidth) return;
        if (tree_.size() <= covered_) add_(Problem::tile_missing, first_record(place), path);
        return;
    }
    if (!bytes || *bytes != expected) add_(place.entries ? Problem::bundle_mismatch : Problem::tile_mismatch, first_record(place), path);
}

// A partial file gives way to its full one, which then serves the same readers.
void TileCheck::require_partial()
{
    auto const require = [this](Place place, std::size_t width) {
        for (auto const& path : {path_of(place, width), path_of(place, kTileWidth)})
            if (disk_.open(directory_, path, Open::existing_to_read)) return;
        add_(Problem::tile_missing, first_record(place), path_of(place, width));
    };
    for (unsigned level = 0; level < tree_.partial().size(); ++level)
        if (auto const width = tree_.partial()[level].size(); width > 0) require({false, level, partial_index(covered_, level)}, width);
    if (!bundle_.empty()) require({true, 0, covered_ / kTileWidth}, bundle_.size());
}

void TileCheck::finish()
{
    for (unsigned level = 0; level < tree_.partial().size(); ++level) {
        Place const place{false, level, partial_index(tree_.size(), level)};
        growing_.emplace(path_of(place, kTileWidth), place);
    }
    Place const place{true, 0, tree_.size() / kTileWidth};
    growing_.emplace(path_of(place, kTileWidth), place);
    walk("tile", 0);
}

void TileCheck::walk(std::string const& folder, unsigned depth)
{
    auto const names = disk_.list(directory_, folder);
    if (!names) {
        // Not a folder: a file, or nothing at all.
        if (depth > 0) check_file(folder);
        return;
    }
    if (depth == kDepthMax) return add_(Problem::stray_file, 0, folder);
    for (auto const& name : *names) walk(folder + "/" + name, depth + 1);
}

void TileCheck::check_file(std::string const& path)
{
    if (known_.contains(path)) return;  // compared when it became full
    auto const split = path.find(".p/");
    if (split == std::string::npos) return add_(Problem::stray_file, 0, path);
    auto const base = path.substr(0, split);
    auto const width = parse_number(std::string_view(path).substr(split + 3));
    auto const full = known_.find(base);
    auto const growing = growing_.find(base);
    if (!width || *width == 0 || *width >= kTileWidth || (full == known_.end() && growing == growing_.end()))
        return add_(Problem::stray_file, 0, path);
    check_partial(path, full != known_.end() ? full->second : growing->second, *width);
}

void TileCheck::check_partial(std::string const& path, Place place, std::size_t width)
{
    auto const problem = place.entries ? Problem::bundle_mismatch : Problem::tile_mismatch;
    auto const bytes = disk_.read_file(directory_, path, place.entries ? kBundleBytesMax : kTileBytesMax);
    std::string expected;
    if (growing_.contains(path_of(place, kTileWidth))) {
        auto const count = place.entries ? bundle_.size() : tree_.partial()[place.level].size();
        if (width > count) return add_(problem, first_record(place), path);
        expected = place.entries ? bundle_of(bundle_, width)
                                 : tile_bytes({tree_.partial()[place.level].begin(),
                                       tree_.partial()[place.level].begin() + static_cast<std::ptrdiff_t>(width)});
    } else {
        // Left behind by a crash between the full file and its removal: the full one has been compared already.
        auto const full = disk_.read_file(directory_, path_of(place, kTileWidth), place.entries ? kBundleBytesMax : kTileBytesMax);
        if (!full) return;
        expected = place.entries ? std::string(first_entries(*full, width)) : full->substr(0, width * sizeof(Digest));
    }
    if (!bytes || *bytes != expected) add_(problem, first_record(place), path);
}

}  // namespace ocu::audit
