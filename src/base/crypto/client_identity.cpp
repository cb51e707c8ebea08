// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/crypto/client_identity.h"

#include <wolfssl/options.h>

#include <wolfssl/wolfcrypt/asn_public.h>

#include <algorithm>
#include <optional>

#include "base/crypto/wolf.h"

namespace ocu::crypto {

namespace {

constexpr std::string_view kLabel = "TLS 1.3, client CertificateVerify";
constexpr std::size_t kPadding = 64;
constexpr std::size_t kSha256Bytes = 32;
constexpr std::size_t kSha384Bytes = 48;
constexpr word32 kNumberBytes = 32;

struct Split {
    std::string chain;
    Secret key_pem;
};

std::string_view text_of(Secret const& secret) { return {reinterpret_cast<char const*>(secret.bytes().data()), secret.bytes().size()}; }

// The key's block goes from locked memory into locked memory; only what is around it becomes ordinary text (T-12).
std::optional<Split> split(Secret const& pem)
{
    constexpr std::string_view kMark = "PRIVATE KEY-----";
    constexpr std::string_view kBegin = "-----BEGIN ";
    auto const text = text_of(pem);
    auto const named = text.find(kMark);
    auto const begin = named == std::string_view::npos ? named : text.rfind(kBegin, named);
    if (begin == std::string_view::npos) return std::nullopt;
    auto const last = text.find(kMark, named + kMark.size());
    if (last == std::string_view::npos) return std::nullopt;
    auto const end = last + kMark.size();
    auto const block = text.substr(begin, end - begin);
    if (block.contains("ENCRYPTED") || block.contains("CERTIFICATE") || text.substr(end).contains(kMark)) return std::nullopt;
    auto key = Secret::copy_of(std::as_bytes(std::span(block)));
    if (!key) return std::nullopt;
    return Split{std::string(text.substr(0, begin)).append(text.substr(end)), *std::move(key)};
}

std::expected<Secret, IdentityFault> p256_number(Secret const& key_pem)
{
    auto der = Secret::make(key_pem.bytes().size());
    auto number = Secret::make(kNumberBytes);
    if (!der || !number) return std::unexpected(IdentityFault::key_unreadable);
    int const size = wc_KeyPemToDer(wolf(key_pem.bytes().data()), static_cast<int>(key_pem.bytes().size()), wolf(der->bytes().data()),
        static_cast<int>(der->bytes().size()), nullptr);
    if (size <= 0) return std::unexpected(IdentityFault::key_unreadable);
    EccKey key;
    word32 index = 0;
    if (!key.good() || wc_EccPrivateKeyDecode(wolf(der->bytes().data()), &index, key.get(), static_cast<word32>(size)) != 0 ||
        key.get()->dp == nullptr || key.get()->dp->id != ECC_SECP256R1)
        return std::unexpected(IdentityFault::not_p256);
    word32 length = kNumberBytes;
    if (wc_ecc_export_private_only(key.get(), wolf(number->bytes().data()), &length) != 0 || length != kNumberBytes)
        return std::unexpected(IdentityFault::not_p256);
    return *std::move(number);
}

}  // namespace

std::expected<ClientIdentity, IdentityFault> read_client_identity(Secret const& pem)
{
    auto parts = split(pem);
    if (!parts) return std::unexpected(IdentityFault::key_unreadable);
    // Judged first: that parse is the one that knows chains. A key of another kind is told from one that belongs to another certificate.
    if (auto const fault = judge_client_identity(parts->chain, parts->key_pem); fault != IdentityFault::none) return std::unexpected(fault);
    auto number = p256_number(parts->key_pem);
    if (!number) return std::unexpected(number.error());
    return ClientIdentity{std::move(parts->chain), *std::move(number)};
}

Result<std::vector<std::uint8_t>> sign_client_proof(ClientIdentity const& identity, std::span<std::byte const> handshake_hash)
{
    if (handshake_hash.size() != kSha256Bytes && handshake_hash.size() != kSha384Bytes)
        return fail(Fault::malformed, "not a hash of a TLS 1.3 handshake");
    std::vector<std::byte> content(kPadding, std::byte{0x20});
    for (char const c : kLabel) content.push_back(static_cast<std::byte>(c));
    content.push_back(std::byte{0});
    content.insert(content.end(), handshake_hash.begin(), handshake_hash.end());
    auto const digest = sha256(content);
    EccKey key;
    if (!key.good() || identity.key.bytes().size() != kNumberBytes ||
        wc_ecc_import_private_key_ex(wolf(identity.key.bytes().data()), kNumberBytes, nullptr, 0, key.get(), ECC_SECP256R1) != 0)
        return fail(Fault::malformed, "not a private number of P-256");
    Rng rng;
    std::vector<std::uint8_t> out(kProofBytesMax);
    auto size = static_cast<word32>(out.size());
    if (!rng.good() || wc_ecc_sign_hash(digest.data(), static_cast<word32>(digest.size()), out.data(), &size, rng.get(), key.get()) != 0)
        return fail(Fault::os, "sign a client's proof");
    out.resize(size);
    return out;
}

}  // namespace ocu::crypto
