// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/assert.h"
#include "base/crypto/crypto.h"
#include "base/crypto/wolf.h"

namespace ocu::crypto {

namespace {

// The library takes a null pointer for a mistake even where the length is zero.
byte const* not_null(std::span<std::byte const> message)
{
    static constexpr byte kNothing = 0;
    return message.empty() ? &kNothing : wolf(message.data());
}

}  // namespace

Result<PublicKey> ed25519_public(Secret const& seed)
{
    OCU_ASSERT(seed.bytes().size() == ED25519_KEY_SIZE);
    Ed25519Key key;
    PublicKey public_key{};
    if (!key.good() || wc_ed25519_import_private_only(wolf(seed.bytes().data()), ED25519_KEY_SIZE, key.get()) != 0 ||
        wc_ed25519_make_public(key.get(), public_key.data(), static_cast<word32>(public_key.size())) != 0)
        return fail(Fault::os, "make an Ed25519 public key");
    return public_key;
}

Result<Signature> ed25519_sign(Secret const& seed, PublicKey const& public_key, std::span<std::byte const> message)
{
    OCU_ASSERT(seed.bytes().size() == ED25519_KEY_SIZE && message.size() <= (1u << 30));
    Ed25519Key key;
    Signature signature{};
    auto size = static_cast<word32>(signature.size());
    if (!key.good() ||
        wc_ed25519_import_private_key(
            wolf(seed.bytes().data()), ED25519_KEY_SIZE, public_key.data(), static_cast<word32>(public_key.size()), key.get()) != 0 ||
        wc_ed25519_sign_msg(not_null(message), static_cast<word32>(message.size()), signature.data(), &size, key.get()) != 0 ||
        size != signature.size())
        return fail(Fault::os, "sign with Ed25519");
    return signature;
}

bool ed25519_verify(PublicKey const& public_key, std::span<std::byte const> message, Signature const& signature)
{
    if (message.size() > (1u << 30)) return false;
    Ed25519Key key;
    int good = 0;
    return key.good() && wc_ed25519_import_public(public_key.data(), static_cast<word32>(public_key.size()), key.get()) == 0 &&
           wc_ed25519_verify_msg(signature.data(), static_cast<word32>(signature.size()), not_null(message),
               static_cast<word32>(message.size()), &good, key.get()) == 0 &&
           good == 1;
}

}  // namespace ocu::crypto
