// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Every bound of this role. A session that reaches one is refused there; its neighbours do not notice (T-06).

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "proto/edge_to_custody.h"

namespace ocu::edge {

// The thread.
inline constexpr std::size_t kSessionsMax = 1024;
inline constexpr std::size_t kSeveredMax = 65'536;                     // session ids are never reused, so the oldest may be forgotten
inline constexpr std::size_t kStartsPerMinuteMax = 10;                 // of one session's helper
inline constexpr std::size_t kStartsPerSecondMax = 32;                 // of all of them together
inline constexpr std::chrono::milliseconds kStartGap{100};             // after a death, doubled with each
inline constexpr std::chrono::milliseconds kStartGapMax{10'000};
inline constexpr std::chrono::milliseconds kFoldTick{250};
inline constexpr std::chrono::milliseconds kCountTick{500};            // how late a budget may notice that it is spent
inline constexpr std::chrono::milliseconds kTellTrafficEvery{10'000};  // what a session has moved, for its meter
inline constexpr std::chrono::milliseconds kLeaseWait{5'000};  // longer than a secret source may take (proto/edge_to_custody.h)
inline constexpr std::size_t kFramesPerSecondMax = 4'000;              // of one helper; then it is not listened to until the second is over
inline constexpr std::size_t kRequestsPerConnectionMax = 128;          // allowed or asked for, and not done
inline constexpr std::size_t kDestinationsMax = 4'096;                 // that are told apart for the tripwire
inline constexpr std::size_t kExplainingMax = 16;                     // operators' questions whose names are being resolved
inline constexpr std::size_t kHelperQueueBytesMax = 4u << 20;

// The helper.
inline constexpr std::size_t kConnectionsMax = 256;
inline constexpr unsigned kDnsPerSecondMax = 200;
inline constexpr std::size_t kDnsWaitingMax = 128;
inline constexpr std::size_t kDnsStreamsMax = 16;                     // DNS over TCP, of one session
inline constexpr std::size_t kDnsStreamBytesMax = 64u << 10;           // answers that wait to be fetched on one of them
inline constexpr std::chrono::milliseconds kDnsStreamIdle{10'000};
inline constexpr std::size_t kNamesMax = 4'096;
inline constexpr std::uint32_t kDnsLifeSeconds = 30;
inline constexpr std::chrono::milliseconds kLookTime{200};             // for a guest that waits for the other side to speak first
inline constexpr std::chrono::milliseconds kHeadTime{10'000};          // for one that has begun to speak
inline constexpr std::size_t kHeadBytesMax = 64u << 10;
inline constexpr std::size_t kSpliceBytesMax = 64u << 10;              // that wait in one direction of one connection
inline constexpr std::chrono::minutes kIdleTime{10};
inline constexpr std::chrono::milliseconds kSweepTick{15'000};
inline constexpr std::chrono::milliseconds kDrainTime{1'000};
inline constexpr std::size_t kDrainBytesMax = 1u << 20;

// The way to a store elsewhere: `storage-lane`.
inline constexpr std::size_t kLanesMax = 640;                          // channels: a session has one, and for a moment another
inline constexpr std::size_t kLaneConnectionsMax = 256;                // of all of them
inline constexpr std::size_t kLaneConnectionsPerLaneMax = 8;           // being made or open
inline constexpr unsigned kLaneConnectsBurst = 64;                     // asked for at once on one channel
inline constexpr unsigned kLaneConnectsPerSecond = 16;                 // and then
inline constexpr std::chrono::milliseconds kLaneAddressWait{3'000};    // for one address
inline constexpr std::chrono::milliseconds kLaneConnectWait{8'000};    // in all
inline constexpr std::chrono::milliseconds kLaneIdleTime{60'000};      // no byte either way
inline constexpr std::chrono::milliseconds kLaneTick{500};             // how late any of these may notice

static_assert(kLaneAddressWait < kLaneConnectWait);
// Bodies that may be a file which may not leave (T-33): held back of each, before it goes on; of all of them; and of each when that is reached.
inline constexpr std::size_t kHoldBytes = 256u << 10;
inline constexpr std::size_t kHeldBytesMax = 16u << 20;
inline constexpr std::size_t kHoldBytesLeast = 4u << 10;               // more than a boundary takes
inline constexpr std::size_t kWatchedBytesMax = 64u << 10;             // let go of, and not fetched yet

static_assert(kLeaseWait > proto::kSourceWait, "a source that does not answer is known before its lease is given up");
static_assert(kDnsLifeSeconds < std::chrono::seconds(kIdleTime).count(), "a name's address outlives what a guest remembers of it");

}  // namespace ocu::edge
