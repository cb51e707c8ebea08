// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/manifest/minisign. Round trips, a file that the stock tool signed, and every byte of a signature flipped.

#include "appliance/manifest/minisign.h"

namespace test_minisign {

using namespace ocu;
using namespace ocu::manifest;

// Made by minisign 0.11: `minisign -G -W`, `minisign -S -t 'stock tool' -m manifest.json`; the legacy one with -l.
constexpr std::string_view kStockPublic =
    "untrusted comment: minisign public key BFB0F13100D62D24\n"
    "RWQkLdYAMfGwv0eKeXGn3JqrSMlFfOEQ5QKCPmQQEfNwq4GY3MO+C1Ws\n";
constexpr std::string_view kStockContent = "{\"schema\": \"ocu-manifest/1\"}\n";
constexpr std::string_view kStockSignature =
    "untrusted comment: signature from minisign secret key\n"
    "RUQkLdYAMfGwvxN0W6EUlUnoT+BhkoSBQrJs0YHyOuWowinfffZyUgnjs+VKnaWoJD3duHhxhznlpaiSa7nULp626v7qTprqVg8=\n"
    "trusted comment: stock tool\n"
    "vjnyRACmM0q62Jbftb6dabFrU6I/HLa4Owj8Z6b3RCO7jicGE2r5OjCrWprdIrVG7dutPzLPwhSg4PhnTOVlDg==\n";
constexpr std::string_view kStockLegacySignature =
    "untrusted comment: signature from minisign secret key\n"
    "RWQkLdYAMfGwv7kKTWvEFgX5hjJoDFy+phj8Jz/Kg5MgDZ6NNKQbloLkxUQJ5iqNspVEeDZ0jZ5QbRmFsIv5xRxJl/UyrUT6xgU=\n"
    "trusted comment: stock tool\n"
    "1M1Z9cOf65Aok84VkABdkzJ7+iMXwibLwPV2qxgoWKqHaVFs6/RHmtiO1uBbbFVu96AyY/U+Qeg+5q3u4KOXAg==\n";
constexpr std::string_view kStockSecret =
    "untrusted comment: minisign encrypted secret key\n"
    "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAJC3WADHxsL+8ICaxJW11g2vIPjiq0oOw5iDZsb2vLzJTM5Pb/"
    "k7aSUeKeXGn3JqrSMlFfOEQ5QKCPmQQEfNwq4GY3MO+C1WsAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

struct MinisignTest {
    SigningKey key = make_key().value();
    std::string content = "a manifest";
    std::string signature = sign(key, content, "serial 1").value();

