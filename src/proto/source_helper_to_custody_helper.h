// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The process that asks a secret source one question, and the process that keeps what comes of it. The channel between them is made for one
// lease; its ends are made by the core and passed on, and no byte of it passes the core.
//
//      secret-source                 custody
//                              <-     source_begin     at once: the chain of the certificate that is shown
//      source_proof_wanted     ->                      at most once, to an endpoint: sign this handshake
//                              <-     source_proof
//      source_answered         ->                      once; then custody closes the channel
//
// What does not fit ends the channel, and the question has failed (`lost`).
// Configuration: SourceConfig. Descriptors: the shared empty namespace, then [0] the connected stream, [1] the channel.

#include <array>
#include <chrono>

#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kSourceValueBytesMax = 4096;
inline constexpr std::size_t kSourceCaBytesMax = 16u << 10;
inline constexpr std::size_t kSourceChainBytesMax = 16u << 10;
inline constexpr std::chrono::seconds kSourceLifeMax{31'536'000};

// Everything that the question says, and whom it is put to.
struct SourceConfig {
    wire::Text<253> appliance;
    wire::Text<64> rule;
    wire::Text<64> credential;
    bool basic = false;
    wire::Text<253> host;
    std::uint16_t port = 0;
    wire::Text<32> session;
    wire::Text<272> authority;  // the Host field
    wire::Text<253> server_name;  // whose certificate it must show; empty: no TLS
    wire::Text<kSourceCaBytesMax> ca_pem;

    static void fields(auto& wire, auto& m)
    {
        wire(m.appliance, m.rule, m.credential, m.basic, m.host, m.port, m.session, m.authority, m.server_name, m.ca_pem);
    }
};

// Why there is no credential. The names are in docs/formats/secret-source.md.
enum class SourceFailure : std::uint8_t {
    none,
    unreachable,
    timed_out,
    untrusted,
    unasked,
    tls,
    status,
    not_found,
    gone,
    malformed,
    too_large,
    expired,
    over_limit,
    backing_off,
    lost,
    kLast = lost
};

constexpr std::string_view name_of(SourceFailure failure)
{
    constexpr std::string_view kNames[] = {"none", "unreachable", "timed_out", "untrusted", "unasked", "tls", "status", "not_found", "gone",
        "malformed", "too_large", "expired", "over_limit", "backing_off", "lost"};
    static_assert(std::size(kNames) == static_cast<std::size_t>(SourceFailure::kLast) + 1);
    return kNames[static_cast<std::size_t>(failure)];
}

struct SourceBegin {
    static constexpr Type kType = Type::source_begin;
    wire::Text<kSourceChainBytesMax> chain_pem;  // empty: none is shown

    static void fields(auto& wire, auto& m) { wire(m.chain_pem); }
};

struct SourceProofWanted {
    static constexpr Type kType = Type::source_proof_wanted;
    wire::Text<64> handshake_hash;

    static void fields(auto& wire, auto& m) { wire(m.handshake_hash); }
};

struct SourceProof {
    static constexpr Type kType = Type::source_proof;
    wire::Text<128> signature;  // empty: there is none

    static void fields(auto& wire, auto& m) { wire(m.signature); }
};

struct SourceAnswered {
    static constexpr Type kType = Type::source_answered;
    SourceFailure failure{};
    std::uint16_t status = 0;  // of HTTP, if it came so far
    std::chrono::seconds expires_in{};
    wire::Text<64> version;
    wire::Text<kSourceValueBytesMax> value;  // last: the bytes are not moved again once they are encoded. Wipe it

    static void fields(auto& wire, auto& m) { wire(m.failure, m.status, m.expires_in, m.version, m.value); }
};

inline constexpr std::array kSourceMaySendCustody{
    wire::Permit{static_cast<std::uint16_t>(Type::source_proof_wanted), 0, 128},
    wire::Permit{static_cast<std::uint16_t>(Type::source_answered), 0, kSourceValueBytesMax + 128},
};
inline constexpr std::array kCustodyMaySendSource{
    wire::Permit{static_cast<std::uint16_t>(Type::source_begin), 0, kSourceChainBytesMax + 16},
    wire::Permit{static_cast<std::uint16_t>(Type::source_proof), 0, 256},
};

}  // namespace ocu::proto
