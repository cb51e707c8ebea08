// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/assert.h"
#include "base/crypto/crypto.h"
#include "base/crypto/wolf.h"

namespace ocu::crypto {

namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kBytesMax = 1u << 30;  // the library's lengths are 32 bits

bool set_key(AesKey& aes, Secret const& key)
{
    OCU_ASSERT(key.bytes().size() == kKeyBytes);
    return aes.good() && wc_AesGcmSetKey(aes.get(), wolf(key.bytes().data()), static_cast<word32>(kKeyBytes)) == 0;
}

}  // namespace

Result<std::vector<std::uint8_t>> seal(Secret const& key, std::span<std::byte const> plain, std::span<std::byte const> associated)
{
    OCU_ASSERT(plain.size() <= kBytesMax && associated.size() <= kBytesMax);
    std::vector<std::uint8_t> out(kNonceBytes + plain.size() + kTagBytes);
    std::span<std::uint8_t> const all(out);
    random_bytes(std::as_writable_bytes(all.first(kNonceBytes)));
    AesKey aes;
    if (!set_key(aes, key) ||
        wc_AesGcmEncrypt(aes.get(), out.data() + kNonceBytes, wolf(plain.data()), static_cast<word32>(plain.size()), out.data(),
            kNonceBytes, all.last(kTagBytes).data(), kTagBytes, wolf(associated.data()), static_cast<word32>(associated.size())) != 0)
        return fail(Fault::os, "seal with AES-GCM");
    return out;
}

Result<Secret> open(Secret const& key, std::span<std::uint8_t const> sealed, std::span<std::byte const> associated)
{
    if (sealed.size() < kNonceBytes + kTagBytes || sealed.size() > kBytesMax) return fail(Fault::denied, "sealed bytes do not open");
    OCU_ASSERT(associated.size() <= kBytesMax);
    auto const body = sealed.subspan(kNonceBytes, sealed.size() - kNonceBytes - kTagBytes);
    Secret plain;
    if (!body.empty()) plain = OCU_TRY(Secret::make(body.size()));
    AesKey aes;
    if (!set_key(aes, key)) return fail(Fault::os, "set an AES-GCM key");
    if (wc_AesGcmDecrypt(aes.get(), wolf(plain.bytes().data()), body.data(), static_cast<word32>(body.size()), sealed.data(), kNonceBytes,
            sealed.last(kTagBytes).data(), kTagBytes, wolf(associated.data()), static_cast<word32>(associated.size())) != 0)
        return fail(Fault::denied, "sealed bytes do not open");
    return plain;
}

Result<Secret> scrypt(
    Secret const& passphrase, std::span<std::uint8_t const> salt, unsigned cost_log2, unsigned block, unsigned parallel, std::size_t size)
{
    OCU_ASSERT(size > 0 && size <= 1024 && salt.size() <= 1024 && passphrase.bytes().size() <= (1u << 20));
    auto out = OCU_TRY(Secret::make(size));
    if (wc_scrypt(wolf(out.bytes().data()), wolf(passphrase.bytes().data()), static_cast<int>(passphrase.bytes().size()), salt.data(),
            static_cast<int>(salt.size()), static_cast<int>(cost_log2), static_cast<int>(block), static_cast<int>(parallel),
            static_cast<int>(size)) != 0)
        return fail(Fault::malformed, "scrypt refuses these parameters");
    return out;
}

}  // namespace ocu::crypto
