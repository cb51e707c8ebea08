// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The derived files of the log: tiles, entry bundles, source heads. All can be made again from the journal; none is needed to
// acknowledge. Only records that are on disk may be added.

#include <deque>
#include <string>

#include "audit/disk.h"
#include "audit/tree.h"

namespace ocu::audit {

class Derived {
public:
    Derived(Disk& disk, int directory) : disk_(&disk), directory_(directory) {}

    // Continues a tree whose full tiles are on disk. The records of its partial bundle follow by add_known().
    void resume(Tree tree);
    void add_known(std::string_view record) { untiled_.emplace_back(record); }
    void add(std::string_view record, Digest const& leaf);
    // A whole tile of records that are not there any more. Only before any record is added.
    void add_removed(std::vector<Digest> const& leaves);

    Tree const& tree() const { return tree_; }
    std::size_t untiled() const { return untiled_.size(); }
    // Tiles and bundles that are full.
    Result<void> write_full();
    // Everything that a checkpoint of the present size needs.
    Result<void> write_all(Chains const& chains);

private:
    Result<void> write_partial();
    Result<void> write_heads(Chains const& chains);

    Disk* disk_;
    int directory_;
    Tree tree_;
    std::deque<std::string> untiled_;   // records from the first that is in no full bundle on disk
    std::deque<FullTile> full_;         // full, not yet on disk
    std::uint64_t first_untiled_ = 0;   // index of untiled_.front(); a multiple of the tile width
    Chains heads_;                      // as last written
};

}  // namespace ocu::audit
