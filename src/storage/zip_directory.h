// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The directory at a zip archive's end, compared with what lies before it. The library that unpacks here goes by the local headers and lets fall what the
// directory says twice of one place; others go by the directory alone. So that all see one archive, this one is taken only if both say the same:
// names and methods equal, no two entries on one byte, nothing between them, the directory right before its end record (T-32). Nothing
// is unpacked. Bounded by kArchiveEntriesMax, about forty bytes each.
//
//      local header, name, extra, data, (descriptor)   one for each entry, in any order of the directory's
//      directory: one record for each entry, name, extra, comment
//      (ZIP64 end record and its locator)  end record, comment

#include <vector>

#include "proto/archive_verdict.h"
#include "storage/archive_rules.h"
#include "storage/byte_source.h"

namespace ocu::storage {

struct ZipEntry {
    std::uint64_t offset = 0;  // of its local header
    std::uint64_t packed_bytes = 0;
    std::uint64_t unpacked_bytes = 0;  // as it claims
    std::uint64_t name_number = 0;
    std::uint32_t mode = 0;  // of Unix, where there is one
    std::uint16_t name_bytes = 0;
    std::uint16_t depth = 0;
    std::uint16_t method = 0;
};

struct ZipDirectory {
    std::vector<ZipEntry> entries{};  // in the order of their offsets
    NameBook::Found names{};
    std::uint32_t not_utf8 = 0;
};

// The directory, or the first rule that is broken. `entries_max`: more are refused, by the count that it tells where it tells it.
std::expected<ZipDirectory, proto::ArchiveRule> read_zip_directory(ByteSource& source, std::uint64_t entries_max);

}  // namespace ocu::storage
