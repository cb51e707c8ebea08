// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The face at which a session's edge process, and through it a guest that has taken it over, speaks to the process that holds the keys:
// three questions, for the one session that the channel was opened for (proto/edge_helper_to_custody_helper.h; T-12, T-23).
// Pure but for the clock.

#include <deque>

#include "custody/credentials.h"
#include "custody/fetched_secrets.h"
#include "custody/lease_table.h"
#include "custody/leaves.h"
#include "proto/edge_helper_to_custody_helper.h"

namespace ocu::custody {

// What every channel draws on; outlives them.
struct Shelf {
    Secret const& scoped_key;
    crypto::Authority const& authority;  // without a certificate: nothing is bumped, no leaf is signed
    Credentials const& credentials;
    LeaseTable const& leases;
    FetchedSecrets const& fetched;
    Clock const& clock;
};

class EdgeFace {
public:
    EdgeFace(SessionId session, Shelf const& shelf) : session_(session), shelf_(shelf), leaves_(shelf.authority, shelf.clock) {}

    struct Answer {
        proto::Type type;
        wire::Bytes body;  // may hold a credential: wipe it
    };
    // Errors: malformed; the channel is then of no use.
    Result<Answer> answer(std::uint16_t type, std::span<std::byte const> body);

private:
    wire::Bytes leaf(proto::LeafWanted const& wanted);
    wire::Bytes redeem(proto::Redeem const& wanted);
    wire::Bytes proof(proto::ClientProofWanted const& wanted);
    // The session's own, alive, and asked for with its token; or why not.
    std::expected<Lease const*, proto::Reason> lease_for(std::uint64_t number, std::string_view token) const;
    // What may leave custody of a lease's credential: its value, or the chain of a client's certificate. Of one that a source is asked for,
    // what it answered for this lease, and nothing in its place.
    std::expected<std::span<std::byte const>, proto::Reason> shown(Lease const& lease) const;
    std::expected<std::string, proto::Reason> prove(proto::ClientProofWanted const& wanted);

    SessionId session_;
    Shelf const& shelf_;
    Leaves leaves_;
    std::deque<Monotonic> proofs_;  // within the last minute
};

}  // namespace ocu::custody
