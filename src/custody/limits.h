// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Every bound of lending, on the thread's side and in the helper, and how they relate.

#include <chrono>
#include <cstddef>

#include "proto/custody_helper_to_custody.h"
#include "proto/ask_custody.h"
#include "proto/edge_helper_to_custody_helper.h"
#include "proto/edge_to_custody.h"

namespace ocu::custody {

inline constexpr std::size_t kLeasesMax = proto::kLeasesMax;
inline constexpr std::size_t kLeasesPerSessionMax = 64;
inline constexpr std::chrono::seconds kLeaseSharedLeast{60};  // what a lease has to go when another request is given it
inline constexpr std::size_t kOverMax = 65'536;            // sessions remembered as over; ids are never reused, the oldest may go
inline constexpr std::size_t kRefusalsPerMinuteMax = 120;  // records of refused leases; more are counted in the next one

// One channel of the helper.
inline constexpr std::size_t kLeavesPerMinuteMax = 256;    // signatures; what was signed before is given again
inline constexpr std::size_t kLeavesKeptMax = 512;
inline constexpr std::chrono::hours kLeafKept{24};         // of its seven days
inline constexpr unsigned kLeafDays = 7;
inline constexpr std::size_t kProofsPerMinuteMax = 600;    // signatures with a client's key
inline constexpr std::size_t kAsksPerSecondMax = 4096;     // then it waits: the keys serve others as well (T-06)
inline constexpr std::size_t kChannelQueueBytesMax = 256u << 10;
inline constexpr std::size_t kChannelsMax = 1024;

// Secret sources (docs/formats/secret-source.md).
inline constexpr std::size_t kSourceChannelsMax = 32;  // questions at once, of all sessions
inline constexpr std::size_t kFetchedMax = 512;  // answers held
inline constexpr std::size_t kFetchesPerSessionMax = 4;  // at once
inline constexpr std::size_t kFetchesPerMinuteMax = 60;  // of one session
inline constexpr std::chrono::seconds kFetchedLeast{2};  // what an answer has to go when it is lent
inline constexpr std::chrono::seconds kRefreshMax{60};  // before the end a source is asked again; a quarter of the life, if that is less
inline constexpr std::chrono::seconds kBackOffFirst{1};  // after a failure, doubled with each
inline constexpr std::chrono::seconds kBackOffMax{60};
inline constexpr std::chrono::milliseconds kFetchTick{250};

static_assert(kLeavesPerMinuteMax <= kLeavesKeptMax, "what is asked for again within a minute is not signed again");
static_assert(kChannelQueueBytesMax > 2 * (proto::kCredentialBytesMax + 4096), "a few answers fit");
static_assert(proto::kCredentialBytesMax >= sealed::kPlainBytesMax, "whatever was sealed can be answered");
// All credentials are locked at once (helper.cpp: 8 MiB), in whole pages; the keys and what is under way are a few more.
static_assert(proto::kCredentialsMax * (sealed::kPlainBytesMax + 4096) + kFetchedMax * proto::kSourceValueBytesMax < 6u << 20,
    "within RLIMIT_MEMLOCK");
static_assert(proto::kSourceValueBytesMax <= proto::kCredentialBytesMax, "whatever was fetched can be answered");

}  // namespace ocu::custody
