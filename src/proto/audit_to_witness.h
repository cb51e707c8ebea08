// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The audit thread and `audit-witness`, a process for one head that is shown to one witness (C2SP tlog-witness, AU-9). It is given all that it needs, has one
// word to the thread, what came of it, and ends: what a witness answers is a stranger's, and lives no longer than that (T-40).
//
//      audit                 audit-witness
//      head_tile        ->                  a tile that the proof is made of, to read; as many as the two sizes say (audit/head_proof.h), in order
//      head_socket      ->                  that connection: begin
//                       <-  head_outcome    what came of it
//
// Configuration: WitnessConfig. Descriptors: the shared empty namespace, then [0] the roots, a file of PEM certificates, [1] the channel to custody, where
// a certificate is shown (proto/sink_helper_to_custody_helper.h).

#include <array>

#include "proto/audit_to_sink.h"
#include "proto/type.h"
#include "wire/link.h"
#include "wire/text.h"

namespace ocu::proto {

inline constexpr std::size_t kHeadNoteBytesMax = 2048;     // a head with the log's own signature
inline constexpr std::size_t kWitnessKeyBytesMax = 512;    // a verifier key, as text

struct WitnessConfig {
    wire::Text<32> name;
    wire::Text<253> host;        // whom the certificate must be for
    wire::Text<300> authority;   // Host
    wire::Text<1024> target;     // path, with add-checkpoint
    bool shows_certificate = false;
    wire::Text<kWitnessKeyBytesMax> key;
    std::uint64_t old_size = 0;  // that the proof begins at; 0: none, and no tile
    wire::Text<kHeadNoteBytesMax> note;

    static void fields(auto& wire, auto& m)
    {
        wire(m.name, m.host, m.authority, m.target, m.shows_certificate, m.key, m.old_size, m.note);
    }
};

// With one descriptor, which reads and cannot write.
struct HeadTile {
    static constexpr Type kType = Type::head_tile;
    static void fields(auto& wire, auto&) { wire(); }
};

// With one descriptor: connected to where the manifest says.
struct HeadSocket {
    static constexpr Type kType = Type::head_socket;
    static void fields(auto& wire, auto&) { wire(); }
};

enum class HeadAnswer : std::uint8_t {
    cosigned,      // 200, and a cosignature by that name and key id; whether it verifies is the thread's to find out
    not_cosigned,  // 200 without a line by that name
    other_key,     // 200 with lines by that name, and of another key
    other_size,    // 409: what the witness has seen last is a tree of `size`
    answered,      // another status
    no_proof,      // the tiles do not prove it: nothing was sent
    tls,           // `word` says why
    closed,
    grammar,
    too_large,
    timed_out,
    kLast = timed_out
};

constexpr std::string_view name_of(HeadAnswer answer)
{
    constexpr std::string_view kNames[] = {
        "cosigned", "not_cosigned", "wrong_key", "other_size", "answered", "no_proof", "tls", "closed", "grammar", "too_large", "timed_out"};
    return kNames[static_cast<std::size_t>(answer)];
}

struct HeadOutcome {
    static constexpr Type kType = Type::head_outcome;
    HeadAnswer answer{};
    wire::Text<32> word;
    std::uint16_t status = 0;   // of HTTP, where it came so far
    std::uint64_t size = 0;     // other_size
    std::uint64_t time_s = 0;   // cosigned: seconds since 1970, by the witness
    std::array<std::uint8_t, 64> signature{};

    static void fields(auto& wire, auto& m) { wire(m.answer, m.word, m.status, m.size, m.time_s, m.signature); }
};

inline constexpr std::array kAuditToWitness{
    wire::Permit{static_cast<std::uint16_t>(Type::head_tile), 1, 0},
    wire::Permit{static_cast<std::uint16_t>(Type::head_socket), 1, 0},
};
inline constexpr std::array kWitnessToAudit{
    wire::Permit{static_cast<std::uint16_t>(Type::head_outcome), 0, 160},
};

}  // namespace ocu::proto
