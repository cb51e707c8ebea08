// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Custody signs; keys stay where they are. Three arrows: control asks for session tokens, takes leases away and has them listed; audit asks
// for checkpoint signatures; the core has the TLS identity handed to a front that it starts. None can ask for another's.

#include <array>

#include "base/crypto/crypto.h"
#include "base/id.h"
#include "base/unique_fd.h"
#include "proto/control_to_all.h"
#include "proto/guest_variables.h"
#include "proto/note_kind.h"
#include "wire/mailbox.h"
#include "wire/text.h"

namespace ocu::proto {

// Life and form: docs/formats/session-token.md. Signed with the token key (Ed25519).
struct TokenWanted {
    RequestId request;
    SessionId session;
    wire::Text<64> container;  // the name that the token is bound to
    std::chrono::seconds life{};  // <= 60 min, else refused
};

struct TokenMinted {
    RequestId request;
    bool good = false;
    wire::Text<1024> token;
    wire::List<GuestVariable, kScopedRulesMax> scoped;  // what the session's guest presents, for each rule that injects
};

// For the operator who asks what is lent. Always answered.
struct LeasesWanted {
    RequestId request;
};

inline constexpr std::size_t kLeasesMax = 1024;

struct LeaseShown {
    SessionId session;
    wire::Text<64> credential;
    wire::Text<253> destination;
    std::chrono::seconds left{};  // rounded up
    wire::Text<120> source{};  // who was asked for it; empty: it was sealed in the manifest

    static void fields(auto& wire, auto& m) { wire(m.session, m.credential, m.destination, m.left, m.source); }
};

struct LeasesTold {
    RequestId request;
    wire::List<LeaseShown, kLeasesMax> leases;
};

// The body of a C2SP checkpoint, or of one with retention terms; the answer is the raw Ed25519 signature over it with the checkpoint key.
struct SignatureWanted {
    RequestId request;
    wire::Text<kNoteBodyBytesMax> note;
    NoteKind kind = NoteKind::checkpoint;
};

struct SignatureMade {
    RequestId request;
    bool good = false;
    std::array<std::uint8_t, 64> signature{};
};

// The process of a sink has the other end. Which credentials go over it is in custody's configuration. Without custody `end` is closed, and the process ends.
struct SinkChannel {
    std::uint32_t sink = 0;
    wire::Text<32> name;
    UniqueFd end;
};

// The process that writes to the cold tier reads its credential from the other end, and no thread does (T-12, T-43). Without one, `to` is closed, and it ends.
struct ColdCredentialWanted {
    UniqueFd to;
};

// Once custody is up: the public halves.
struct CustodyKeys {
    std::array<std::uint8_t, 32> checkpoint_public{};
    std::array<std::uint8_t, 32> token_public{};
};

// A front is being started and reads from the other end. Without an identity to give, `to` is closed, and the front does not start.
struct IdentityWanted {
    UniqueFd to;
    wire::Text<32> front;
};

// What the service shows, for the status that operators see.
struct ServiceCertificate {
    crypto::Digest fingerprint{};
};

// SessionSever: its channel and leases are gone, and it gets none any more (CU-2).
using ControlToCustody = wire::Mailbox<TokenWanted, SessionSever, LeasesWanted>;
using CustodyToControl = wire::Mailbox<TokenMinted, ServiceCertificate, LeasesTold>;
using CoreToCustody = wire::Mailbox<IdentityWanted>;
using AuditToCustody = wire::Mailbox<SignatureWanted, SinkChannel, ColdCredentialWanted>;
using CustodyToAudit = wire::Mailbox<SignatureMade, CustodyKeys>;

}  // namespace ocu::proto
