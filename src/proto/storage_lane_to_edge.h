// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The helper that forwards connections to the store of the manifest, and its thread. It ends nothing that goes through it, holds no key, and knows
// its destinations from its configuration alone. The thread gives it the channels of sessions (proto/broker_to_storage_lane.h) by numbers, and it
// reports each connection itself: the thread puts that on record.

#include <array>
#include <chrono>
#include <cstdint>

#include "base/id.h"
#include "proto/broker_to_storage_lane.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kStoreAddressesMax = 8;

// One store. Nowhere, unless the manifest has it.
struct LaneDestinations {
    wire::List<wire::Text<45>, kStoreAddressesMax> addresses;  // numeric
    std::uint16_t port = 0;
    bool own_addresses = false;  // they may be this machine's own: a trial on one machine

    static void fields(auto& wire, auto& m) { wire(m.addresses, m.port, m.own_addresses); }
};

// Where it may connect to: for session files, and for the cold tier of the record.
struct StorageLaneConfig {
    LaneDestinations store;
    LaneDestinations cold;

    static void fields(auto& wire, auto& m) { wire(m.store, m.cold); }
};

// The ready report.
struct StorageLaneReport {
    std::uint32_t destinations = 0;  // of both

    static void fields(auto& wire, auto& m) { wire(m.destinations); }
};

using LaneId = RequestId;  // one channel; never used twice

// With one descriptor: the lane's end of a channel.
struct LaneOpen {
    static constexpr Type kType = Type::lane_open;
    LaneId lane;
    bool cold = false;  // to the cold tier, and nowhere else

    static void fields(auto& wire, auto& m) { wire(m.lane, m.cold); }
};

// Its session is over: every connection of it ends at once.
struct LaneClose {
    static constexpr Type kType = Type::lane_close;
    LaneId lane;

    static void fields(auto& wire, auto& m) { wire(m.lane); }
};

enum class LaneDeed : std::uint8_t { opened, closed, failed, kLast = failed };

struct LaneConnection {
    static constexpr Type kType = Type::lane_connection;
    LaneId lane;
    ConnectionId connection;  // rises; 0 with `failed`
    LaneDeed deed{};
    LaneFailure failure{};  // closed: why, unless it ended by itself
    std::uint8_t place = 0;  // which of the destinations; of a failure, the one that was tried last
    std::uint64_t bytes_up = 0;
    std::uint64_t bytes_down = 0;
    std::chrono::milliseconds lasted{};
    std::uint32_t count = 1;  // of failures alike within a second

    static void fields(auto& wire, auto& m)
    {
        wire(m.lane, m.connection, m.deed, m.failure, m.place, m.bytes_up, m.bytes_down, m.lasted, m.count);
    }
};

// The last word about a channel.
struct LaneGone {
    static constexpr Type kType = Type::lane_gone;
    LaneId lane;

    static void fields(auto& wire, auto& m) { wire(m.lane); }
};

inline constexpr std::array kEdgeToStorageLane{
    wire::Permit{static_cast<std::uint16_t>(Type::lane_open), 1, 8 + 1},
    wire::Permit{static_cast<std::uint16_t>(Type::lane_close), 0, 8},
};
inline constexpr std::array kStorageLaneToEdge{
    wire::Permit{static_cast<std::uint16_t>(Type::lane_connection), 0, 8 + 8 + 1 + 1 + 1 + 8 + 8 + 8 + 4},
    wire::Permit{static_cast<std::uint16_t>(Type::lane_gone), 0, 8},
};

}  // namespace ocu::proto
