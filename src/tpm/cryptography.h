// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The library comes without cryptography of its own; what its sessions need is ours: SHA-256, HMAC, P-256, AES in cipher feedback.

#include <tss2/tss2_esys.h>

namespace ocu::tpm {

// For Esys_SetCryptoCallbacks. What a session of ours never uses is refused.
ESYS_CRYPTO_CALLBACKS cryptography();

}  // namespace ocu::tpm
