// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What is lent: to which session, which credential, until when. The thread keeps one to decide by and to show, the helper another to
// redeem by; both end a lease at the same moment of the same clock, whatever else happens (invariant 10, CU-2).
// Pure. Threading: one thread.

#include <chrono>
#include <cstdint>
#include <functional>
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
    std::uint16_t port = 0;
    std::string source{};          // who was asked for the credential; empty: it was sealed in the manifest
    bool held = false;             // thread: the helper has it
    Monotonic refresh{};           // thread: from then on the source is asked again, if there is one
    bool fetched() const { return !source.empty(); }
    // For the same session, rule, credential, source and destination.
    bool like(Lease const& other) const;
};

class LeaseTable {
public:
    // False: the table or the session has as many as it may, or the number is taken.
    bool add(Lease lease, Monotonic now);
    // Nothing once it has ended.
    Lease const* find(LeaseNumber number, Monotonic now) const;
    // One of the same session for the same rule, credential and destination that has at least `least` to go; nothing if there is none.
    Lease const* alike(Lease const& wanted, Monotonic now, std::chrono::seconds least) const;
    // The one of those that ends last and that the helper holds; and one that is in the making.
    Lease const* held_alike(Lease const& wanted, Monotonic now, std::chrono::seconds least) const;
    Lease const* coming_alike(Lease const& wanted) const;
    // An earlier end than it was added with, and from when on it is to be replaced.
    void settle(LeaseNumber number, Monotonic ends, Monotonic refresh);
    void set_held(LeaseNumber number);
    void remove(LeaseNumber number) { leases_.erase(number); }
    // Those for which `which` says so, of any session: taken away.
    std::vector<Lease> take(std::function<bool(Lease const&)> const& which);
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
