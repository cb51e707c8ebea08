// SPDX-License-Identifier: GPL-3.0-or-later
#include "tpm/cryptography.h"

#include <tss2/tss2_mu.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "base/crypto/agreement.h"

// The library keeps a computation under way by a pointer to this, its own name for what a backend makes. Each is made by a start function
// and destroyed by its finish or abort.
struct ESYS_CRYPTO_CONTEXT_BLOB {
    ocu::Secret key;                  // of an HMAC
    std::vector<std::byte> message;   // short: parameters of one command; wiped, since an agreed number may be among them
    ~ESYS_CRYPTO_CONTEXT_BLOB() { ocu::wipe(message); }
};

namespace ocu::tpm {

namespace {

using Context = ESYS_CRYPTO_CONTEXT_BLOB;

constexpr std::size_t kMessageBytesMax = 16u << 10;
constexpr std::size_t kNumberBytes = 32;
constexpr TSS2_RC kFailed = TSS2_ESYS_RC_GENERAL_FAILURE;
constexpr TSS2_RC kNotOurs = TSS2_ESYS_RC_NOT_IMPLEMENTED;

TSS2_RC hash_start(Context** context, TPM2_ALG_ID algorithm, void*)
{
    if (algorithm != TPM2_ALG_SHA256) return kNotOurs;
    *context = std::make_unique<Context>().release();
    (*context)->message.reserve(kMessageBytesMax);  // never moved: nothing is left behind
    return TSS2_RC_SUCCESS;
}

TSS2_RC hmac_start(Context** context, TPM2_ALG_ID algorithm, std::uint8_t const* key, std::size_t size, void* data)
{
    if (auto const started = hash_start(context, algorithm, data); started != TSS2_RC_SUCCESS) return started;
    std::byte const none{};  // an empty key is filled up with zeros, like this one
    auto copy = Secret::copy_of(size == 0 ? std::span(&none, 1) : std::as_bytes(std::span(key, size)));
    if (copy) {
        (*context)->key = *std::move(copy);
        return TSS2_RC_SUCCESS;
    }
    std::unique_ptr<Context>(*context).reset();
    *context = nullptr;
    return TSS2_ESYS_RC_MEMORY;
}

TSS2_RC update(Context* context, std::uint8_t const* bytes, std::size_t size, void*)
{
    if (context == nullptr || size > kMessageBytesMax - context->message.size()) return kFailed;
    auto const more = std::as_bytes(std::span(bytes, size));
    context->message.insert(context->message.end(), more.begin(), more.end());
    return TSS2_RC_SUCCESS;
}

TSS2_RC finish(Context** context, std::uint8_t* out, std::size_t* size, void*)
{
    std::unique_ptr<Context> const own(std::exchange(*context, nullptr));
    crypto::Digest digest{};
    if (!own || *size < digest.size()) return kFailed;
    digest = own->key.empty() ? crypto::sha256(own->message) : crypto::hmac_sha256(own->key, own->message);
    std::ranges::copy(digest, out);
    *size = digest.size();
    wipe(std::as_writable_bytes(std::span(digest)));
    return TSS2_RC_SUCCESS;
}

void abort(Context** context, void*) { std::unique_ptr<Context>(std::exchange(*context, nullptr)).reset(); }

TSS2_RC random(TPM2B_NONCE* nonce, std::size_t size, void*)
{
    if (size == 0) size = sizeof nonce->buffer;
    if (size > sizeof nonce->buffer) return kFailed;
    crypto::random_bytes(std::as_writable_bytes(std::span(nonce->buffer, size)));
    nonce->size = static_cast<UINT16>(size);
    return TSS2_RC_SUCCESS;
}

// A TPM may leave leading zeros out.
bool put_number(std::span<std::uint8_t> place, TPM2B_ECC_PARAMETER const& number)
{
    if (number.size > place.size()) return false;
    std::ranges::copy(std::span(number.buffer, number.size), place.last(number.size).begin());
    return true;
}

void get_number(TPM2B_ECC_PARAMETER& number, std::span<std::byte const> from)
{
    number.size = kNumberBytes;
    std::ranges::copy(from, std::as_writable_bytes(std::span(number.buffer)).begin());
}

// Z is what both ends then know; Q is our half of it, which goes to the TPM.
TSS2_RC agree(TPM2B_PUBLIC* key, std::size_t out_max, TPM2B_ECC_PARAMETER* z, TPMS_ECC_POINT* q, BYTE* out, std::size_t* out_size, void*)
{
    auto const& area = key->publicArea;
    if (area.type != TPM2_ALG_ECC || area.parameters.eccDetail.curveID != TPM2_ECC_NIST_P256) return kNotOurs;
    crypto::P256Point point{};
    point.front() = 4;  // both coordinates follow
    auto const coordinates = std::span(point).subspan(1);
    if (!put_number(coordinates.first(kNumberBytes), area.unique.ecc.x) || !put_number(coordinates.last(kNumberBytes), area.unique.ecc.y))
        return kFailed;
    auto const agreed = crypto::agree_p256(point);
    if (!agreed) return kFailed;
    auto const ours = std::as_bytes(std::span(agreed->ephemeral)).subspan(1);
    get_number(*z, agreed->shared.bytes());
    get_number(q->x, ours.first(kNumberBytes));
    get_number(q->y, ours.last(kNumberBytes));
    std::size_t offset = 0;
    auto const marshalled = Tss2_MU_TPMS_ECC_POINT_Marshal(q, out, out_max, &offset);
    *out_size = offset;
    return marshalled;
}

template <crypto::Direction direction>
TSS2_RC cipher(std::uint8_t* key, TPM2_ALG_ID algorithm, TPMI_AES_KEY_BITS bits, TPM2_ALG_ID mode, std::uint8_t* bytes, std::size_t size,
    std::uint8_t* vector, void*)
{
    if (algorithm != TPM2_ALG_AES || mode != TPM2_ALG_CFB) return kNotOurs;
    constexpr std::size_t kBlockBytes = 16;
    auto const done = crypto::aes_cfb(direction, std::span(key, bits / 8u), std::span(vector, kBlockBytes), std::span(bytes, size));
    return done ? TSS2_RC_SUCCESS : kFailed;
}

TSS2_RC no_sm4(std::uint8_t*, TPM2_ALG_ID, TPMI_SM4_KEY_BITS, TPM2_ALG_ID, std::uint8_t*, std::size_t, std::uint8_t*, void*)
{
    return kNotOurs;
}

TSS2_RC no_rsa(TPM2B_PUBLIC*, std::size_t, BYTE*, std::size_t, BYTE*, std::size_t*, char const*, void*) { return kNotOurs; }

TSS2_RC begin(void*) { return TSS2_RC_SUCCESS; }

}  // namespace

ESYS_CRYPTO_CALLBACKS cryptography()
{
    ESYS_CRYPTO_CALLBACKS out{};
    out.rsa_pk_encrypt = no_rsa;
    out.hash_start = hash_start;
    out.hash_update = update;
    out.hash_finish = finish;
    out.hash_abort = abort;
    out.hmac_start = hmac_start;
    out.hmac_update = update;
    out.hmac_finish = finish;
    out.hmac_abort = abort;
    out.get_random2b = random;
    out.get_ecdh_point = agree;
    out.aes_encrypt = cipher<crypto::Direction::encrypt>;
    out.aes_decrypt = cipher<crypto::Direction::decrypt>;
    out.sm4_encrypt = no_sm4;
    out.sm4_decrypt = no_sm4;
    out.init = begin;
    return out;
}

}  // namespace ocu::tpm
