// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Every bound of the control role.

#include <chrono>
#include <cstddef>

#include "proto/operator_front_to_control.h"

namespace ocu::control {

using std::chrono::milliseconds;

inline constexpr milliseconds kKillRecordWait{50};      // how long a kill waits for its record (AU-7)
inline constexpr milliseconds kKillAnswerWait{2'000};   // how long an operator waits to hear that nothing runs any more
inline constexpr milliseconds kRecordWait{5'000};       // how long any other action waits for its record before it is refused
inline constexpr milliseconds kExplainWait{20'000};     // for the edge, which may have to resolve a name
inline constexpr milliseconds kCreateWait{60'000};      // from "wanted" to "up"
inline constexpr milliseconds kStopWait{10'000};        // for all sessions to be gone at the end
inline constexpr milliseconds kSweepEvery{1'000};       // idle and absolute limits
inline constexpr milliseconds kRefillEvery{200};        // a look at whether the warm pool lacks one
inline constexpr std::chrono::seconds kPooledAgeMax{1'800};  // then it gives way to a new one: what it was lent has a life
inline constexpr std::chrono::hours kMeterEvery{1};     // what a session that runs has used since its last record
inline constexpr milliseconds kMeterLastWait{2'000};    // after its end, for the last word of who counts
inline constexpr milliseconds kMeterWriteAgain{1'000};  // after audit refused what a session used
inline constexpr std::size_t kMeterUnwrittenMax = 4'096;  // such records
inline constexpr std::uint32_t kDiskClearPercent = 5;   // below its watermark, before the log's disk is called well again
inline constexpr std::size_t kWarmPoolMax = 64;         // a manifest that wants more is refused
inline constexpr milliseconds kAcceptPause{100};        // after the descriptor table was full
inline constexpr milliseconds kShutdownDelay{50};       // lets the answer reach the operator
inline constexpr std::size_t kWaitersMax = 256;         // calls that wait for one session to come up
inline constexpr std::size_t kSessionsMax = 1024;       // a configured maximum above it is refused by the manifest
inline constexpr std::size_t kConnectionsKnownMax = 1024;
inline constexpr std::size_t kAsksMax = 256;            // operator actions under way
inline constexpr std::size_t kRefusalsPerMinuteMax = 5;  // records of refused operators; more are counted in the next one (CT-7)

static_assert(kKillRecordWait < kKillAnswerWait);
static_assert(kMeterLastWait < kStopWait, "the last records are written before the end");
static_assert(kSessionsMax <= proto::kOperatorSessionsMax, "an answer holds every session");

}  // namespace ocu::control
