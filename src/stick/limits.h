// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How much of a stick is ever looked at. What a message may carry is in proto/stick_to_init.h.

#include <cstddef>
#include <cstdint>

namespace ocu::stick {

inline constexpr std::size_t kProbeBytesMax = 256u << 10;      // of a whole device, for all formats together
inline constexpr std::size_t kRootEntriesMax = 4096;           // entries of a FAT root directory that are searched for the label
inline constexpr std::size_t kRootClustersMax = 64;            // links of its chain that are followed
inline constexpr std::size_t kIsoDescriptorsMax = 16;          // volume descriptors of an ISO 9660 volume
inline constexpr std::size_t kReportFilesMax = 64;             // files of one report
inline constexpr std::size_t kCopiedAtOnce = 1u << 20;         // bytes of a copied file that are held

static_assert(kRootEntriesMax * 32 <= kProbeBytesMax / 2);
static_assert(kIsoDescriptorsMax * 2048 <= kProbeBytesMax / 4);

}  // namespace ocu::stick
