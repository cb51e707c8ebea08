// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/base/crypto/aead. Published vectors, in place, many messages under one object, and every kind of alteration.

#include "base/crypto/aead.h"

#include "base/crypto/crypto.h"

namespace test_aead {

using namespace ocu;
using crypto::Aes256Gcm;

std::vector<std::byte> bytes(std::string_view hex)
{
    auto const raw = crypto::from_hex(hex).value();
    auto const view = std::as_bytes(std::span(raw));
    return {view.begin(), view.end()};
}

Aes256Gcm keyed(std::string_view hex) { return Aes256Gcm::make(std::span<std::byte const, 32>(bytes(hex))).value(); }

Aes256Gcm::Nonce nonce_of(std::string_view hex)
{
    Aes256Gcm::Nonce nonce{};
    std::ranges::copy(bytes(hex), nonce.begin());
    return nonce;
}

// Of the specification of GCM that was submitted to NIST, appendix B.
struct Vector {
    std::string_view key, nonce, associated, plain, sealed, tag;
};
constexpr std::string_view kZeros = "0000000000000000000000000000000000000000000000000000000000000000";
constexpr std::string_view kKey = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
constexpr Vector kCases[] = {
    {kZeros, "000000000000000000000000", "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},  // test case 13
    {kZeros, "000000000000000000000000", "", "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18",
        "d0d1c8a799996bf0265b98b5d48ab919"},  // test case 14
    {kKey, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
        "76fc6ece0f4e1768cddf8853bb2d551b"},  // test case 16
};

TEST_CASE("aead: given the published vectors, when sealed and opened in place, then text and tag are theirs", "[base][SB-3][T-28]")
{
    for (auto const& each : kCases) {
        auto const aead = keyed(each.key);
        auto text = bytes(each.plain);
        std::array<std::byte, 16> tag{};
        REQUIRE(aead.seal(nonce_of(each.nonce), bytes(each.associated), text, tag));
        CHECK(text == bytes(each.sealed));
        CHECK(std::ranges::equal(tag, bytes(each.tag)));
        REQUIRE(aead.open(nonce_of(each.nonce), bytes(each.associated), text, tag));
        CHECK(text == bytes(each.plain));
    }
}

TEST_CASE("aead: given a sealed text, when any bit of text, tag, nonce or associated data is another, then it does not open",
    "[base][SB-3][T-28]")
{
    auto const& each = kCases[2];
    auto const aead = keyed(each.key);
    auto const whole = bytes(std::string(each.nonce) + std::string(each.associated) + std::string(each.sealed) + std::string(each.tag));
    auto const opens = [&](std::vector<std::byte> const& all) {
        std::span<std::byte const> const view(all);
        Aes256Gcm::Nonce nonce{};
        std::ranges::copy(view.first(12), nonce.begin());
        auto const size = each.sealed.size() / 2;
        std::vector<std::byte> text(view.begin() + 32, view.begin() + 32 + static_cast<std::ptrdiff_t>(size));
        return aead.open(nonce, view.subspan(12, 20), text, view.last<16>()).has_value();
    };
    REQUIRE(opens(whole));
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        auto altered = whole;
        altered[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
        CHECK_FALSE(opens(altered));
    }
    auto text = bytes(each.sealed);
    CHECK_FALSE(keyed(kZeros).open(nonce_of(each.nonce), bytes(each.associated), text, Aes256Gcm::ConstTag(bytes(each.tag))));
}

}  // namespace test_aead
