// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/lease_table.h"

#include <algorithm>

namespace ocu::custody {

bool Lease::like(Lease const& other) const
{
    return session == other.session && rule == other.rule && credential == other.credential && destination == other.destination &&
           port == other.port && source == other.source;
}

bool LeaseTable::add(Lease lease, Monotonic now)
{
    std::erase_if(leases_, [now](auto const& each) { return each.second.ends <= now; });
    auto const of_session = std::ranges::count_if(leases_, [&](auto const& each) { return each.second.session == lease.session; });
    if (leases_.size() >= kLeasesMax || static_cast<std::size_t>(of_session) >= kLeasesPerSessionMax) return false;
    return leases_.emplace(lease.number, std::move(lease)).second;
}

Lease const* LeaseTable::find(LeaseNumber number, Monotonic now) const
{
    auto const found = leases_.find(number);
    return found == leases_.end() || found->second.ends <= now ? nullptr : &found->second;
}

Lease const* LeaseTable::alike(Lease const& wanted, Monotonic now, std::chrono::seconds least) const
{
    auto const found =
        std::ranges::find_if(leases_, [&](auto const& each) { return each.second.like(wanted) && each.second.ends - now >= least; });
    return found == leases_.end() ? nullptr : &found->second;
}

Lease const* LeaseTable::held_alike(Lease const& wanted, Monotonic now, std::chrono::seconds least) const
{
    Lease const* last = nullptr;
    for (auto const& [number, lease] : leases_)
        if (lease.held && lease.like(wanted) && lease.ends - now >= least && (last == nullptr || lease.ends > last->ends)) last = &lease;
    return last;
}

Lease const* LeaseTable::coming_alike(Lease const& wanted) const
{
    auto const found = std::ranges::find_if(leases_, [&](auto const& each) { return !each.second.held && each.second.like(wanted); });
    return found == leases_.end() ? nullptr : &found->second;
}

void LeaseTable::settle(LeaseNumber number, Monotonic ends, Monotonic refresh)
{
    auto const found = leases_.find(number);
    if (found == leases_.end()) return;
    found->second.ends = std::min(found->second.ends, ends);
    found->second.refresh = refresh;
}

void LeaseTable::set_held(LeaseNumber number)
{
    if (auto const found = leases_.find(number); found != leases_.end()) found->second.held = true;
}

std::vector<Lease> LeaseTable::take(std::function<bool(Lease const&)> const& which)
{
    std::vector<Lease> taken;
    for (auto const& [number, lease] : leases_)
        if (which(lease)) taken.push_back(lease);
    for (auto const& lease : taken) leases_.erase(lease.number);
    return taken;
}

std::vector<Lease> LeaseTable::revoke(SessionId session, Monotonic now)
{
    std::vector<Lease> lived;
    for (auto const& [number, lease] : leases_)
        if (lease.session == session && lease.ends > now) lived.push_back(lease);
    std::erase_if(leases_, [session](auto const& each) { return each.second.session == session; });
    return lived;
}

std::vector<Lease const*> LeaseTable::list(Monotonic now) const
{
    std::vector<Lease const*> out;
    for (auto const& [number, lease] : leases_)
        if (lease.ends > now) out.push_back(&lease);
    std::ranges::sort(out,
        [](Lease const* one, Lease const* other) { return std::pair(one->session, one->ends) < std::pair(other->session, other->ends); });
    return out;
}

}  // namespace ocu::custody
