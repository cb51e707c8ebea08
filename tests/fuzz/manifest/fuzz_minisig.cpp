// SPDX-License-Identifier: GPL-3.0-or-later
// Faces: a signature file, a public key file, a secret key file (unencrypted, so that no scrypt is paid for).

#include "appliance/manifest/minisign.h"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace ocu::manifest;
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    if (auto const signature = parse_minisig(text)) {
        // Nobody has the key to zero: nothing verifies.
        if (verify(VerifyKey{}, "content", *signature)) __builtin_trap();
    }
    if (auto const key = parse_public_key(text)) {
        auto const again = parse_public_key(write_public_key(*key));
        if (!again || again->key != key->key || again->number != key->number) __builtin_trap();
    }
    if (auto const key = parse_secret_key(text, nullptr)) {
        if (!sign(*key, "content", "comment")) __builtin_trap();
    }
    return 0;
}
