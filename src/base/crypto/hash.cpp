// SPDX-License-Identifier: GPL-3.0-or-later
#include "base/assert.h"
#include "base/crypto/crypto.h"
#include "base/crypto/wolf.h"

namespace ocu::crypto {

// The library's lengths are 32 bits: whatever is longer goes in parts.
static constexpr std::size_t kPartBytesMax = 1u << 30;

struct Sha256::State {
    wc_Sha256 sha;

    State() { OCU_ASSERT(wc_InitSha256(&sha) == 0); }
    ~State() { wc_Sha256Free(&sha); }
    State(State const&) = delete;
    State& operator=(State const&) = delete;
};

Sha256::Sha256() : state_(std::make_unique<State>()) {}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(std::span<std::byte const> bytes)
{
    while (!bytes.empty()) {
        auto const part = bytes.first(std::min(bytes.size(), kPartBytesMax));
        OCU_ASSERT(wc_Sha256Update(&state_->sha, wolf(part.data()), static_cast<word32>(part.size())) == 0);
        bytes = bytes.subspan(part.size());
    }
    return *this;
}

Digest Sha256::finish()
{
    Digest digest{};
    OCU_ASSERT(wc_Sha256Final(&state_->sha, digest.data()) == 0);
    return digest;
}

Digest sha256(std::span<std::byte const> bytes) { return Sha256().update(bytes).finish(); }

std::array<std::uint8_t, 20> sha1(std::span<std::byte const> bytes)
{
    OCU_ASSERT(bytes.size() <= kPartBytesMax);
    std::array<std::uint8_t, 20> out{};
    static_assert(WC_SHA_DIGEST_SIZE == 20);
    OCU_ASSERT(wc_ShaHash(wolf(bytes.data()), static_cast<word32>(bytes.size()), out.data()) == 0);
    return out;
}

static int init_hmac(Hmac* hmac) { return wc_HmacInit(hmac, nullptr, INVALID_DEVID); }

Digest hmac_sha256(Secret const& key, std::span<std::byte const> message)
{
    OCU_ASSERT(message.size() <= kPartBytesMax);
    Owned<Hmac, init_hmac, wc_HmacFree> hmac;
    Digest digest{};
    OCU_ASSERT(hmac.good() && wc_HmacSetKey(hmac.get(), WC_SHA256, wolf(key.bytes().data()), static_cast<word32>(key.bytes().size())) == 0);
    OCU_ASSERT(wc_HmacUpdate(hmac.get(), wolf(message.data()), static_cast<word32>(message.size())) == 0);
    OCU_ASSERT(wc_HmacFinal(hmac.get(), digest.data()) == 0);
    return digest;
}

template <std::size_t N>
static std::array<std::uint8_t, N> blake2b(std::span<std::byte const> bytes)
{
    std::array<std::uint8_t, N> digest{};
    Blake2b blake{};
    OCU_ASSERT(wc_InitBlake2b(&blake, static_cast<word32>(digest.size())) == 0);
    while (!bytes.empty()) {
        auto const part = bytes.first(std::min(bytes.size(), kPartBytesMax));
        OCU_ASSERT(wc_Blake2bUpdate(&blake, wolf(part.data()), static_cast<word32>(part.size())) == 0);
        bytes = bytes.subspan(part.size());
    }
    OCU_ASSERT(wc_Blake2bFinal(&blake, digest.data(), static_cast<word32>(digest.size())) == 0);
    return digest;
}

std::array<std::uint8_t, 64> blake2b_512(std::span<std::byte const> bytes) { return blake2b<64>(bytes); }
std::array<std::uint8_t, 32> blake2b_256(std::span<std::byte const> bytes) { return blake2b<32>(bytes); }

}  // namespace ocu::crypto
