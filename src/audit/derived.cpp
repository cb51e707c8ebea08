// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/derived.h"

#include "audit/layout.h"

namespace ocu::audit {

void Derived::resume(Tree tree)
{
    tree_ = std::move(tree);
    first_untiled_ = tree_.size() / kTileWidth * kTileWidth;
    untiled_.clear();
    full_.clear();
}

void Derived::add(std::string_view record, Digest const& leaf)
{
    untiled_.emplace_back(record);
    tree_.append(leaf);
    for (auto& tile : tree_.take_full()) full_.push_back(std::move(tile));
}

void Derived::add_removed(std::vector<Digest> const& leaves)
{
    OCU_ASSERT(untiled_.empty() && leaves.size() == kTileWidth);
    for (auto const& leaf : leaves) tree_.append(leaf);
    // The lowest is on disk already: it is what this was read from.
    for (auto& tile : tree_.take_full())
        if (tile.level != 0) full_.push_back(std::move(tile));
    first_untiled_ += kTileWidth;
}

Result<void> Derived::write_full()
{
    while (untiled_.size() >= kTileWidth) {
        std::string bundle;
        for (std::size_t i = 0; i < kTileWidth; ++i) add_entry(bundle, untiled_[i]);
        auto const path = entries_path(first_untiled_ / kTileWidth, kTileWidth);
        OCU_CHECK(replace_file(*disk_, directory_, path, bundle));
        OCU_CHECK(disk_->remove_folder(directory_, path + ".p"));
        untiled_.erase(untiled_.begin(), untiled_.begin() + kTileWidth);
        first_untiled_ += kTileWidth;
    }
    while (!full_.empty()) {
        auto const path = tile_path(full_.front().level, full_.front().index);
        OCU_CHECK(replace_file(*disk_, directory_, path, tile_bytes(full_.front().hashes)));
        OCU_CHECK(disk_->remove_folder(directory_, path + ".p"));
        full_.pop_front();
    }
    return {};
}

Result<void> Derived::write_partial()
{
    for (unsigned level = 0; level < tree_.partial().size(); ++level) {
        auto const& hashes = tree_.partial()[level];
        if (hashes.empty()) continue;
        OCU_CHECK(
            replace_file(*disk_, directory_, tile_path(level, partial_index(tree_.size(), level), hashes.size()), tile_bytes(hashes)));
    }
    if (untiled_.empty()) return {};
    std::string bundle;
    for (auto const& record : untiled_) add_entry(bundle, record);
    return replace_file(*disk_, directory_, entries_path(first_untiled_ / kTileWidth, untiled_.size()), bundle);
}

Result<void> Derived::write_heads(Chains const& chains)
{
    for (std::size_t i = 0; i < kSources; ++i) {
        auto const source = static_cast<proto::Source>(i);
        auto const& next = chains.next(source);
        if (next == heads_.next(source)) continue;
        OCU_CHECK(replace_file(*disk_, directory_, head_path(proto::name_of(source)), format_head(next.sequence - 1, next.previous)));
    }
    heads_ = chains;
    return {};
}

Result<void> Derived::write_all(Chains const& chains)
{
    OCU_CHECK(write_full());
    OCU_CHECK(write_partial());
    return write_heads(chains);
}

}  // namespace ocu::audit
