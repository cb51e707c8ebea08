// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// AEAD_AES_SIV_CMAC_256 (RFC 5297; number 15 in the registry of AEAD algorithms): what Network Time Security protects its packets with.
// Unlike seal(), it takes its nonce from the caller, and a nonce that comes twice reveals only that two messages are equal.
// Threading: any thread. Errors: os where the library fails, denied where the bytes were altered.

#include <cstddef>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace ocu::crypto {

inline constexpr std::size_t kSivKeyBytes = 32;
inline constexpr std::size_t kSivTagBytes = 16;
inline constexpr std::size_t kSivBytesMax = 64u << 10;

// What the tag vouches for besides the text. The nonce may be empty (RFC 5297's deterministic form); the associated data may not.
struct SivContext {
    std::span<std::byte const> associated;
    std::span<std::byte const> nonce;
};

// tag || ciphertext. `key` has kSivKeyBytes; `plain` at most kSivBytesMax and may be empty.
Result<std::vector<std::byte>> siv_seal(Secret const& key, SivContext context, std::span<std::byte const> plain);
Result<std::vector<std::byte>> siv_open(Secret const& key, SivContext context, std::span<std::byte const> sealed);

}  // namespace ocu::crypto
