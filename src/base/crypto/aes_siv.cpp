// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/crypto/aes_siv.h"

#include "base/assert.h"
#include "base/crypto/wolf.h"

namespace ocu::crypto {

namespace {

word32 size_of(std::span<std::byte const> bytes) { return static_cast<word32>(bytes.size()); }

void check(Secret const& key, SivContext const& context)
{
    OCU_ASSERT(key.bytes().size() == kSivKeyBytes);
    OCU_ASSERT(!context.associated.empty() && context.associated.size() <= kSivBytesMax && context.nonce.size() <= kSivBytesMax);
}

// The library wants a pointer even to nothing.
std::byte const kNothing{};
byte const* data_of(std::span<std::byte const> bytes) { return wolf(bytes.empty() ? &kNothing : bytes.data()); }

}  // namespace

Result<std::vector<std::byte>> siv_seal(Secret const& key, SivContext context, std::span<std::byte const> plain)
{
    check(key, context);
    OCU_ASSERT(plain.size() <= kSivBytesMax);
    std::vector<std::byte> out(kSivTagBytes + plain.size() + 1);  // one over, so that the text's place exists when there is none
    if (wc_AesSivEncrypt(wolf(key.bytes().data()), size_of(key.bytes()), wolf(context.associated.data()), size_of(context.associated),
            data_of(context.nonce), size_of(context.nonce), data_of(plain), size_of(plain), wolf(out.data()),
            wolf(out.data() + kSivTagBytes)) != 0)
        return fail(Fault::os, "seal with AES-SIV");
    out.pop_back();
    return out;
}

Result<std::vector<std::byte>> siv_open(Secret const& key, SivContext context, std::span<std::byte const> sealed)
{
    check(key, context);
    if (sealed.size() < kSivTagBytes || sealed.size() > kSivTagBytes + kSivBytesMax) return fail(Fault::denied, "AES-SIV: no such text");
    auto const text = sealed.subspan(kSivTagBytes);
    std::vector<std::byte> tag(sealed.begin(), sealed.begin() + static_cast<std::ptrdiff_t>(kSivTagBytes));  // not const in the library
    std::vector<std::byte> out(text.size() + 1);
    if (wc_AesSivDecrypt(wolf(key.bytes().data()), size_of(key.bytes()), wolf(context.associated.data()), size_of(context.associated),
            data_of(context.nonce), size_of(context.nonce), data_of(text), size_of(text), wolf(tag.data()), wolf(out.data())) != 0) {
        wipe(out);  // what was deciphered under a wrong tag is nobody's to see
        return fail(Fault::denied, "AES-SIV: altered");
    }
    out.pop_back();
    return out;
}

}  // namespace ocu::crypto
