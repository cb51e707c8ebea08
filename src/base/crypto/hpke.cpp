// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/crypto/hpke.h"

#include <algorithm>

#include "base/assert.h"
#include "base/crypto/crypto.h"
#include "base/crypto/wolf.h"

namespace ocu::crypto {

namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kHashBytes = 32;
constexpr std::size_t kLabelledBytesMax = 1024;
constexpr std::size_t kPlainBytesMax = 1u << 20;
// RFC 9180 section 4.1 and 5.1: what every derivation is bound to.
constexpr std::string_view kKemSuite("KEM\x00\x20", 5);
constexpr std::string_view kSuite("HPKE\x00\x20\x00\x01\x00\x02", 10);

using Bytes = std::span<std::byte const>;
using Curve25519Key = Owned<curve25519_key, wc_curve25519_init, wc_curve25519_free>;

Bytes bytes_of(X25519Public const& key) { return std::as_bytes(std::span(key)); }
word32 size32(Bytes bytes) { return static_cast<word32>(bytes.size()); }

// Parts one after the other, in memory that is wiped: one of them is usually a secret.
Result<Secret> joined(std::initializer_list<Bytes> parts)
{
    std::size_t size = 0;
    for (auto const part : parts) size += part.size();
    OCU_ASSERT(size > 0 && size <= kLabelledBytesMax);
    auto out = OCU_TRY(Secret::make(size));
    auto at = out.bytes().begin();
    for (auto const part : parts) at = std::ranges::copy(part, at).out;
    return out;
}

Result<Secret> labelled_extract(std::string_view suite, Bytes salt, std::string_view label, Bytes key_material)
{
    auto const input = OCU_TRY(joined({as_bytes("HPKE-v1"), as_bytes(suite), as_bytes(label), key_material}));
    auto out = OCU_TRY(Secret::make(kHashBytes));
    if (wc_HKDF_Extract(
            WC_SHA256, wolf(salt.data()), size32(salt), wolf(input.bytes().data()), size32(input.bytes()), wolf(out.bytes().data())) != 0)
        return fail(Fault::os, "derive a key");
    return out;
}

Result<Secret> labelled_expand(std::string_view suite, Secret const& key, std::string_view label, Bytes info, std::size_t size)
{
    std::array<std::byte, 2> const length{std::byte(size >> 8), std::byte(size)};
    auto const full = OCU_TRY(joined({length, as_bytes("HPKE-v1"), as_bytes(suite), as_bytes(label), info}));
    auto out = OCU_TRY(Secret::make(size));
    if (wc_HKDF_Expand(WC_SHA256, wolf(key.bytes().data()), size32(key.bytes()), wolf(full.bytes().data()), size32(full.bytes()),
            wolf(out.bytes().data()), static_cast<word32>(size)) != 0)
        return fail(Fault::os, "derive a key");
    return out;
}

// X25519, in the byte order of RFC 7748. A peer's point of small order gives zero, and is refused (RFC 9180 section 7.1.4).
Result<Secret> shared_point(Secret const& seed, X25519Public const& peer)
{
    Curve25519Key ours;
    Curve25519Key theirs;
    auto out = OCU_TRY(Secret::make(kKeyBytes));
    word32 size = kKeyBytes;
    if (!ours.good() || !theirs.good() ||
        wc_curve25519_import_private_ex(wolf(seed.bytes().data()), kKeyBytes, ours.get(), EC25519_LITTLE_ENDIAN) != 0 ||
        wc_curve25519_import_public_ex(peer.data(), kKeyBytes, theirs.get(), EC25519_LITTLE_ENDIAN) != 0 ||
        wc_curve25519_shared_secret_ex(ours.get(), theirs.get(), wolf(out.bytes().data()), &size, EC25519_LITTLE_ENDIAN) != 0 ||
        size != kKeyBytes)
        return fail(Fault::malformed, "not a public key of X25519");
    std::byte sum{};
    for (auto const each : out.bytes()) sum |= each;
    if (sum == std::byte{}) return fail(Fault::malformed, "not a public key of X25519");
    return out;
}

struct Context {
    Secret key;
    Secret nonce;
};

Result<Context> key_schedule(Secret const& point, X25519Public const& encapsulated, X25519Public const& recipient, Bytes info)
{
    auto const pseudo_random = OCU_TRY(labelled_extract(kKemSuite, {}, "eae_prk", point.bytes()));
    auto const both = OCU_TRY(joined({bytes_of(encapsulated), bytes_of(recipient)}));
    auto const shared = OCU_TRY(labelled_expand(kKemSuite, pseudo_random, "shared_secret", both.bytes(), kHashBytes));
    auto const no_psk = OCU_TRY(labelled_extract(kSuite, {}, "psk_id_hash", {}));
    auto const info_hash = OCU_TRY(labelled_extract(kSuite, {}, "info_hash", info));
    std::array const base_mode{std::byte{0}};
    auto const context = OCU_TRY(joined({base_mode, no_psk.bytes(), info_hash.bytes()}));
    auto const secret = OCU_TRY(labelled_extract(kSuite, shared.bytes(), "secret", {}));
    Context out;
    out.key = OCU_TRY(labelled_expand(kSuite, secret, "key", context.bytes(), kKeyBytes));
    out.nonce = OCU_TRY(labelled_expand(kSuite, secret, "base_nonce", context.bytes(), kNonceBytes));
    return out;
}

bool set_key(AesKey& aes, Context const& context)
{
    return aes.good() && wc_AesGcmSetKey(aes.get(), wolf(context.key.bytes().data()), kKeyBytes) == 0;
}

}  // namespace

