// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Keys and detached signatures in the format of `minisign`, so that a stock tool verifies what we sign and we verify what it signs.
// Ed25519 over BLAKE2b-512 of the file ("ED"); the legacy form over the file itself is refused. docs/formats/manifest.md draws the bytes.
// Pure: files come in and go out as values.

#include <array>
#include <string>
#include <string_view>

#include "base/crypto/crypto.h"
#include "base/result.h"
#include "base/secret.h"

namespace ocu::manifest {

using KeyNumber = std::array<std::uint8_t, 8>;

struct VerifyKey {
    KeyNumber number{};
    crypto::PublicKey key{};
};

struct SigningKey {
    VerifyKey verify;
    Secret seed;
};

struct Minisig {
    KeyNumber number{};
    crypto::Signature signature{};
    std::string trusted_comment;
    crypto::Signature global{};  // over signature || trusted_comment
};

inline constexpr std::size_t kKeyFileBytesMax = 4096;
inline constexpr std::size_t kMinisigBytesMax = 16384;

// Errors: malformed.
Result<VerifyKey> parse_public_key(std::string_view file);
Result<Minisig> parse_minisig(std::string_view file);
// An encrypted key needs its passphrase; for an unencrypted one it is not looked at. Errors: malformed; denied (wrong passphrase);
// over_limit (the file asks for more work than minisign's own default).
Result<SigningKey> parse_secret_key(std::string_view file, Secret const* passphrase);

Result<SigningKey> make_key();
std::string write_public_key(VerifyKey const& key);
// Without a passphrase the key is stored bare: protect the file.
Result<Secret> write_secret_key(SigningKey const& key, Secret const* passphrase);

// The trusted comment is one printable line. Errors: malformed.
Result<std::string> sign(SigningKey const& key, std::string_view content, std::string_view trusted_comment);
// denied: another key, an altered file or an altered comment (T-15).
Result<void> verify(VerifyKey const& key, std::string_view content, Minisig const& signature);

}  // namespace ocu::manifest
