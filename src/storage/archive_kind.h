// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What begins as an archive does, so that it is looked into before it is let in (SB-7). By first bytes alone: a name says nothing. Kinds that no
// library here reads (bzip2, RAR, cabinets, disk images) are none: `files.types` can keep them out. Pure.

#include <cstdint>
#include <string_view>

namespace ocu::storage {

enum class ArchiveKind : std::uint8_t { none, zip, seven_zip, tar, gzip, xz, zstd };

// `first`: the first kSniffBytes, or all if there are fewer.
ArchiveKind archive_kind_of(std::string_view first);
constexpr bool is_compressed_stream(ArchiveKind kind)
{
    return kind == ArchiveKind::gzip || kind == ArchiveKind::xz || kind == ArchiveKind::zstd;
}

}  // namespace ocu::storage
