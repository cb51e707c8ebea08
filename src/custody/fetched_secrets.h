// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What secret sources have answered, each for one lease and no longer than it (docs/formats/secret-source.md). Nothing here is found by a
// credential's name, so nothing fetched can stand in for something sealed, or for what another session was given. Helper only.
// Threading: one thread.

#include <map>

#include "base/clock.h"
#include "base/id.h"
#include "base/secret.h"
#include "custody/lease_table.h"

namespace ocu::custody {

class FetchedSecrets {
public:
    // Errors: over_limit (kFetchedMax are held), conflict (there is one), os (it cannot be locked).
    Result<void> keep(LeaseNumber lease, SessionId session, std::string_view value, Monotonic ends);
    // Earlier than it was, never later.
    void shorten(LeaseNumber lease, Monotonic ends);
    // Null: there is none, or it has ended.
    Secret const* find(LeaseNumber lease, Monotonic now) const;
    void drop(LeaseNumber lease) { secrets_.erase(lease); }
    void drop(SessionId session);
    // Wipes what has ended.
    void sweep(Monotonic now);
    std::size_t size() const { return secrets_.size(); }

private:
    struct Kept {
        SessionId session;
        Monotonic ends{};
        Secret value;
    };
    std::map<LeaseNumber, Kept> secrets_;
};

}  // namespace ocu::custody
