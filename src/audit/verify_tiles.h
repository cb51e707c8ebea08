// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The half of verify that rebuilds the tree and holds every tile, entry bundle and stray file against it.

#include <functional>
#include <map>
#include <string>

#include "audit/disk.h"
#include "audit/tree.h"
#include "audit/verify.h"

namespace ocu::audit {

class TileCheck {
public:
    using Add = std::function<void(Problem, std::uint64_t record, std::string where)>;

    // Files for trees up to `covered` must be there; later ones may be.
    TileCheck(Disk& disk, int directory, std::uint64_t covered, Add add);

    // Before any record: `first` of them are not there, and their hashes are taken from the tiles, which the root bears out or not. Bundles of
    // records before `removed` may be missing; one that is there has the records that those hashes are of.
    void begin_at(std::uint64_t first, std::uint64_t removed, std::function<void()> const& after_each);
    void add(std::string_view record, Digest const& leaf);
    void finish();
    Tree const& tree() const { return tree_; }

private:
    struct Place {
        bool entries;
        unsigned level;
        std::uint64_t index;
    };

    void check_full(Place place, std::string const& expected);
    bool add_removed(std::uint64_t tile, std::size_t width, std::function<void()> const& after_each);
    std::vector<std::string> removed_records(std::uint64_t tile, std::vector<Digest> const& leaves);
    void take_tiles();
    void require_partial();
    void walk(std::string const& folder, unsigned depth);
    void check_file(std::string const& path);
    void check_partial(std::string const& path, Place place, std::size_t width);
    std::string path_of(Place place, std::size_t width) const;
    std::uint64_t first_record(Place place) const;

    Disk& disk_;
    int directory_;
    std::uint64_t covered_;
    Add add_;
    std::uint64_t removed_ = 0;
    Tree tree_;
    std::vector<std::string> bundle_;        // records of the bundle that is not full yet
    std::map<std::string, Place> known_;     // paths of full files, whether they exist or not
    std::map<std::string, Place> growing_;   // paths of the tiles that are not full yet
};

}  // namespace ocu::audit
