// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Clients' certificates with their keys, as an operator would seal them, and how a server checks what was signed with one.

#include "support/tls_peers.h"

#include "base/crypto/client_identity.h"

namespace test_support {

struct ClientMaterial {
    std::string chain_pem;
    std::string key_pem;
    std::array<std::uint8_t, 65> public_key{};
    std::string whole() const { return chain_pem + key_pem; }
};

inline std::string certificate_pem(std::string const& der)
{
    std::string text(der.size() * 2 + 256, '\0');
    int const size = wc_DerToPem(reinterpret_cast<byte const*>(der.data()), static_cast<word32>(der.size()),
        reinterpret_cast<byte*>(text.data()), static_cast<word32>(text.size()), CERT_TYPE);
    OCU_ASSERT(size > 0);
    text.resize(static_cast<std::size_t>(size));
    return text;
}

inline ClientMaterial make_client(TestAuthority& authority, LeafWish wish = {.name = "agent.example.com", .for_clients = true})
{
    ClientMaterial out;
    auto const key = *crypto::make_p256_key();
    auto const pem = *crypto::p256_key_pem(key);
    out.key_pem.assign(reinterpret_cast<char const*>(pem.bytes().data()), pem.bytes().size());
    out.public_key = *crypto::p256_public(key);
    out.chain_pem = certificate_pem(authority.leaf(wish, out.public_key));
    return out;
}

// Whether `signature` is a TLS 1.3 server's proof of that client over that hash, built here by itself.
inline bool proves(std::span<std::uint8_t const> public_key, std::string const& handshake_hash, std::span<std::uint8_t const> signature,
    std::string const& label = "TLS 1.3, client CertificateVerify")
{
    auto const digest = crypto::sha256(crypto::as_bytes(std::string(64, ' ') + label + std::string(1, '\0') + handshake_hash));
    crypto::EccKey key;
    int good = 0;
    return wc_ecc_import_x963_ex(public_key.data(), static_cast<word32>(public_key.size()), key.get(), ECC_SECP256R1) == 0 &&
           wc_ecc_verify_hash(signature.data(), static_cast<word32>(signature.size()), digest.data(), static_cast<word32>(digest.size()),
               &good, key.get()) == 0 &&
           good == 1;
}

}  // namespace test_support
