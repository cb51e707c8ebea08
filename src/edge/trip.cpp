// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/trip.h"

#include "base/assert.h"
#include "edge/limits.h"

namespace ocu::edge {

bool Trip::once(Tripped which) { return !std::exchange(told_[static_cast<std::size_t>(which)], true); }

std::vector<Tripped> Trip::connection(std::string destination, Monotonic now)
{
    std::vector<Tripped> out;
    if (wire_.destinations != 0 && destinations_.size() < kDestinationsMax) {
        destinations_.insert(std::move(destination));
        if (destinations_.size() > wire_.destinations && once(Tripped::destinations)) out.push_back(Tripped::destinations);
    }
    if (wire_.connections_per_minute != 0) {
        while (!recent_.empty() && now - recent_.front() >= std::chrono::minutes(1)) recent_.pop_front();
        if (recent_.size() < wire_.connections_per_minute)
            recent_.push_back(now);
        else if (once(Tripped::connections_per_minute))
            out.push_back(Tripped::connections_per_minute);
    }
    return out;
}

std::vector<Tripped> Trip::bytes(std::uint64_t more)
{
    bytes_ += more;
    if (wire_.bytes == 0 || bytes_ <= wire_.bytes || !once(Tripped::bytes)) return {};
    return {Tripped::bytes};
}

std::uint64_t Trip::measured(Tripped which) const
{
    switch (which) {
    case Tripped::bytes: return bytes_;
    case Tripped::destinations: return destinations_.size();
    case Tripped::connections_per_minute: return recent_.size() + 1;  // with the one that was too many
    }
    OCU_ASSERT(false);
}

std::uint64_t Trip::limit(Tripwire const& wire, Tripped which)
{
    switch (which) {
    case Tripped::bytes: return wire.bytes;
    case Tripped::destinations: return wire.destinations;
    case Tripped::connections_per_minute: return wire.connections_per_minute;
    }
    OCU_ASSERT(false);
}

}  // namespace ocu::edge
