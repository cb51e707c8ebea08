// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The one way between a session's edge process and the process that holds the keys: a socket pair whose ends the core made and passed on.
// Custody answers for the session that the channel was opened for. What it answers was allowed beforehand, by proto/edge_to_custody.h.
// A message that does not decode ends the channel, and with it the session's egress, not custody.

#include <array>

#include "base/id.h"
#include "base/secret.h"
#include "proto/reason.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

// A certificate for a host that the session has an open bump route to. The key is the asker's; only its public half is here.
struct LeafWanted {
    static constexpr Type kType = Type::leaf_wanted;
    RequestId request;
    wire::Text<253> host;                      // DNS name or numeric address
    std::array<std::uint8_t, 65> public_key{};  // P-256, uncompressed (SEC 1)

    static void fields(auto& wire, auto& m) { wire(m.request, m.host, m.public_key); }
};

struct LeafMade {
    static constexpr Type kType = Type::leaf_made;
    RequestId request;
    bool good = false;
    wire::Text<4096> certificate;  // DER, the leaf alone

    static void fields(auto& wire, auto& m) { wire(m.request, m.good, m.certificate); }
};

inline constexpr std::size_t kScopedTokenBytesMax = 128;
inline constexpr std::size_t kCredentialBytesMax = 8u << 10;

// `token` is what the guest's request carried: the session's own for this rule, or there is no credential.
struct Redeem {
    static constexpr Type kType = Type::redeem;
    RequestId request;
    std::uint64_t lease = 0;
    wire::Text<kScopedTokenBytesMax> token;

    static void fields(auto& wire, auto& m) { wire(m.request, m.lease, m.token); }
};

struct Redeemed {
    static constexpr Type kType = Type::redeemed;
    RequestId request;
    Reason reason = Reason::none;  // else scoped_token_missing, credential_unavailable, session_denied
    wire::Text<kCredentialBytesMax> credential;  // wipe it as soon as the request is written

    static void fields(auto& wire, auto& m) { wire(m.request, m.reason, m.credential); }
};

// For a lease of a client certificate, whose Redeemed holds the PEM chain: the proof of possession of one TLS 1.3 handshake with
// `destination`, which must be the lease's. Custody builds what is signed from the hash (base/crypto/client_identity.h).
struct ClientProofWanted {
    static constexpr Type kType = Type::client_proof_wanted;
    RequestId request;
    std::uint64_t lease = 0;
    wire::Text<kScopedTokenBytesMax> token;
    wire::Text<253> destination;
    wire::Text<64> handshake_hash;  // 32 or 48 bytes

    static void fields(auto& wire, auto& m) { wire(m.request, m.lease, m.token, m.destination, m.handshake_hash); }
};

struct ClientProof {
    static constexpr Type kType = Type::client_proof;
    RequestId request;
    Reason reason = Reason::none;  // as Redeemed; session_denied also for another destination
    wire::Text<128> signature;     // ECDSA with SHA-256, DER

    static void fields(auto& wire, auto& m) { wire(m.request, m.reason, m.signature); }
};

inline constexpr std::array kEdgeMaySendCustody{
    wire::Permit{static_cast<std::uint16_t>(Type::leaf_wanted), 0, 512},
    wire::Permit{static_cast<std::uint16_t>(Type::redeem), 0, 256},
    wire::Permit{static_cast<std::uint16_t>(Type::client_proof_wanted), 0, 1024},
};
inline constexpr std::array kCustodyMaySendEdge{
    wire::Permit{static_cast<std::uint16_t>(Type::leaf_made), 0, 4096 + 64},
    wire::Permit{static_cast<std::uint16_t>(Type::redeemed), 0, kCredentialBytesMax + 64},
    wire::Permit{static_cast<std::uint16_t>(Type::client_proof), 0, 256},
};

}  // namespace ocu::proto
