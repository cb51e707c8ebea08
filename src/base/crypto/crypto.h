// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the product needs of wolfCrypt, as values. src/base/crypto is the only folder that includes wolfSSL.
// Threading: all free functions are safe from any thread. Errors: os where the library fails, malformed where input does not parse.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace ocu::crypto {

using Digest = std::array<std::uint8_t, 32>;  // SHA-256
using Signature = std::array<std::uint8_t, 64>;
using PublicKey = std::array<std::uint8_t, 32>;  // Ed25519

inline std::span<std::byte const> as_bytes(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

// Incremental SHA-256.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;
    Sha256& update(std::span<std::byte const> bytes);
    Sha256& update(std::string_view text) { return update(as_bytes(text)); }
    Digest finish();  // once

private:
    struct State;
    std::unique_ptr<State> state_;
};

Digest sha256(std::span<std::byte const> bytes);
inline Digest sha256(std::string_view text) { return sha256(as_bytes(text)); }
Digest hmac_sha256(Secret const& key, std::span<std::byte const> message);  // RFC 2104
// Only where a format of others has it as a checksum; never to protect anything.
std::array<std::uint8_t, 20> sha1(std::span<std::byte const> bytes);
std::array<std::uint8_t, 64> blake2b_512(std::span<std::byte const> bytes);  // minisign's prehash
std::array<std::uint8_t, 32> blake2b_256(std::span<std::byte const> bytes);  // minisign's key checksum

void random_bytes(std::span<std::byte> out);  // getrandom(2); a kernel that cannot is fatal
std::uint64_t random_u64();                   // never 0

std::string to_hex(std::span<std::uint8_t const> bytes);
Result<std::vector<std::uint8_t>> from_hex(std::string_view text);
std::string to_base64(std::span<std::uint8_t const> bytes);               // RFC 4648 section 4, padded, one line
Result<std::vector<std::uint8_t>> from_base64(std::string_view text);     // strict
std::string to_base64url(std::span<std::uint8_t const> bytes);            // section 5, no padding
Result<std::vector<std::uint8_t>> from_base64url(std::string_view text);

// Ed25519 (RFC 8032). The secret is the 32-byte seed.
Result<PublicKey> ed25519_public(Secret const& seed);
Result<Signature> ed25519_sign(Secret const& seed, PublicKey const& public_key, std::span<std::byte const> message);
bool ed25519_verify(PublicKey const& public_key, std::span<std::byte const> message, Signature const& signature);

// AES-256-GCM. seal() draws a random 96-bit nonce: nonce || ciphertext || tag(16).
Result<std::vector<std::uint8_t>> seal(Secret const& key, std::span<std::byte const> plain, std::span<std::byte const> associated);
Result<Secret> open(Secret const& key, std::span<std::uint8_t const> sealed, std::span<std::byte const> associated);  // denied if altered

// scrypt (RFC 7914), for passphrases. N = 2^cost_log2.
Result<Secret> scrypt(
    Secret const& passphrase, std::span<std::uint8_t const> salt, unsigned cost_log2, unsigned block, unsigned parallel, std::size_t size);

// SHA-256 of the first certificate's DER. More of certificates: base/crypto/certificate.h. Errors: malformed.
Result<Digest> certificate_fingerprint(std::string_view pem);

}  // namespace ocu::crypto