    Result<void> check(std::string_view text, std::string_view file) const
    {
        auto const parsed = OCU_TRY(parse_minisig(file));
        return verify(key.verify, text, parsed);
    }
};

TEST_CASE_METHOD(MinisignTest, "minisign: given our signature, when it is checked, then it is good", "[manifest][AP-2][T-15]")
{
    CHECK(check(content, signature));
    CHECK(parse_minisig(signature)->trusted_comment == "serial 1");
}

TEST_CASE("minisign: given what the stock tool made, when it is read, then key, signature and secret key are good", "[manifest][AP-2]")
{
    auto const key = parse_public_key(kStockPublic).value();
    auto const signature = parse_minisig(kStockSignature).value();
    CHECK(signature.trusted_comment == "stock tool");
    CHECK(verify(key, kStockContent, signature));
    auto const secret = parse_secret_key(kStockSecret, nullptr).value();
    CHECK(secret.verify.key == key.key);
    CHECK(secret.verify.number == key.number);
}

TEST_CASE("minisign: given the legacy kind, when it is read, then it is refused", "[manifest][T-15]")
{
    auto const signature = parse_minisig(kStockLegacySignature);
    REQUIRE_FALSE(signature);
    CHECK(signature.error().fault == Fault::malformed);
}

TEST_CASE_METHOD(MinisignTest, "minisign: given altered content, when it is checked, then it is denied", "[manifest][T-15]")
{
    for (std::size_t i = 0; i < content.size(); ++i) {
        std::string altered = content;
        altered[i] ^= 1;
        CHECK(check(altered, signature).error().fault == Fault::denied);
    }
    CHECK_FALSE(check(content + " ", signature));
    CHECK_FALSE(check("", signature));
}

TEST_CASE_METHOD(MinisignTest,
    "minisign: given any bit of the signature file flipped, when it is checked, then only the untrusted words may differ",
    "[manifest][T-15]")
{
    std::size_t const untrusted_begin = std::string_view("untrusted comment: ").size();
    std::size_t const untrusted_end = signature.find('\n');
    for (std::size_t i = 0; i < signature.size(); ++i) {
        if (i >= untrusted_begin && i < untrusted_end) continue;
        for (int bit = 0; bit < 8; ++bit) {
            std::string altered = signature;
            altered[i] = static_cast<char>(altered[i] ^ (1 << bit));
            INFO("byte " << i << " bit " << bit);
            CHECK_FALSE(check(content, altered));
        }
    }
}

TEST_CASE_METHOD(
    MinisignTest, "minisign: given a signature file that is cut or goes on, when it is read, then it is refused", "[manifest][T-15]")
{
    for (std::size_t size = 0; size + 1 < signature.size(); ++size) CHECK_FALSE(check(content, signature.substr(0, size)));
    CHECK_FALSE(parse_minisig(signature + "x"));
    CHECK_FALSE(parse_minisig(std::string(kMinisigBytesMax + 1, 'u')));
}

TEST_CASE_METHOD(MinisignTest, "minisign: given another key, when it is checked, then it is denied", "[manifest][T-15]")
{
    auto const other = make_key().value();
    auto const parsed = parse_minisig(signature).value();
    CHECK(verify(other.verify, content, parsed).error().fault == Fault::denied);
    VerifyKey same_number = other.verify;
    same_number.number = key.verify.number;
    CHECK(verify(same_number, content, parsed).error().fault == Fault::denied);
}

TEST_CASE_METHOD(MinisignTest, "minisign: given a key pair, when it is written and read, then it is the same", "[manifest][AP-2]")
{
    auto const public_key = parse_public_key(write_public_key(key.verify)).value();
    CHECK(public_key.key == key.verify.key);
    auto const text = write_secret_key(key, nullptr).value();
    std::string_view const view(reinterpret_cast<char const*>(text.bytes().data()), text.bytes().size());
    auto const secret = parse_secret_key(view, nullptr).value();
    CHECK(equal_constant_time(secret.seed.bytes(), key.seed.bytes()));
    std::string damaged(view);
    damaged[damaged.size() - 40] ^= 1;
    CHECK_FALSE(parse_secret_key(damaged, nullptr));
}

TEST_CASE_METHOD(
    MinisignTest, "minisign: given an encrypted key, when the passphrase is wrong or missing, then it is denied", "[manifest][T-12]")
{
    auto const passphrase = Secret::copy_of(crypto::as_bytes("right")).value();
    auto const wrong = Secret::copy_of(crypto::as_bytes("wrong")).value();
    auto const text = write_secret_key(key, &passphrase).value();
    std::string_view const view(reinterpret_cast<char const*>(text.bytes().data()), text.bytes().size());
    CHECK(parse_secret_key(view, nullptr).error().fault == Fault::denied);
    CHECK(parse_secret_key(view, &wrong).error().fault == Fault::denied);
    CHECK(parse_secret_key(view, &passphrase)->verify.key == key.verify.key);
}

TEST_CASE_METHOD(MinisignTest, "minisign: given a comment of more than one line, when it is to be signed, then it is refused", "[manifest]")
{
    CHECK_FALSE(sign(key, content, "a\nb"));
    CHECK_FALSE(sign(key, content, "a\x1b[2J"));
}

}  // namespace test_minisign
