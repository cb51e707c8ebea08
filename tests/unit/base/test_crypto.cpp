// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch_test_macros.hpp>

#include "base/crypto/crypto.h"

namespace test_crypto {

using namespace ocu;

std::vector<std::uint8_t> hex(std::string_view text)
{
    auto bytes = crypto::from_hex(text);
    REQUIRE(bytes);
    return *bytes;
}

Secret secret_of(std::span<std::uint8_t const> bytes)
{
    auto secret = Secret::copy_of(std::as_bytes(bytes));
    REQUIRE(secret);
    return *std::move(secret);
}

std::string hex_of(Secret const& secret)
{
    return crypto::to_hex({reinterpret_cast<std::uint8_t const*>(secret.bytes().data()), secret.bytes().size()});
}

template <std::size_t N>
std::array<std::uint8_t, N> array_of(std::string_view text)
{
    std::array<std::uint8_t, N> out{};
    auto const bytes = hex(text);
    REQUIRE(bytes.size() == N);
    std::ranges::copy(bytes, out.begin());
    return out;
}

TEST_CASE("sha256: given the NIST examples, when hashed, then the published digests come out", "[base][AU-2]")
{
    CHECK(crypto::to_hex(crypto::sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(crypto::to_hex(crypto::sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(crypto::to_hex(crypto::sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("sha256: given one text in three parts, when hashed incrementally, then it equals the whole", "[base][AU-2]")
{
    crypto::Sha256 hash;
    hash.update("a").update("").update("bc");
    CHECK(hash.finish() == crypto::sha256("abc"));
}

TEST_CASE("blake2b: given the RFC 7693 example, when hashed, then the published digest comes out", "[base]")
{
    CHECK(
        crypto::to_hex(crypto::blake2b_512(crypto::as_bytes("abc"))) ==
        "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
}

TEST_CASE("hex: given text that is not lower-case hex, when decoded, then it is malformed", "[base]")
{
    CHECK(hex("00ff") == std::vector<std::uint8_t>{0, 0xff});
    for (auto const* bad : {"0", "0g", "AB", "0x", " 0"}) CHECK_FALSE(crypto::from_hex(bad));
}

TEST_CASE("base64: given the RFC 4648 vectors, when coded both ways, then they match", "[base]")
{
    std::pair<char const*, char const*> const vectors[] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
    for (auto const& [plain, coded] : vectors) {
        std::string const text(plain);
        std::vector<std::uint8_t> const bytes(text.begin(), text.end());
        CHECK(crypto::to_base64(bytes) == coded);
        auto const back = crypto::from_base64(coded);
        REQUIRE(back);
        CHECK(*back == bytes);
    }
}

TEST_CASE("base64: given a lenient spelling, when decoded, then it is malformed", "[base][T-02]")
{
    for (auto const* bad : {"Zg", "Zg=", "Zh==", "Zm9=", "Zm9v\n", "Zm\n9", "Z===", "====", "Zg==Zg==", "Zm9-", "Zm9v "}) {
        INFO(bad);
        CHECK_FALSE(crypto::from_base64(bad));
    }
    CHECK_FALSE(crypto::from_base64(std::string_view("Zm\0v", 4)));
}

TEST_CASE("base64url: given bytes that use the two special letters, when coded, then section 5 letters and no padding", "[base]")
{
    std::vector<std::uint8_t> const bytes{0xfb, 0xff, 0xfe, 0x01};
    CHECK(crypto::to_base64url(bytes) == "-__-AQ");
    CHECK(*crypto::from_base64url("-__-AQ") == bytes);
    for (auto const* bad : {"+__-AQ", "-//-AQ", "-__-AQ==", "A", "AR"}) CHECK_FALSE(crypto::from_base64url(bad));
}

TEST_CASE("ed25519: given RFC 8032 tests 1 to 3, when keys and signatures are made, then they are the published ones", "[base][AU-3]")
{
    struct Vector {
        char const *seed, *key, *message, *signature;
    };
    Vector const vectors[] = {{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                                  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                                  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0"
                                  "595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c"
            "00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec4"
            "0a"}};
    for (auto const& vector : vectors) {
        auto const seed = secret_of(hex(vector.seed));
        auto const key = crypto::ed25519_public(seed);
        REQUIRE(key);
        CHECK(crypto::to_hex(*key) == vector.key);
        auto const message = hex(vector.message);
        auto const signature = crypto::ed25519_sign(seed, *key, std::as_bytes(std::span(message)));
        REQUIRE(signature);
        CHECK(crypto::to_hex(*signature) == vector.signature);
        CHECK(crypto::ed25519_verify(*key, std::as_bytes(std::span(message)), *signature));
    }
}

TEST_CASE("ed25519: given a flipped bit in message, key or signature, when verified, then it does not verify", "[base][AU-3][T-09]")
{
    auto const seed = secret_of(std::vector<std::uint8_t>(32, 7));
    auto const key = *crypto::ed25519_public(seed);
    auto const signature = *crypto::ed25519_sign(seed, key, crypto::as_bytes("note"));
    REQUIRE(crypto::ed25519_verify(key, crypto::as_bytes("note"), signature));
    CHECK_FALSE(crypto::ed25519_verify(key, crypto::as_bytes("nota"), signature));
    for (std::size_t i = 0; i < signature.size(); ++i) {
        auto altered = signature;
        altered[i] ^= 1;
        CHECK_FALSE(crypto::ed25519_verify(key, crypto::as_bytes("note"), altered));
    }
    auto other = key;
    other[0] ^= 1;
    CHECK_FALSE(crypto::ed25519_verify(other, crypto::as_bytes("note"), signature));
}

TEST_CASE("seal: given the key and the associated data, when opened, then the plaintext returns", "[base][T-12]")
{
    auto const key = secret_of(std::vector<std::uint8_t>(32, 1));
    for (std::string_view const plain : {"", "x", "sixty-four bytes of two seeds that must come back exactly the same"}) {
        auto const sealed = crypto::seal(key, crypto::as_bytes(plain), crypto::as_bytes("v1"));
        REQUIRE(sealed);
        CHECK(sealed->size() == plain.size() + 28);
        auto const opened = crypto::open(key, *sealed, crypto::as_bytes("v1"));
        REQUIRE(opened);
        CHECK(std::ranges::equal(opened->bytes(), crypto::as_bytes(plain)));
    }
}

TEST_CASE("seal: given any one byte flipped, another key, other associated data or a cut, when opened, then denied", "[base][T-12]")
{
    auto const key = secret_of(std::vector<std::uint8_t>(32, 1));
    auto const sealed = *crypto::seal(key, crypto::as_bytes("secret"), crypto::as_bytes("v1"));
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        auto altered = sealed;
        altered[i] ^= 0x80;
        auto const opened = crypto::open(key, altered, crypto::as_bytes("v1"));
        REQUIRE_FALSE(opened);
        CHECK(opened.error().fault == Fault::denied);
    }
    for (std::size_t size = 0; size < sealed.size(); ++size)
        CHECK_FALSE(crypto::open(key, std::span(sealed).first(size), crypto::as_bytes("v1")));
    CHECK_FALSE(crypto::open(key, sealed, crypto::as_bytes("v2")));
    CHECK_FALSE(crypto::open(secret_of(std::vector<std::uint8_t>(32, 2)), sealed, crypto::as_bytes("v1")));
}

TEST_CASE("seal: given the same plaintext twice, when sealed, then nonces differ", "[base][T-12]")
{
    auto const key = secret_of(std::vector<std::uint8_t>(32, 1));
    CHECK(*crypto::seal(key, crypto::as_bytes("x"), {}) != *crypto::seal(key, crypto::as_bytes("x"), {}));
}

// NIST GCM test case 15 (256-bit key), as nonce || ciphertext || tag.
TEST_CASE("seal: given a published AES-256-GCM vector, when opened, then its plaintext comes out", "[base][T-12]")
{
    auto const key = secret_of(hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"));
    auto const sealed = hex(
        "cafebabefacedbaddecaf888"
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
        "b094dac5d93471bdec1a502270e3cc6c");
    auto const opened = crypto::open(key, sealed, {});
    REQUIRE(opened);
    CHECK(
        hex_of(*opened) ==
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255");
}

TEST_CASE("scrypt: given the RFC 7914 vector, when derived, then the published key comes out", "[base][T-12]")
{
    std::string_view const passphrase = "password";
    std::string_view const salt = "NaCl";
    auto const derived =
        crypto::scrypt(*Secret::copy_of(crypto::as_bytes(passphrase)), std::vector<std::uint8_t>(salt.begin(), salt.end()), 10, 8, 16, 64);
    REQUIRE(derived);
    CHECK(
        hex_of(*derived) ==
        "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640");
}

TEST_CASE("random: given many draws, when compared, then none is zero and none repeats", "[base]")
{
    std::vector<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) seen.push_back(crypto::random_u64());
    std::ranges::sort(seen);
    CHECK(seen.front() != 0);
    CHECK(std::ranges::adjacent_find(seen) == seen.end());
}

}  // namespace test_crypto
