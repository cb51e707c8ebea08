// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Sealing to a public key: HPKE of RFC 9180, base mode, one message for each seal, with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
// AES-256-GCM. Any other implementation of that RFC opens what this seals, and the other way round.
// Threading: safe from any thread. Errors: os where the library fails, denied where sealed bytes do not open, malformed for a bad key.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace ocu::crypto {

using X25519Public = std::array<std::uint8_t, 32>;

// 32 bytes, clamped (RFC 7748).
Result<Secret> make_x25519_seed();
Result<X25519Public> x25519_public(Secret const& seed);

inline constexpr std::size_t kHpkeOverheadBytes = 32 + 16;

// encapsulated key(32) || ciphertext || tag(16). `info` binds the use; `associated` travels in the clear.
Result<std::vector<std::uint8_t>> hpke_seal(X25519Public const& recipient, std::span<std::byte const> info,
    std::span<std::byte const> associated, std::span<std::byte const> plain);
Result<Secret> hpke_open(
    Secret const& seed, std::span<std::byte const> info, std::span<std::byte const> associated, std::span<std::uint8_t const> sealed);

}  // namespace ocu::crypto
