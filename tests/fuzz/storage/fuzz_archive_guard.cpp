// SPDX-License-Identifier: GPL-3.0-or-later
// Face: an upload that begins as an archive. No input may crash the parser, or have it do more than its bounds say; and what is let in was within them.
#include "base/assert.h"
#include "storage/archive_guard.h"
#include "storage/zip_directory.h"

using namespace ocu;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    storage::ArchiveBounds const bounds{
        .entries_max = 500, .unpacked_bytes_max = 4u << 20, .ratio_from_bytes = 1u << 20, .held_bytes_max = 1u << 20};
    storage::MemorySource upload(std::as_bytes(std::span(data, size)));
    auto const verdict = storage::check_archive(upload, bounds);
    if (verdict.rule == proto::ArchiveRule::none) {
        OCU_ASSERT(verdict.entries <= bounds.entries_max);
        OCU_ASSERT(verdict.unpacked_bytes <= std::max<std::uint64_t>(bounds.unpacked_bytes_max, 2 * size));
        OCU_ASSERT(verdict.unpacked_bytes <= bounds.ratio_from_bytes || verdict.unpacked_bytes / size <= bounds.ratio_max);
    }
    OCU_ASSERT(verdict.rule != proto::ArchiveRule::unchecked);
    auto const directory = storage::read_zip_directory(upload, bounds.entries_max);
    if (directory) {
        std::uint64_t end = 0;
        for (auto const& each : directory->entries) {
            OCU_ASSERT(each.offset >= end);
            end = each.offset + each.packed_bytes;
            OCU_ASSERT(end <= size);
        }
    }
    return 0;
}
