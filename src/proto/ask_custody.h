// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Custody signs; keys stay where they are. Three arrows: control asks for session tokens, audit for checkpoint signatures, and the core
// has the TLS identity handed to a front that it starts. None can ask for another's.

#include <array>

#include "base/crypto/crypto.h"
#include "base/id.h"
#include "base/unique_fd.h"
#include "wire/mailbox.h"
#include "wire/text.h"

namespace ocu::proto {

// Life and form: docs/formats/session-token.md. Signed with the token key (Ed25519).
struct TokenWanted {
    RequestId request;
    SessionId session;
    wire::Text<64> container;      // the name that the token is bound to
    std::chrono::seconds life{};   // <= 60 min, else refused
};

struct TokenMinted {
    RequestId request;
    bool good = false;
    wire::Text<1024> token;
};

// The text of a C2SP checkpoint note body; the answer is the raw Ed25519 signature over it with the checkpoint key.
struct SignatureWanted {
    RequestId request;
    wire::Text<1024> note;
};

struct SignatureMade {
    RequestId request;
    bool good = false;
    std::array<std::uint8_t, 64> signature{};
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

using ControlToCustody = wire::Mailbox<TokenWanted>;
using CustodyToControl = wire::Mailbox<TokenMinted, ServiceCertificate>;
using CoreToCustody = wire::Mailbox<IdentityWanted>;
using AuditToCustody = wire::Mailbox<SignatureWanted>;
using CustodyToAudit = wire::Mailbox<SignatureMade, CustodyKeys>;

}  // namespace ocu::proto
