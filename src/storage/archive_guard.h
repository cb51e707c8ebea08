// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// May this upload, which begins as an archive does, be brought in? (SB-7, T-32) All of it is decoded, and archives inside, layer by layer: what counts
// is what comes out, not what headers say. Nothing of it is kept but one layer's buffer and, where an archive inside is read from its end, that archive.
// Stops at the first rule that is broken (storage/archive_rules.h). Runs in `parser`; bounded by these bounds, not by what it is given.
//
//   threats   T-32 an archive that harms whoever unpacks it   T-16 hostile archive   T-06 work without bound

#include "proto/archive_verdict.h"
#include "storage/byte_source.h"
#include "storage/limits.h"

namespace ocu::storage {

struct ArchiveBounds {
    std::uint64_t entries_max = kArchiveEntriesMax;  // of all layers together, like the next
    std::uint64_t unpacked_bytes_max = kArchiveUnpackedBytesMax;  // or twice what was uploaded, if that is more
    std::uint64_t ratio_max = kArchiveRatioMax;
    std::uint64_t ratio_from_bytes = kArchiveRatioFromBytes;
    std::size_t layers_max = kArchiveLayersMax;
    std::uint64_t held_bytes_max = kArchiveHeldBytesMax;
};

proto::ArchiveVerdict check_archive(ByteSource& upload, ArchiveBounds const& bounds = {});

}  // namespace ocu::storage
