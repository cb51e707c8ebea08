// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/crypto/aead.h"

#include "base/assert.h"
#include "base/crypto/wolf.h"

namespace ocu::crypto {

namespace {

constexpr std::size_t kBytesMax = 1u << 30;  // the library's lengths are 32 bits

word32 size_of(std::span<std::byte const> bytes)
{
    OCU_ASSERT(bytes.size() <= kBytesMax);
    return static_cast<word32>(bytes.size());
}

}  // namespace

struct Aes256Gcm::State {
    AesKey aes;
};

Aes256Gcm::Aes256Gcm(std::unique_ptr<State> state) : state_(std::move(state)) {}
Aes256Gcm::~Aes256Gcm() = default;
Aes256Gcm::Aes256Gcm(Aes256Gcm&&) noexcept = default;
Aes256Gcm& Aes256Gcm::operator=(Aes256Gcm&&) noexcept = default;

Result<Aes256Gcm> Aes256Gcm::make(std::span<std::byte const, kKeyBytes> key)
{
    auto state = std::make_unique<State>();
    if (!state->aes.good() || wc_AesGcmSetKey(state->aes.get(), wolf(key.data()), static_cast<word32>(kKeyBytes)) != 0)
        return fail(Fault::os, "set an AES-GCM key");
    return Aes256Gcm(std::move(state));
}

Result<void> Aes256Gcm::seal(Nonce const& nonce, std::span<std::byte const> associated, std::span<std::byte> text, Tag tag) const
{
    if (wc_AesGcmEncrypt(state_->aes.get(), wolf(text.data()), wolf(text.data()), size_of(text), wolf(nonce.data()),
            static_cast<word32>(nonce.size()), wolf(tag.data()), static_cast<word32>(tag.size()), wolf(associated.data()),
            size_of(associated)) != 0)
        return fail(Fault::os, "seal with AES-GCM");
    return {};
}

Result<void> Aes256Gcm::open(Nonce const& nonce, std::span<std::byte const> associated, std::span<std::byte> text, ConstTag tag) const
{
    if (wc_AesGcmDecrypt(state_->aes.get(), wolf(text.data()), wolf(text.data()), size_of(text), wolf(nonce.data()),
            static_cast<word32>(nonce.size()), wolf(tag.data()), static_cast<word32>(tag.size()), wolf(associated.data()),
            size_of(associated)) != 0)
        return fail(Fault::denied, "AES-GCM: altered");
    return {};
}

}  // namespace ocu::crypto
