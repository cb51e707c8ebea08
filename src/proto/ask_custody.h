// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Custody signs; keys stay where they are. Two arrows: control asks for session tokens, audit for checkpoint signatures, and neither
// can ask for the other's.

#include <array>

#include "base/id.h"
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

using ControlToCustody = wire::Mailbox<TokenWanted>;
using CustodyToControl = wire::Mailbox<TokenMinted>;
using AuditToCustody = wire::Mailbox<SignatureWanted>;
using CustodyToAudit = wire::Mailbox<SignatureMade, CustodyKeys>;

}  // namespace ocu::proto
