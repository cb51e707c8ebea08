// SPDX-License-Identifier: GPL-3.0-or-later
#include "custody/fetched_secrets.h"

#include <algorithm>

namespace ocu::custody {

Result<void> FetchedSecrets::keep(LeaseNumber lease, SessionId session, std::string_view value, Monotonic ends)
{
    if (secrets_.size() >= kFetchedMax) return fail(Fault::over_limit, "too many fetched credentials");
    if (secrets_.contains(lease)) return fail(Fault::conflict, "a lease holds one answer");
    auto secret = OCU_TRY(Secret::copy_of(std::as_bytes(std::span(value))));
    secrets_.emplace(lease, Kept{session, ends, std::move(secret)});
    return {};
}

void FetchedSecrets::shorten(LeaseNumber lease, Monotonic ends)
{
    if (auto const found = secrets_.find(lease); found != secrets_.end()) found->second.ends = std::min(found->second.ends, ends);
}

Secret const* FetchedSecrets::find(LeaseNumber lease, Monotonic now) const
{
    auto const found = secrets_.find(lease);
    return found == secrets_.end() || found->second.ends <= now ? nullptr : &found->second.value;
}

void FetchedSecrets::drop(SessionId session)
{
    std::erase_if(secrets_, [session](auto const& each) { return each.second.session == session; });
}

void FetchedSecrets::sweep(Monotonic now)
{
    std::erase_if(secrets_, [now](auto const& each) { return each.second.ends <= now; });
}

}  // namespace ocu::custody
