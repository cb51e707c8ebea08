// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The thread's half of lending: decides who gets a lease, has it on record before the helper hears of it, and takes it away (CU-2, invariant
// 7). No secret passes here. Threading: the loop's thread.

#include <deque>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "custody/lease_table.h"
#include "custody/source_gate.h"
#include "custody/sources.h"
#include "proto/any_to_audit.h"
#include "proto/custody_helper_to_custody.h"
#include "proto/edge_to_custody.h"
#include "wire/link.h"

namespace ocu::custody {

class Lending {
public:
    // All outlive this. `sources` tells fetched().
    Lending(Clock const& clock, proto::CustodyToEdge& edge, proto::Recorder& recorder, Sources& sources)
        : clock_(clock), edge_(edge), recorder_(recorder), sources_(sources)
    {}

    // `link` is lent until helper_down().
    void helper_up(wire::Link& link);
    // Whoever waits is told no; every lease is gone with the process that held it.
    void helper_down();

    void hear(proto::EdgeToCustody::Message message);
    // Its channel and leases are gone, and it gets none any more.
    void over(SessionId session);
    // False: no such question was open.
    bool held(proto::LeaseHeld const& answer);
    // What came of asking a source for that lease.
    void fetched(LeaseNumber number, Sources::Told const& told);
    wire::List<proto::LeaseShown, proto::kLeasesMax> list() const;

private:
    struct Waiting {
        std::vector<RequestId> requests;  // the edge's: those that the lease will serve
        bool told_helper = false;
        bool asking = false;  // a source
    };

    void open_channel(proto::EdgeChannel channel);
    void wanted(proto::LeaseWanted wanted);
    void record(LeaseNumber number, proto::Event granted);
    void recorded(LeaseNumber number, bool good);
    void answer(LeaseNumber number, proto::Reason reason);
    void refuse(proto::LeaseWanted const& wanted, proto::Reason reason, std::string_view why = {});
    void note_refusal(Lease const& lease, proto::Reason reason, std::string_view why);

    // Credentials that a source is asked for: lending_fetched.cpp.
    void wanted_fetched(proto::LeaseWanted const& wanted, Lease lease);
    proto::SourceFailure ask(Lease lease, std::vector<RequestId> requests);
    void give_up(Lease const& lease);
    void take_back(Lease const& failed, proto::SourceFailure why);
    proto::Event event(proto::What what, Lease const& lease, proto::Reason reason) const;

    Clock const& clock_;
    proto::CustodyToEdge& edge_;
    proto::Recorder& recorder_;
    wire::Link* link_ = nullptr;
    Sources& sources_;
    SourceGate gate_;
    LeaseTable table_;
    std::unordered_map<LeaseNumber, Waiting> waiting_;
    std::unordered_set<SessionId> over_;
    std::deque<SessionId> over_order_;
    std::deque<Monotonic> refusals_;  // recorded within the last minute
    std::int64_t refusals_unrecorded_ = 0;
};

}  // namespace ocu::custody
