// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The helper that holds the keys, and its thread. It answers questions; one that it refuses gets good = false, not
// a broken link, so that a hostile audit-writer, which authors the notes, cannot take custody down (T-14).
// hand_identity hands the service's TLS identity to a front, over a descriptor that comes along, and has no answer. hand_store_credential does
// the same with the store's credential, for a process that works there.
// open_edge_channel gives it its end of a session's channel (proto/edge_helper_to_custody_helper.h); a new one closes the old one.
// sign_notice has the webhook's signature made, by the one key that the configuration names.
// grant_lease is answered with lease_held: from then on the lease can be redeemed. revoke_session ends channel and leases, unanswered.
// open_source_channel gives it its end of a channel to a process that asks a secret source for the lease's credential
// (proto/source_helper_to_custody_helper.h); answered once with source_held, unless revoke_lease or revoke_session came first. What was held so
// can be redeemed when grant_lease says `fetched`. revoke_lease takes one lease away, what was fetched for it, and the asking; unanswered.
// Descriptors of the configuration: [0] the directory of the vault; [1] where the machine key, 32 bytes, is read: a file, or a pipe from the `tpm` helper.

#include <array>

#include "base/crypto/certificate.h"
#include "base/id.h"
#include "base/sealed_face.h"
#include "base/unique_fd.h"
#include "proto/edge_to_notifier.h"
#include "proto/guest_variables.h"
#include "proto/sink_helper_to_custody_helper.h"
#include "proto/source_helper_to_custody_helper.h"
#include "proto/type.h"
#include "proto/note_kind.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

enum class ServeTls : std::uint8_t {
    no,
    own,  // with the machine's own key and a certificate for `names`
    given,  // with `certificate` and `sealed_key`
    kLast = given,
};

enum class CredentialKind : std::uint8_t {
    value,               // goes into a header, by way of the session's edge process
    client_certificate,  // PEM chain and key: the chain goes there, the key signs here
    kLast = client_certificate,
};

// As it stands in the manifest's credentials section.
struct SealedCredential {
    wire::Text<64> name;
    wire::Text<sealed::kTextBytesMax> sealed;
    CredentialKind kind{};

    static void fields(auto& wire, auto& m) { wire(m.name, m.sealed, m.kind); }
};

// A rule that puts `credential` into a request which carries the session's token; the guest finds the token in `environment`.
struct ScopedRule {
    wire::Text<64> rule;
    wire::Text<64> credential;
    wire::Text<64> environment;

    static void fields(auto& wire, auto& m) { wire(m.rule, m.credential, m.environment); }
};

inline constexpr std::size_t kCredentialsMax = 64;
inline constexpr std::size_t kAuthorityBytesMax = 4096;

struct CustodyConfig {
    static constexpr std::size_t kNamesMax = 72;

    ServeTls serve = ServeTls::no;
    wire::List<wire::Text<255>, kNamesMax> names;  // under which clients reach the service
    wire::Text<crypto::kChainBytesMax> certificate;
    wire::Text<sealed::kTextBytesMax> sealed_key;
    bool bumps = false;  // a rule bumps: leaves are signed, and guests trust the authority
    wire::List<SealedCredential, kCredentialsMax> credentials;
    wire::List<ScopedRule, kScopedRulesMax> scoped;
    wire::Text<64> notice_key;  // the credential that signs notices, and is lent to nobody; empty: none does
    wire::List<SinkKeys, kSinkPlacesMax> sinks;  // of each sink of the record, in order, then of each witness; their tokens are lent to nobody else
    wire::Text<64> store_credential;  // the one for the store of session files, and for nothing else; empty: files stay on this machine
    wire::Text<64> cold_credential;   // the one for the cold tier of the record, likewise
    std::uint32_t hot_days = 0;       // no retention checkpoint is signed that lets go what is younger, in the cold tier or not; 0: none that speaks of it

