// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The file in which keys rest, sealed under the machine key: docs/formats/vault.md. Read, and written where something is missing, before
// the helper is confined. A vault that does not open is never replaced: new keys would quietly disown every checkpoint signed so far
// (T-09). A vault that is changed is written beside the old one, synced and renamed over it: at any moment there is a whole one.

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/crypto/certificate.h"
#include "base/crypto/hpke.h"
#include "base/result.h"
#include "base/secret.h"

namespace ocu::custody {

inline constexpr char kVaultFile[] = "custody.vault";
inline constexpr unsigned kCertificateDays = 825;
inline constexpr unsigned kAuthorityDays = 3650;
inline constexpr std::size_t kAuthorityBytesMax = 4096;  // of its certificate in PEM
inline constexpr std::chrono::days kRenewBefore{30};

// The certificate that the service key signed for itself, and what it was made for.
struct OwnCertificate {
    std::string pem;  // empty: none yet
    std::chrono::sys_seconds not_after{};
    crypto::Digest names{};  // of the names that it carries
};

struct Keys {
    Secret checkpoint_seed;
    crypto::PublicKey checkpoint_public{};
    Secret token_seed;
    crypto::PublicKey token_public{};
    Secret appliance_seed;  // X25519: secrets of the manifest are sealed to it
    crypto::X25519Public appliance_public{};
    Secret service_key;     // P-256, the TLS key of the service
    OwnCertificate certificate;
    Secret scoped_key;      // HMAC-SHA-256: what a guest presents for an injection rule
    Secret authority_key;   // P-256: signs what a guest is shown in place of a server
    crypto::Certificate authority;  // of that key; pem empty: none yet
};

// New random keys, no certificates.
Result<Keys> make_keys();
Result<std::vector<std::uint8_t>> seal_vault(Secret const& machine_key, Keys const& keys);
// Of an older version, what it did not have is empty. Errors: denied (altered, or another machine's), malformed (not a vault).
Result<Keys> open_vault(Secret const& machine_key, std::span<std::uint8_t const> bytes);

// Adds what an older vault did not have. True if anything was added.
Result<bool> complete(Keys& keys);
// A certificate for `names`, if there is none that carries them and is valid for kRenewBefore longer. True if a new one was made: it is
// for the same key, so who pins the key need not know.
Result<bool> renew_certificate(Keys& keys, crypto::CertificateNames const& names, std::chrono::sys_seconds now);

// The same for the authority that sandboxes trust. Its name follows from its key.
Result<bool> renew_authority(Keys& keys, std::chrono::sys_seconds now);

// Exactly 32 bytes from an open file or a pipe whose other end is closed. Errors: malformed, os.
Result<Secret> read_machine_key(int fd);
// The keys in `directory`'s vault; nothing where there is none yet, or an empty one. Errors: as open_vault, os.
Result<std::optional<Keys>> load_vault(int directory, Secret const& machine_key);
// On disk when it returns; until then, and where it fails, the old vault stands. Errors: os.
Result<void> store_vault(int directory, Secret const& machine_key, Keys const& keys);

}  // namespace ocu::custody
