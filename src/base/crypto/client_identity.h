// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An identity that is shown to an upstream as a TLS client (mutual TLS): a chain that everybody may see, and a P-256 key that signs one thing
// only, the proof of possession of TLS 1.3 (RFC 8446, 4.4.3). What is signed is built here from the handshake's hash alone:
//
//      0x20 x 64 | "TLS 1.3, client CertificateVerify" | 0x00 | hash of the handshake so far (32 or 48 bytes)
//
// so that whoever may ask for such a signature can use it as nothing else. Threading: safe from any thread.

#include <expected>

#include "base/crypto/certificate.h"

namespace ocu::crypto {

inline constexpr std::size_t kProofBytesMax = 80;  // ECDSA over P-256 in DER is 72 at most

struct ClientIdentity {
    std::string chain_pem;  // leaf first
    Secret key;  // P-256: the 32 bytes of its private number
};

// `pem`: a chain, leaf first, and one private key (PKCS#8 or SEC 1, not encrypted), in any order. Dates are not judged: they are the
// upstream's to judge, and an appliance must start with a certificate that has run out.
// Errors: certificate_unreadable, chain_order, weak_key, not_for_clients, key_unreadable, not_p256, key_mismatch.
std::expected<ClientIdentity, IdentityFault> read_client_identity(Secret const& pem);

// In DER. Errors: malformed (the hash is of no size that TLS 1.3 has, or the key is none), os.
Result<std::vector<std::uint8_t>> sign_client_proof(ClientIdentity const& identity, std::span<std::byte const> handshake_hash);

}  // namespace ocu::crypto
