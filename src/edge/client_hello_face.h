// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A TLS ClientHello as a guest sends it (EG-5): whole, however many records and segments it came in, and no larger than 64 KiB, which is
// far above what post-quantum key shares need. Strict where leniency would let two readers see two names: every length must be used up,
// no extension may be there twice, a server name is one host name or the hello is malformed. Pure; the bytes stay the caller's.
//
//      record      22 | 3, minor | length (2)                                      any number of them, none empty
//      handshake   1 | length (3)                                                  one message over them
//      hello       3,3 | random (32) | session id <1> | suites <2> | compressions <1> | extensions <2>     <n>: after a length of n bytes

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ocu::edge {

inline constexpr std::size_t kHelloBytesMax = 64u << 10;

enum class HelloState : std::uint8_t {
    need_more,  // all that is there is right so far, and there is room for more
    malformed,  // begins as TLS does, or as its forerunner did, and is not a hello that is understood
    not_tls,
    whole,
};

struct ClientHello {
    HelloState state = HelloState::need_more;
    std::string server_name;               // lower case; empty: none
    std::vector<std::string> protocols;    // ALPN, as sent but printable: what is not becomes '?'
    bool encrypted = false;                // has an ECH extension, real or as grease: the two cannot be told apart
    std::vector<std::uint16_t> versions;   // supported_versions without grease; the hello's own version where that is missing
    std::size_t bytes = 0;                 // of the records that it took
};

// What the first bytes of a connection are. Never reads beyond the hello; what follows it stays for others.
ClientHello read_client_hello(std::span<std::uint8_t const> received);

}  // namespace ocu::edge