    static void fields(auto& wire, auto& m)
    {
        wire(m.serve, m.names, m.certificate, m.sealed_key, m.bumps, m.credentials, m.scoped, m.notice_key, m.sinks, m.store_credential, m.cold_credential,
            m.hot_days);
    }
};

// The ready report: the public halves, and what the service shows. With a fault there is no identity to hand out; signing goes on. With a
// credential's fault that one cannot be lent.
struct CustodyReport {
    std::array<std::uint8_t, 32> checkpoint_public{};
    std::array<std::uint8_t, 32> token_public{};
    std::array<std::uint8_t, 32> appliance_public{};
    crypto::IdentityFault fault{};
    wire::Text<crypto::kChainBytesMax> certificate;  // PEM chain; empty: nothing is served over TLS
    wire::Text<kAuthorityBytesMax> bump_ca;          // PEM; empty: nothing is bumped
    crypto::IdentityFault credential_fault{};        // of the first credential that does not open or is no client's identity
    std::uint32_t credential = 0;                    // which one that is, in the order of the configuration

    static void fields(auto& wire, auto& m)
    {
        wire(m.checkpoint_public, m.token_public, m.appliance_public, m.fault, m.certificate, m.bump_ca, m.credential_fault, m.credential);
    }
};

struct SignCheckpoint {
    static constexpr Type kType = Type::sign_checkpoint;
    RequestId request;
    wire::Text<kNoteBodyBytesMax> note;  // exactly the bytes that are signed
    NoteKind kind = NoteKind::checkpoint;

    static void fields(auto& wire, auto& m) { wire(m.request, m.note, m.kind); }
};

struct CheckpointSigned {
    static constexpr Type kType = Type::checkpoint_signed;
    RequestId request;
    bool good = false;
    std::array<std::uint8_t, 64> signature{};

    static void fields(auto& wire, auto& m) { wire(m.request, m.good, m.signature); }
};

struct MintToken {
    static constexpr Type kType = Type::mint_token;
    RequestId request;
    SessionId session;
    wire::Text<64> container;
    std::chrono::seconds life{};

    static void fields(auto& wire, auto& m) { wire(m.request, m.session, m.container, m.life); }
};

struct MintedToken {
    static constexpr Type kType = Type::token_minted;
    RequestId request;
    bool good = false;
    wire::Text<1024> token;
    wire::List<GuestVariable, kScopedRulesMax> scoped;  // the session's token for each rule that injects

    static void fields(auto& wire, auto& m) { wire(m.request, m.good, m.token, m.scoped); }
};

// One descriptor comes with it: a socket whose other end one front has, and nobody else. helper/identity.h has the bytes.
struct HandIdentity {
    static constexpr Type kType = Type::hand_identity;
    static void fields(auto& wire, auto&) { wire(); }
};

// One descriptor comes with it: a socket whose other end a broker or a sweeper has, or with `cold` who writes to the cold tier, and nobody else.
// helper/handed_secret.h has the bytes.
struct HandStoreCredential {
    static constexpr Type kType = Type::hand_store_credential;
    bool cold = false;

    static void fields(auto& wire, auto& m) { wire(m.cold); }
};

// One descriptor comes with it: a socket whose other end the process of that sink has, and nobody else.
struct OpenSinkChannel {
    static constexpr Type kType = Type::open_sink_channel;
    std::uint32_t sink = 0;

    static void fields(auto& wire, auto& m) { wire(m.sink); }
};

// With one descriptor.
struct OpenEdgeChannel {
    static constexpr Type kType = Type::open_edge_channel;
    SessionId session;

    static void fields(auto& wire, auto& m) { wire(m.session); }
};

struct GrantLease {
    static constexpr Type kType = Type::grant_lease;
    std::uint64_t lease = 0;
    SessionId session;
    wire::Text<64> rule;
    wire::Text<64> credential;
    wire::Text<253> destination;
    std::chrono::nanoseconds ends{};  // on the kernel's monotonic clock, which all of us share: no delay on the way prolongs it
    bool fetched = false;  // what was held for this lease, and nothing else, whatever is sealed under that name

