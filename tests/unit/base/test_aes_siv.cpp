// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/base/crypto/aes_siv. The published vector, vectors from another implementation, and every kind of alteration.

#include "base/crypto/aes_siv.h"

#include "base/crypto/crypto.h"

namespace test_aes_siv {

using namespace ocu;

std::vector<std::byte> bytes(std::string_view hex)
{
    auto const raw = crypto::from_hex(hex).value();
    auto const view = std::as_bytes(std::span(raw));
    return {view.begin(), view.end()};
}

std::vector<std::byte> counted(unsigned first, std::size_t count)
{
    std::vector<std::byte> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(static_cast<std::byte>(first + i));
    return out;
}

struct AesSivTest {
    Secret key = Secret::copy_of(bytes("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")).value();
    std::vector<std::byte> associated = counted(0, 48);
    std::vector<std::byte> nonce = counted(0x20, 16);
};

TEST_CASE_METHOD(AesSivTest, "aes_siv: given RFC 5297's first example, when sealed, then its published bytes come out", "[base][T-21]")
{
    auto const ad = bytes("101112131415161718191a1b1c1d1e1f2021222324252627");
    auto const sealed = crypto::siv_seal(key, {ad, {}}, bytes("112233445566778899aabbccddee")).value();
    CHECK(sealed == bytes("85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c"));
    CHECK(crypto::siv_open(key, {ad, {}}, sealed).value() == bytes("112233445566778899aabbccddee"));
}

TEST_CASE_METHOD(AesSivTest, "aes_siv: given a nonce, when sealed, then the bytes are those of another implementation", "[base][T-21]")
{
    std::pair<std::size_t, char const*> const vectors[] = {{0, "47ddbc4c3a8bbe00443ea19c5cd9e86d"},
        {14, "8ffda89c001106b7ffd7234743b0e22471ac59147527184a875a6c8a7aa1"},
        {16, "63366de2ce63727d415e71b8084545d4ce420dee9093ab03d515d916faea92ca"},
        {40, "ea754f9dcf578401baa03dcfad7b4f9ba4e6022446970604e9dceba42124c5a88fa6bc7fd4f732921a426b104a0a04888b5c129d2e649c9c"}};
    for (auto const& [size, wanted] : vectors) {
        auto const sealed = crypto::siv_seal(key, {associated, nonce}, counted(0, size)).value();
        CHECK(sealed == bytes(wanted));
        CHECK(crypto::siv_open(key, {associated, nonce}, sealed).value() == counted(0, size));
    }
}

TEST_CASE_METHOD(AesSivTest, "aes_siv: given one changed bit anywhere, when opened, then it is denied", "[base][T-21]")
{
    auto const sealed = crypto::siv_seal(key, {associated, nonce}, counted(0, 20)).value();
    auto const denied = [&](Secret const& with, crypto::SivContext context, std::span<std::byte const> text) {
        auto const opened = crypto::siv_open(with, context, text);
        return !opened && opened.error().fault == Fault::denied;
    };
    for (std::size_t at = 0; at < sealed.size(); ++at) {
        auto altered = sealed;
        altered[at] ^= std::byte{0x10};
        CHECK(denied(key, {associated, nonce}, altered));
    }
    auto other = associated;
    other[47] ^= std::byte{1};
    CHECK(denied(key, {other, nonce}, sealed));
    other = nonce;
    other[0] ^= std::byte{1};
    CHECK(denied(key, {associated, other}, sealed));
    CHECK(denied(key, {associated, {}}, sealed));
    CHECK(denied(Secret::copy_of(counted(0, 32)).value(), {associated, nonce}, sealed));
    for (std::size_t size = 0; size < sealed.size(); ++size) CHECK(denied(key, {associated, nonce}, std::span(sealed).first(size)));
}

}  // namespace test_aes_siv
