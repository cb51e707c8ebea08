// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What this part takes from a DHCP server at most, and how long it waits (RFC 2131, section 4.1 and 4.4.5).

#include <chrono>
#include <cstdint>

namespace ocu::network {

using namespace std::chrono_literals;

inline constexpr std::size_t kMessageBytesMin = 240;   // all fixed fields and the cookie
inline constexpr std::size_t kMessageBytesMax = 1500;
inline constexpr std::size_t kSentBytesMin = 300;      // some relays drop what is shorter

inline constexpr std::uint8_t kPrefixMin = 8;
inline constexpr std::uint8_t kPrefixMax = 30;
inline constexpr std::chrono::seconds kLeaseMin = 60s;        // shorter: the server is refused
inline constexpr std::chrono::seconds kLeaseMax = 24h * 30;   // longer, or for ever: taken for this long

inline constexpr std::chrono::seconds kFirstWait = 4s;        // doubled each time
inline constexpr std::chrono::seconds kLongestWait = 64s;
inline constexpr std::chrono::milliseconds kJitter = 1s;      // to either side
inline constexpr int kRequestsMax = 4;                        // unanswered, then it begins again
inline constexpr std::chrono::seconds kRenewWaitMin = 60s;    // between two requests to prolong
inline constexpr std::chrono::seconds kRenewAfterMin = 5s;    // no server makes us ask faster
static_assert(kRenewAfterMin < kLeaseMin / 2);

}  // namespace ocu::network
