// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The process of one sink, and the process that keeps what the sink needs to be believed. The ends of the channel between them are made by the core and passed
// on, and no byte of it passes the core.
//
//      audit-sink                    custody
//                              <-     sink_begin          at once: the chain of the certificate that is shown, what stands in Authorization
//      sink_proof_wanted       ->                         sign this handshake; one at a time, at most kSinkProofsPerMinuteMax
//                              <-     sink_proof
//
// What does not fit ends the channel, and the process with it. The client's key stays in custody; the token goes over, since it stands in each request (T-36).

#include <array>

#include "proto/audit_to_sink.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kSinkChainBytesMax = 16u << 10;
inline constexpr std::size_t kSinkTokenBytesMax = 1024;
inline constexpr std::size_t kSinkProofsPerMinuteMax = 300;

// Which credentials one sink has, in custody's configuration. Empty: none.
struct SinkKeys {
    wire::Text<64> client;  // a client_certificate
    wire::Text<64> token;

    static void fields(auto& wire, auto& m) { wire(m.client, m.token); }
};

struct SinkBegin {
    static constexpr Type kType = Type::sink_begin;
    wire::Text<kSinkChainBytesMax> chain_pem;  // empty: none is shown
    wire::Text<kSinkTokenBytesMax> token;      // empty: there is none. Wipe it

    static void fields(auto& wire, auto& m) { wire(m.chain_pem, m.token); }
};

struct SinkProofWanted {
    static constexpr Type kType = Type::sink_proof_wanted;
    wire::Text<64> handshake_hash;

    static void fields(auto& wire, auto& m) { wire(m.handshake_hash); }
};

struct SinkProof {
    static constexpr Type kType = Type::sink_proof;
    wire::Text<128> signature;  // empty: there is none

    static void fields(auto& wire, auto& m) { wire(m.signature); }
};

inline constexpr std::array kSinkMaySendCustody{
    wire::Permit{static_cast<std::uint16_t>(Type::sink_proof_wanted), 0, 128},
};
inline constexpr std::array kCustodyMaySendSink{
    wire::Permit{static_cast<std::uint16_t>(Type::sink_begin), 0, kSinkChainBytesMax + kSinkTokenBytesMax + 16},
    wire::Permit{static_cast<std::uint16_t>(Type::sink_proof), 0, 256},
};

}  // namespace ocu::proto
