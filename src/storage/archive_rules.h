// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The rules for what is in an archive, in one place for both who ask: an upload that would bring it in (storage/archive_guard.h, which refuses) and an
// agent who wants to know what one holds (storage/archive_inspect.h, which says). Names and links are judged so that what they mean does not
// hang on the order in which they are unpacked, nor on who unpacks them: no ".." in a name, ".." in a link's target at its beginning only, and nothing
// beneath a link. Then no chain of links leads out. Pure.
//
//   threats   T-08 path tricks   T-32 an archive that harms whoever unpacks it

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/archive_verdict.h"

namespace ocu::storage {

// none, path or name.
proto::ArchiveRule name_rule(std::string_view name);
// Of a symbolic link beneath `depth` directories, counted from where the archive is unpacked. none, link or name.
proto::ArchiveRule link_rule(std::size_t depth, std::string_view target);
// Of a hard link, which names another entry. none or link.
proto::ArchiveRule hard_link_rule(std::string_view target);
// Components of a name: those that are neither empty nor ".".
std::size_t depth_of(std::string_view name);

// Names of one archive, as numbers: what is in it twice, and what lies beneath a link. Two names that are the same always have the same number; two
// that differ having it is a matter of chance in 2^64, and costs no more than a refusal.
class NameBook {
public:
    enum class Kind : std::uint8_t { plain, link, target };  // target: of a hard link, no name of its own
    // A name that name_rule() has nothing against. False: more directories than are counted.
    bool add(std::string_view name, Kind kind);
    struct Found {
        std::uint32_t repeated = 0;
        std::uint32_t case_twins = 0;
        bool beneath_link = false;
    };
    Found finish();

private:
    std::vector<std::uint64_t> names_;
    std::vector<std::uint64_t> folded_;
    std::vector<std::uint64_t> above_;  // directories that an entry lies in
    std::vector<std::uint64_t> links_;
    std::uint64_t last_parent_ = 0;
};

// Of the name's bytes: 64 bits by which names are compared.
std::uint64_t number_of(std::string_view bytes);

}  // namespace ocu::storage
