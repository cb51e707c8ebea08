// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Every bound of the exec helper, and what must hold between them.

#include <chrono>

#include "proto/exec_to_guest.h"

namespace ocu::sandbox {

inline constexpr std::chrono::milliseconds kProgressFirst{1'500};    // promised: <= 2 s
inline constexpr std::chrono::milliseconds kProgressEvery{10'000};   // promised: <= 15 s apart
inline constexpr std::chrono::milliseconds kKillAnswerMax{2'000};    // then the guest is taken for lost
inline constexpr std::chrono::milliseconds kProcessAnswerMax{10'000};  // beyond what a call waits for output: then it is answered as it is
inline constexpr std::chrono::milliseconds kProgramsGathered{200};    // after the first that ran, before it is told unasked
inline constexpr std::chrono::milliseconds kProgramsTold{250};        // apart at least
inline constexpr std::size_t kMonitorPacketsAtOnce = 256;             // then everyone else has a turn
inline constexpr std::size_t kCallsMax = proto::kGuestCallsMax;
inline constexpr std::uint64_t kStreamSlackBytes = proto::kGuestOutputBytesMax;  // beyond it the agent lies about what it forwards

static_assert(kProgressFirst < std::chrono::seconds(2) && kProgressEvery < std::chrono::seconds(15));
static_assert(proto::kGuestTailBytesMax >= 4 * proto::kAnswerTextCharsMax / 2, "a tail of four-byte characters fits");

}  // namespace ocu::sandbox
