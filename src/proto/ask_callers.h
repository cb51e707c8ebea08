// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Callers that operators make beside the manifest's (GW-3): what an operator asks, what is shown of each, and the table that the threads which judge
// callers are given whenever it changes. A key is in none of these but the answer to the operator who had it made, once.

#include <array>
#include <memory>
#include <vector>

#include "base/id.h"
#include "helper/callers.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kCallerNameBytesMax = 63;
inline constexpr std::string_view kCallerNameLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
inline constexpr std::uint32_t kCallerDaysMax = 3'650;
inline constexpr std::uint32_t kKeyOverlapSecondsMax = 7 * 86'400;
inline constexpr std::size_t kCallersShownMax = 1024;

// callers_add, callers_rotate, callers_revoke.
struct CallerQuestion {
    wire::Text<kCallerNameBytesMax> name;
    std::uint32_t days = 0;       // add: until it is over; 0: never
    std::uint32_t overlap_s = 0;  // rotate: how long the key before is good as well
    static void fields(auto& wire, auto& m) { wire(m.name, m.days, m.overlap_s); }
};

enum class CallerOrigin : std::uint8_t { manifest, operators, kLast = operators };
// shadowed: the manifest has come to declare a caller of that name, and its key is the one that counts.
enum class CallerState : std::uint8_t { active, expired, revoked, shadowed, kLast = shadowed };

constexpr std::string_view name_of(CallerOrigin origin) { return origin == CallerOrigin::manifest ? "manifest" : "operator"; }
constexpr std::string_view name_of(CallerState state)
{
    constexpr std::string_view kNames[] = {"active", "expired", "revoked", "shadowed"};
    return kNames[static_cast<std::size_t>(state)];
}

using KeyId = std::array<std::uint8_t, 4>;  // the first bytes of the salted digest: tells keys apart, and opens nothing

// Times are wall-clock seconds since 1970; 0: none.
struct CallerShown {
    wire::Text<kCallerNameBytesMax> name;
    CallerOrigin origin{};
    CallerState state{};
    KeyId key{};
    std::int64_t made_s = 0;       // its newest key
    std::int64_t expires_s = 0;
    std::int64_t old_key_until_s = 0;
    std::int64_t revoked_s = 0;
    std::int64_t seen_s = 0;       // since this start
    std::uint32_t sessions = 0;
    wire::Text<64> made_by;
    wire::Text<64> revoked_by;
    static void fields(auto& wire, auto& m)
    {
        wire(m.name, m.origin, m.state, m.key, m.made_s, m.expires_s, m.old_key_until_s, m.revoked_s, m.seen_s, m.sessions, m.made_by, m.revoked_by);
    }
};

// For the status.
struct CallersState {
    bool damaged = false;
    std::uint32_t declared = 0;
    std::uint32_t added = 0;    // and active
    std::uint32_t revoked = 0;  // of either origin
    static void fields(auto& wire, auto& m) { wire(m.damaged, m.declared, m.added, m.revoked); }
};

struct CallersTold {
    CallersState state;
    wire::List<CallerShown, kCallersShownMax> callers;
    bool more = false;
    wire::Text<64> key;  // made just now; shown this once
    KeyId key_id{};
    static void fields(auto& wire, auto& m) { wire(m.state, m.callers, m.more, m.key, m.key_id); }
};
inline constexpr std::size_t kCallersToldBytesMax = 256 * kCallersShownMax + 256;

// control -> gateway, storage: everybody who is let in, from now on. Who is not in it any more has no calls, files or sessions left. Shared by the
// threads that are told, and never changed.
struct CallersInForce {
    std::shared_ptr<std::vector<helper::Caller> const> callers;
};

}  // namespace ocu::proto
