// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The certificates of this machine's own service: made for a key that stays, or given by the operator and judged before they are used;
// and the authority that signs what a sandbox is shown in place of a server (bump).
// Threading: safe from any thread. Times are wall-clock times, given by the caller.

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto/crypto.h"

namespace ocu::crypto {

inline constexpr std::size_t kChainCertificatesMax = 8;
inline constexpr std::size_t kChainBytesMax = 16u << 10;       // of a chain in PEM
inline constexpr std::size_t kPrivateKeyBytesMax = 8u << 10;   // of a key in PEM

// A new P-256 key: the 32 bytes of its private number.
Result<Secret> make_p256_key();
// SEC 1, in PEM. Errors: malformed (not a private number of P-256).
Result<Secret> p256_key_pem(Secret const& key);

struct CertificateNames {
    std::string common_name;             // 1 to 63 bytes
    std::vector<std::string> hosts;      // DNS names, each <= 253 bytes
    std::vector<std::string> addresses;  // numeric
};
struct Certificate {
    std::string pem;
    std::chrono::sys_seconds not_after{};
};
// A certificate that the key signs for itself, valid from an hour before `now`. Errors: malformed, over_limit, os.
Result<Certificate> issue_self_signed(Secret const& key, CertificateNames const& names, std::chrono::sys_seconds now, unsigned days);

using P256Point = std::array<std::uint8_t, 65>;  // uncompressed (SEC 1)
// The public half of a key that make_p256_key() made. Errors: malformed.
Result<P256Point> p256_public(Secret const& key);

// The certificate of an authority that may sign for servers and for no other authority, signed by itself. Errors: malformed, os.
Result<Certificate> issue_authority(Secret const& key, std::string_view common_name, std::chrono::sys_seconds now, unsigned days);
struct Authority {
    Secret key;
    std::vector<std::uint8_t> certificate_der;  // what issue_authority() made for `key`
};
// A server's certificate in DER, for a key of which only the public half is here, valid from an hour before `now`; its serial number is
// random. Errors: malformed (no name, a point that is none), over_limit, os.
Result<std::vector<std::uint8_t>> issue_leaf(
    Authority const& authority, P256Point const& public_key, CertificateNames const& names, std::chrono::sys_seconds now, unsigned days);

// The first certificate of a PEM text. Errors: malformed.
Result<std::vector<std::uint8_t>> certificate_der(std::string_view pem);

// "AB:CD:…", as people compare it.
std::string fingerprint_text(Digest const& digest);
// "sha256//BASE64" over the first certificate's public key (SubjectPublicKeyInfo): what RFC 7469 and common clients call a pin. It stays
// the same when a certificate is renewed for the same key.
Result<std::string> certificate_key_pin(std::string_view pem);

// Why an identity that was given cannot be served.
enum class IdentityFault : std::uint8_t {
    none,
    certificate_unreadable,  // no PEM certificate, too many, or one that does not parse
    chain_order,             // not each signed by the next
    weak_key,                // RSA below 2048 bits, a curve other than P-256 and P-384, a SHA-1 or MD5 signature
    not_yet_valid,
    expired,
    not_for_servers,  // its extended key usage leaves serverAuth out
    sealed_unreadable,
    sealed_to_passphrase,  // nobody can be asked for it yet
    sealed_to_another,     // for the key of another appliance
    sealed_altered,
    key_unreadable,
    key_mismatch,  // not the certificate's key
    not_for_clients,  // its extended key usage leaves clientAuth out
    not_p256,         // a client's key of another kind
    signing_key_short,  // no certificate at all: a key that signs notices, below 16 bytes
    store_credential_malformed,  // no certificate either: what opens a store, and is not ACCESS_KEY_ID:SECRET_ACCESS_KEY
    sink_token_malformed,  // nor is it what may stand in a request: not empty, at most 1024 printable letters
    kLast = sink_token_malformed,
};
struct FaultText {
    std::string_view key;  // below mcp.tls: "certificate" or "key"
    std::string_view reason;
};
FaultText text_of(IdentityFault fault);

// Whether a certificate's key or signature is too weak to lean on (as weak_key above), or it does not parse.
bool is_weak_certificate(std::span<std::byte const> der);

// `chain_pem`: leaf first. `key_pem`: PKCS#8, SEC 1 or PKCS#1, not encrypted. The leaf's key must be `key_pem`'s.
IdentityFault judge_identity(std::string_view chain_pem, Secret const& key_pem, std::chrono::sys_seconds now);
// The same for one that is shown to servers, whatever its dates.
IdentityFault judge_client_identity(std::string_view chain_pem, Secret const& key_pem);

}  // namespace ocu::crypto
