// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What two ends need to speak in private over a wire that somebody may listen to, as the TPM's specification has it: an ephemeral P-256
// agreement, and AES in cipher feedback over what goes either way (there, an HMAC is over the ciphertext). For nothing else.

#include <span>

#include "base/crypto/certificate.h"
#include "base/crypto/crypto.h"

namespace ocu::crypto {

struct Agreed {
    P256Point ephemeral{};  // for the other end
    Secret shared;          // 32 bytes: the x coordinate of the common point
};

// With a key made for this call. Errors: malformed (`with` is not on the curve), os.
Result<Agreed> agree_p256(P256Point const& with);

enum class Direction { encrypt, decrypt };
// In place, whole stream at once. The key is of 16, 24 or 32 bytes, the vector of 16. Errors: malformed (another size), os.
Result<void> aes_cfb(
    Direction direction, std::span<std::uint8_t const> key, std::span<std::uint8_t const> vector, std::span<std::uint8_t> bytes);

}  // namespace ocu::crypto
