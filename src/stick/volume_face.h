// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Where the first bytes of a strange volume enter: which file system is it, and is it labelled for us (T-18)? Pure: it asks for bytes and
// gives a verdict. At most kProbeBytesMax are asked for, and no chain is followed for longer than kRootClustersMax links.
//
//      format     label                                     taken as OCU-MANIFEST
//      FAT        volume entry of the root directory;       OCUMANIFEST  OCU-MANIFES    (a FAT label has 11 characters)
//                 without one, that of the boot sector
//      ext4       s_volume_name                             OCU-MANIFEST
//      ISO 9660   volume identifier of the primary          OCU-MANIFEST  OCU_MANIFEST  (its character set has no hyphen)
//                 descriptor
//
// Where the first sectors are valid for more than one format, the one that carries the label counts, in the order above: an old
// superblock may survive a new mkfs.

#include <cstdint>
#include <functional>
#include <span>

#include "proto/stick_to_init.h"

namespace ocu::stick {

// Fills all of `into` from `offset`, or says false: the device ends before, or cannot be read.
using ReadAt = std::function<bool(std::uint64_t offset, std::span<std::byte> into)>;

// `labelled` with the format `none`: the label is there, on a file system with features that are not taken (docs/formats/stick.md).
proto::VolumeProbed probe_volume(ReadAt const& read_at);

}  // namespace ocu::stick
