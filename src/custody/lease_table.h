// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What is lent: to which session, which credential, until when. The thread keeps one to decide by and to show, the helper another to
// redeem by; both end a lease at the same moment of the same clock, whatever else happens (invariant 10, CU-2).
// Pure. Threading: one thread.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "custody/limits.h"

namespace ocu::custody {

using LeaseNumber = std::uint64_t;  // random, never 0: one session cannot name another's by counting

struct Lease {
    LeaseNumber number = 0;
    SessionId session;
    std::string rule;
    std::string credential;
    std::string destination;
    Monotonic ends{};
};

class LeaseTable {
public:
    // False: the table or the session has as many as it may, or the number is taken.
    bool add(Lease lease, Monotonic now);
    // Nothing once it has ended.
    Lease const* find(LeaseNumber number, Monotonic now) const;
    // One of the same session for the same rule, credential and destination that has at least `least` to go; nothing if there is none.
    Lease const* alike(Lease const& wanted, Monotonic now, std::chrono::seconds least) const;
    void remove(LeaseNumber number) { leases_.erase(number); }
    // Takes all of a session's away; those that had not ended.
    std::vector<Lease> revoke(SessionId session, Monotonic now);
    void clear() { leases_.clear(); }
    // Those that have not ended, by session and then end.
    std::vector<Lease const*> list(Monotonic now) const;
    std::size_t size() const { return leases_.size(); }

private:
    std::map<LeaseNumber, Lease> leases_;
};

}  // namespace ocu::custody
