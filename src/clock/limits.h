// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How much of a time server is listened to, and how good its answer must be.

#include <chrono>
#include <cstddef>

#include "base/crypto/aes_siv.h"

namespace ocu::clock {

inline constexpr std::size_t kKeAnswerBytesMax = 16u << 10;
inline constexpr std::size_t kCookiesMax = 8;        // as many as RFC 8915 has a server send
inline constexpr std::size_t kCookieBytesMax = 512;  // common servers send about 100
inline constexpr std::size_t kNtpPacketBytesMax = 2048;

inline constexpr unsigned kExchangesMax = 4;  // of one measurement; the one with the shortest way there and back counts
inline constexpr std::chrono::milliseconds kDelayMax{1'000};          // whoever holds packets up can shift the time by half of this
inline constexpr std::chrono::milliseconds kRootDistanceMax{1'500};   // RFC 5905: MAXDIST
inline constexpr unsigned kStratumMax = 15;

static_assert(kCookieBytesMax % 4 == 0 && 48 + 36 + 4 + kCookieBytesMax + 40 <= 1280, "a question fits any path unfragmented");

}  // namespace ocu::clock