Result<Secret> make_x25519_seed()
{
    auto seed = OCU_TRY(Secret::make(kKeyBytes));
    auto const bytes = seed.bytes();
    random_bytes(bytes);
    bytes.front() &= std::byte{0xf8};
    bytes.back() = (bytes.back() & std::byte{0x7f}) | std::byte{0x40};
    return seed;
}

Result<X25519Public> x25519_public(Secret const& seed)
{
    OCU_ASSERT(seed.bytes().size() == kKeyBytes);
    X25519Public out{};
    if (wc_curve25519_make_pub(kKeyBytes, out.data(), kKeyBytes, wolf(seed.bytes().data())) != 0)
        return fail(Fault::malformed, "not a key of X25519");
    return out;
}

Result<std::vector<std::uint8_t>> hpke_seal(X25519Public const& recipient, Bytes info, Bytes associated, Bytes plain)
{
    OCU_ASSERT(plain.size() <= kPlainBytesMax && associated.size() <= kPlainBytesMax);
    auto const once = OCU_TRY(make_x25519_seed());
    auto const encapsulated = OCU_TRY(x25519_public(once));
    auto const point = OCU_TRY(shared_point(once, recipient));
    auto const context = OCU_TRY(key_schedule(point, encapsulated, recipient, info));
    std::vector<std::uint8_t> out(kHpkeOverheadBytes + plain.size());
    std::ranges::copy(encapsulated, out.begin());
    std::span<std::uint8_t> const all(out);
    AesKey aes;
    if (!set_key(aes, context) ||
        wc_AesGcmEncrypt(aes.get(), all.subspan(kKeyBytes).data(), wolf(plain.data()), size32(plain), wolf(context.nonce.bytes().data()),
            kNonceBytes, all.last(kTagBytes).data(), kTagBytes, wolf(associated.data()), size32(associated)) != 0)
        return fail(Fault::os, "seal with AES-GCM");
    return out;
}

Result<Secret> hpke_open(Secret const& seed, Bytes info, Bytes associated, std::span<std::uint8_t const> sealed)
{
    if (sealed.size() <= kHpkeOverheadBytes || sealed.size() > kPlainBytesMax) return fail(Fault::denied, "sealed bytes do not open");
    X25519Public encapsulated{};
    std::ranges::copy(sealed.first(kKeyBytes), encapsulated.begin());
    auto const recipient = OCU_TRY(x25519_public(seed));
    auto const point = OCU_TRY(shared_point(seed, encapsulated));
    auto const context = OCU_TRY(key_schedule(point, encapsulated, recipient, info));
    auto const body = sealed.subspan(kKeyBytes, sealed.size() - kHpkeOverheadBytes);
    auto plain = OCU_TRY(Secret::make(body.size()));
    AesKey aes;
    if (!set_key(aes, context)) return fail(Fault::os, "set an AES-GCM key");
    if (wc_AesGcmDecrypt(aes.get(), wolf(plain.bytes().data()), body.data(), static_cast<word32>(body.size()),
            wolf(context.nonce.bytes().data()), kNonceBytes, sealed.last(kTagBytes).data(), kTagBytes, wolf(associated.data()),
            size32(associated)) != 0)
        return fail(Fault::denied, "sealed bytes do not open");
    return plain;
}

}  // namespace ocu::crypto
