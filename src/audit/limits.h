// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Every bound of the audit role, in one place.

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "proto/any_to_audit.h"

namespace ocu::audit {

inline constexpr std::size_t kSources = static_cast<std::size_t>(proto::Source::kLast) + 1;

inline constexpr std::size_t kRecordBytesMax = 32u << 10;
inline constexpr std::size_t kSegmentBytes = 4u << 20;
inline constexpr std::size_t kSegmentBytesMin = 64u << 10;
inline constexpr std::size_t kSegmentBytesMax = 64u << 20;
inline constexpr std::size_t kSegmentsMax = 100'000'000;  // eight digits

inline constexpr std::size_t kOriginBytesMax = 253;
inline constexpr std::size_t kNoteBytesMax = 16u << 10;   // a checkpoint with many cosignatures
inline constexpr std::size_t kSignaturesMax = 16;

inline constexpr std::size_t kInFlightMax = 1024;          // events with the writer and not yet acknowledged
inline constexpr std::size_t kBatchRecordsMax = 1024;
inline constexpr std::size_t kUntiledRecordsMax = 4096;    // derived files lag the journal by no more
inline constexpr std::chrono::milliseconds kDeriveEvery{1000};
inline constexpr std::chrono::milliseconds kSignatureWait{5000};

inline constexpr std::uint64_t kSegmentsKept = 2;            // whatever their age
inline constexpr std::uint64_t kRemovedAtOnceMax = 4;        // segments, by one retention checkpoint: each is read whole before it goes
inline constexpr std::chrono::seconds kRetentionFirstLook{10};  // after the log was opened
inline constexpr std::chrono::seconds kRetentionEvery{60};
inline constexpr std::chrono::seconds kClockJump{5};         // between two looks: more was not a correction but a step
inline constexpr std::chrono::hours kClockSettles{1};        // after a step nothing is removed for so long
inline constexpr std::chrono::hours kHeldNoteEvery{24};      // that something is due and stays is on record once in so long

inline constexpr std::size_t kVerifyJobsMax = 8;           // segments in memory while verify runs
inline constexpr std::size_t kMeteredRecordsMax = 2'000'000;  // that one `audit metering` adds up
inline constexpr std::size_t kFindingsMax = 64;            // verify says this many things and counts the rest

// The longest text of an event, by how often each field can stand in a record (trace, actor, resource, detail); each byte may become
// six (\u00XX). Beside it fixed text and the appliance's name.
inline constexpr std::size_t kEventTextBytesMax = 2 * 64 + 3 * 128 + 3 * 512 + 1024;
static_assert(kEventTextBytesMax * 6 + 4 * kOriginBytesMax + 4096 <= kRecordBytesMax);
static_assert(kRecordBytesMax < (1u << 16), "an entry bundle's length is 16 bits");
static_assert(kRecordBytesMax + 1024 <= kSegmentBytesMin);

}  // namespace ocu::audit
