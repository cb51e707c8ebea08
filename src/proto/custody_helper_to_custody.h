// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The helper that holds the keys, and its thread. It answers two questions; a question that it refuses gets good = false, not
// a broken link, so that a hostile audit-writer, which authors the notes, cannot take custody down (T-14).
// A third word hands the service's TLS identity to a front, over a descriptor that comes along, and has no answer.
// Descriptors of the configuration: [0] the directory of the vault; [1] the machine key file, read-only, 32 bytes.

#include <array>

#include "base/crypto/certificate.h"
#include "base/id.h"
#include "base/sealed_face.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

enum class ServeTls : std::uint8_t {
    no,
    own,    // with the machine's own key and a certificate for `names`
    given,  // with `certificate` and `sealed_key`
    kLast = given,
};

struct CustodyConfig {
    static constexpr std::size_t kNamesMax = 72;

    ServeTls serve = ServeTls::no;
    wire::List<wire::Text<255>, kNamesMax> names;  // under which clients reach the service
    wire::Text<crypto::kChainBytesMax> certificate;
    wire::Text<sealed::kTextBytesMax> sealed_key;

    static void fields(auto& wire, auto& m) { wire(m.serve, m.names, m.certificate, m.sealed_key); }
};

// The ready report: the public halves, and what the service shows. With a fault there is no identity to hand out; signing goes on.
struct CustodyReport {
    std::array<std::uint8_t, 32> checkpoint_public{};
    std::array<std::uint8_t, 32> token_public{};
    std::array<std::uint8_t, 32> appliance_public{};
    crypto::IdentityFault fault{};
    wire::Text<crypto::kChainBytesMax> certificate;  // PEM chain; empty: nothing is served over TLS

    static void fields(auto& wire, auto& m) { wire(m.checkpoint_public, m.token_public, m.appliance_public, m.fault, m.certificate); }
};

struct SignCheckpoint {
    static constexpr Type kType = Type::sign_checkpoint;
    RequestId request;
    wire::Text<1024> note;  // the body of a C2SP checkpoint, exactly the bytes that are signed

    static void fields(auto& wire, auto& m) { wire(m.request, m.note); }
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

    static void fields(auto& wire, auto& m) { wire(m.request, m.good, m.token); }
};

// One descriptor comes with it: a socket whose other end one front has, and nobody else. helper/identity.h has the bytes.
struct HandIdentity {
    static constexpr Type kType = Type::hand_identity;
    static void fields(auto& wire, auto&) { wire(); }
};

inline constexpr std::array kCustodyToHelper{
    wire::Permit{static_cast<std::uint16_t>(Type::hand_identity), 1, 0},
    wire::Permit{static_cast<std::uint16_t>(Type::sign_checkpoint), 0, 8 + 4 + 1024},
    wire::Permit{static_cast<std::uint16_t>(Type::mint_token), 0, 8 + 8 + 4 + 64 + 8},
};
inline constexpr std::array kHelperToCustody{
    wire::Permit{static_cast<std::uint16_t>(Type::checkpoint_signed), 0, 8 + 1 + 64},
    wire::Permit{static_cast<std::uint16_t>(Type::token_minted), 0, 8 + 1 + 4 + 1024},
};

}  // namespace ocu::proto
