// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the webhook's receiver reads, as bytes: docs/formats/webhook.md. Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/id.h"
#include "edge/trip.h"

namespace ocu::edge {

struct TripNotice {
    std::string id;              // 32 hex digits
    std::uint64_t number = 0;    // counts this start's notices from 1
    EventNumber record;          // of the tripwire's own record
    WallTime time{};
    std::string appliance;
    SessionId session;
    Tripped limit{};
    std::uint64_t measured = 0;
    std::uint64_t threshold = 0;
    bool kill = false;
    std::string rule;
    std::string destination;     // host:port, plain (edge/events.h)
};

// At most proto::kNoticeBytesMax bytes; one whose destination would not fit is without it.
std::string notice_body(TripNotice const& notice);

// The header's value: t=SECONDS,v1=HEX.
std::string notice_signature(std::int64_t time_s, std::span<std::uint8_t const> mac);

}  // namespace ocu::edge
