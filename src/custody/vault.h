// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The file in which signing keys rest, sealed under the machine key: docs/formats/vault.md. Opened once, before the helper is confined.
// A vault that does not open is never replaced: new keys would quietly disown every checkpoint signed so far (T-09).

#include <span>
#include <vector>

#include "base/crypto/crypto.h"
#include "base/result.h"
#include "base/secret.h"

namespace ocu::custody {

struct Keys {
    Secret checkpoint_seed;
    crypto::PublicKey checkpoint_public{};
    Secret token_seed;
    crypto::PublicKey token_public{};
};

// New random seeds.
Result<Keys> make_keys();
Result<std::vector<std::uint8_t>> seal_vault(Secret const& machine_key, Keys const& keys);
// Errors: denied (altered, or another machine's), malformed (not a vault).
Result<Keys> open_vault(Secret const& machine_key, std::span<std::uint8_t const> bytes);

// Exactly 32 bytes from an open file. Errors: malformed, os.
Result<Secret> read_machine_key(int fd);
// The keys in the file; an empty file gets new ones, on disk before this returns. Errors: as open_vault, os.
Result<Keys> load_or_create(int vault_fd, Secret const& machine_key);

}  // namespace ocu::custody
