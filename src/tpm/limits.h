// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstddef>

#include "proto/core_to_tpm.h"

namespace ocu::tpm {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kAnswerBytesMax = 4096;           // what the kernel's driver takes and gives at most
inline constexpr std::chrono::milliseconds kAnswerWait{15'000};  // for one command; a slow chip makes its storage key in two seconds
inline constexpr std::chrono::milliseconds kWorkWait{25'000};    // for all of them

static_assert(kAnswerWait < kWorkWait);

}  // namespace ocu::tpm
