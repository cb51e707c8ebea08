// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The tripwire of one session (EG-10): counts, and says once for each of the three that it has been reached. Pure.

#include <deque>
#include <set>
#include <string>

#include "base/clock.h"
#include "edge/rule.h"

namespace ocu::edge {

enum class Tripped : std::uint8_t { bytes, destinations, connections_per_minute };

constexpr std::string_view name_of(Tripped tripped)
{
    constexpr std::string_view kNames[] = {"bytes", "destinations", "connections_per_minute"};
    return kNames[static_cast<std::size_t>(tripped)];
}

class Trip {
public:
    explicit Trip(Tripwire const& wire) : wire_(wire) {}

    // A connection that the rules allow, to `destination` (host:port).
    std::vector<Tripped> connection(std::string destination, Monotonic now);
    std::vector<Tripped> bytes(std::uint64_t more);
    // What was counted by now: more than the limit, once that has been reached.
    std::uint64_t measured(Tripped which) const;
    static std::uint64_t limit(Tripwire const& wire, Tripped which);

private:
    bool once(Tripped which);

    Tripwire wire_;
    std::uint64_t bytes_ = 0;
    std::set<std::string> destinations_;
    std::deque<Monotonic> recent_;  // never more than the wire's own number
    bool told_[3] = {};
};

}  // namespace ocu::edge