    static void fields(auto& wire, auto& m) { wire(m.lease, m.session, m.rule, m.credential, m.destination, m.ends, m.fetched); }
};

struct LeaseHeld {
    static constexpr Type kType = Type::lease_held;
    std::uint64_t lease = 0;

    static void fields(auto& wire, auto& m) { wire(m.lease); }
};

struct RevokeSession {
    static constexpr Type kType = Type::revoke_session;
    SessionId session;

    static void fields(auto& wire, auto& m) { wire(m.session); }
};

// With one descriptor.
struct OpenSourceChannel {
    static constexpr Type kType = Type::open_source_channel;
    std::uint64_t lease = 0;
    SessionId session;
    wire::Text<64> client;  // the client_certificate that may be proved on it, once; empty: none

    static void fields(auto& wire, auto& m) { wire(m.lease, m.session, m.client); }
};

struct SourceHeld {
    static constexpr Type kType = Type::source_held;
    std::uint64_t lease = 0;
    SourceFailure failure{};
    std::uint16_t status = 0;
    std::chrono::seconds expires_in{};
    wire::Text<64> version;

    static void fields(auto& wire, auto& m) { wire(m.lease, m.failure, m.status, m.expires_in, m.version); }
};

struct RevokeLease {
    static constexpr Type kType = Type::revoke_lease;
    std::uint64_t lease = 0;

    static void fields(auto& wire, auto& m) { wire(m.lease); }
};

// HMAC-SHA-256 with the notice key over the time in decimal, a dot, and the body: put together in custody, so that the key signs nothing else.
struct SignNotice {
    static constexpr Type kType = Type::sign_notice;
    RequestId request;
    std::int64_t time_s = 0;
    wire::Text<kNoticeBytesMax> body;

    static void fields(auto& wire, auto& m) { wire(m.request, m.time_s, m.body); }
};

struct NoticeMac {
    static constexpr Type kType = Type::notice_mac;
    RequestId request;
    bool good = false;
    std::array<std::uint8_t, 32> mac{};

    static void fields(auto& wire, auto& m) { wire(m.request, m.good, m.mac); }
};

inline constexpr std::array kCustodyToHelper{
    wire::Permit{static_cast<std::uint16_t>(Type::hand_identity), 1, 0},
    wire::Permit{static_cast<std::uint16_t>(Type::sign_checkpoint), 0, 8 + 4 + kNoteBodyBytesMax + 1},
    wire::Permit{static_cast<std::uint16_t>(Type::mint_token), 0, 8 + 8 + 4 + 64 + 8},
    wire::Permit{static_cast<std::uint16_t>(Type::open_edge_channel), 1, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::grant_lease), 0, 8 + 8 + 4 + 64 + 4 + 64 + 4 + 253 + 8 + 1},
    wire::Permit{static_cast<std::uint16_t>(Type::revoke_session), 0, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::open_source_channel), 1, 8 + 8 + 4 + 64},
    wire::Permit{static_cast<std::uint16_t>(Type::revoke_lease), 0, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::sign_notice), 0, 8 + 8 + 4 + kNoticeBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::hand_store_credential), 1, 1},
    wire::Permit{static_cast<std::uint16_t>(Type::open_sink_channel), 1, 4},
};
inline constexpr std::array kHelperToCustody{
    wire::Permit{static_cast<std::uint16_t>(Type::checkpoint_signed), 0, 8 + 1 + 64},
    wire::Permit{static_cast<std::uint16_t>(Type::token_minted), 0, 8 + 1 + 4 + 1024 + kGuestVariablesBytesMax},
    wire::Permit{static_cast<std::uint16_t>(Type::lease_held), 0, 8},
    wire::Permit{static_cast<std::uint16_t>(Type::source_held), 0, 8 + 1 + 2 + 8 + 4 + 64},
    wire::Permit{static_cast<std::uint16_t>(Type::notice_mac), 0, 8 + 1 + 32},
};

}  // namespace ocu::proto
