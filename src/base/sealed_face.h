// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A secret as it travels in a manifest: sealed text, and the key file that it is sealed to. docs/formats/sealed.md has the bytes.
// parse() looks at the shape only; opening is for who holds the key. Pure but for the randomness of sealing.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto/hpke.h"
#include "base/result.h"
#include "base/secret.h"

namespace ocu::sealed {

inline constexpr std::size_t kPlainBytesMax = 8u << 10;
inline constexpr std::size_t kTextBytesMax = 12u << 10;
inline constexpr std::size_t kKeyTextBytesMax = 256;

enum class Kind { appliance, passphrase };
using KeyId = std::array<std::uint8_t, 8>;

struct Box {
    Kind kind{};
    KeyId recipient{};                // kind appliance: whose key opens it
    std::uint8_t cost_log2 = 0;       // kind passphrase: scrypt's N, r = 8, p = 1
    std::array<std::uint8_t, 16> salt{};
    std::vector<std::uint8_t> bytes;  // what is opened
};

// Errors: malformed, over_limit.
Result<Box> parse(std::string_view text);

// `appliance.pub`. Errors: malformed.
Result<crypto::X25519Public> parse_key(std::string_view text);
std::string write_key(crypto::X25519Public const& key);
KeyId id_of(crypto::X25519Public const& key);

// One line, without its end. Errors: over_limit (nothing, or more than kPlainBytesMax), malformed (a key that is none), os.
Result<std::string> seal_to_appliance(crypto::X25519Public const& recipient, std::span<std::byte const> plain);
Result<std::string> seal_to_passphrase(Secret const& passphrase, std::span<std::byte const> plain);

// Errors: conflict (sealed to another key, or to a passphrase), denied (altered, or a wrong passphrase), os.
Result<Secret> open_with_key(Box const& box, Secret const& seed);
Result<Secret> open_with_passphrase(Box const& box, Secret const& passphrase);

}  // namespace ocu::sealed
