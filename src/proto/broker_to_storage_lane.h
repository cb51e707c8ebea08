// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The one way out of a process that works in a store elsewhere (`broker`, `sweeper`): a channel to `storage-lane` on which it can ask for a
// connection, and for nothing else (T-31). There is no word for where to: the lane knows its destinations, and the asker does not. The connection
// is a socket pair that the lane makes, so no descriptor ever goes from the asker to the lane. Whose a channel is, is known by the channel.
//
// And how the asker gets such a channel: over a supply, one end of which it is started with. The storage thread puts a channel on it at the start
// and whenever the lane has begun anew; the newest one counts. On the supply the asker says nothing at all.

#include <array>
#include <iterator>
#include <span>
#include <string_view>

#include "base/id.h"
#include "proto/type.h"
#include "wire/link.h"

namespace ocu::proto {

// The asker's own number, not one that is under way.
struct LaneConnect {
    static constexpr Type kType = Type::lane_connect;
    RequestId request;

    static void fields(auto& wire, auto& m) { wire(m.request); }
};

// With one descriptor, a stream: what is written on it arrives at the store, and the other way round.
struct LaneOpened {
    static constexpr Type kType = Type::lane_opened;
    RequestId request;

    static void fields(auto& wire, auto& m) { wire(m.request); }
};

enum class LaneFailure : std::uint8_t {
    none,
    unreachable,  // refused, no way there
    timed_out,  // no answer, or silent for too long
    over_limit,  // too many at once, or in a second
    own_address,  // leads to this machine itself, where that is not allowed
    cut,  // its channel has ended
    kLast = cut,
};

constexpr std::string_view name_of(LaneFailure failure)
{
    constexpr std::string_view kNames[] = {"none", "unreachable", "timed_out", "over_limit", "own_address", "cut"};
    static_assert(std::size(kNames) == static_cast<std::size_t>(LaneFailure::kLast) + 1);
    return kNames[static_cast<std::size_t>(failure)];
}

struct LaneFailed {
    static constexpr Type kType = Type::lane_failed;
    RequestId request;
    LaneFailure failure{};

    static void fields(auto& wire, auto& m) { wire(m.request, m.failure); }
};

// On the supply, with one descriptor: the asker's end of a new channel.
struct LaneChannel {
    static constexpr Type kType = Type::lane_channel;

    static void fields(auto& wire, auto&) { wire(); }
};

inline constexpr std::array kBrokerMaySendLane{
    wire::Permit{static_cast<std::uint16_t>(Type::lane_connect), 0, 8},
};
inline constexpr std::array kLaneMaySendBroker{
    wire::Permit{static_cast<std::uint16_t>(Type::lane_opened), 1, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::lane_failed), 0, 8 + 1},
};
inline constexpr std::array kStorageMaySupply{
    wire::Permit{static_cast<std::uint16_t>(Type::lane_channel), 1, 0},
};
inline constexpr std::span<wire::Permit const> kSuppliedMaySend{};

}  // namespace ocu::proto
