// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A key that only one TPM gives back (docs/formats/vault.md, docs/decisions/0013-vault-key-in-the-tpm.md). What rests on disk is the TPM's
// own wrapping of it, under the storage key that every TPM derives from its own seed by the TCG's P-256 template, and the name of that
// storage key: the session that carries the secret is salted to the storage key of that name and no other, so neither a listener on the
// TPM's bus nor one that answers in its place learns it (T-12).
//
// Threading: one thread; a call makes the storage key and a session, and takes both out of the TPM again, whatever happens.

#include <expected>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "proto/core_to_tpm.h"
#include "tpm/channel.h"

namespace ocu::tpm {

struct Refused {
    proto::TpmTrouble why{};
    std::uint32_t code = 0;  // the TPM's or the library's
};

// kKeyBytes, and no longer than proto::kSealedKeyBytesMax as text.
std::expected<std::string, Refused> seal_key(Channel& channel, Secret const& key);
std::expected<Secret, Refused> open_key(Channel& channel, std::string_view sealed);

}  // namespace ocu::tpm
