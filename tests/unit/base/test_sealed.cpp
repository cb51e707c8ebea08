// SPDX-License-Identifier: GPL-3.0-or-later
// Units: base/sealed_face, base/crypto/hpke. The text in kExample was made by an HPKE implementation that is not ours; docs/formats/sealed.md.

#include <catch2/catch_test_macros.hpp>

#include "base/crypto/crypto.h"
#include "base/sealed_face.h"

namespace test_sealed {

using namespace ocu;

std::string const kExample =
    "ocu-sealed/1:appliance:7t2IPaCpRRWyWfbukty6ARGFCxOz9tzMgncm-bCCNatikitrPz8qGZX4vkqh36owZwvGJkoF39ORg3_gLhp7Kp4HcRf7MqZz"
    "8XsMMwRy0xTZ3A";
std::string const kExamplePlain = "a secret of twenty-5 bytes";
std::string const kExampleKey = "ocu-appliance-key/1:j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8=\n";

std::string text(Secret const& secret) { return {reinterpret_cast<char const*>(secret.bytes().data()), secret.bytes().size()}; }
Secret secret(std::string_view of) { return *Secret::copy_of(crypto::as_bytes(of)); }

struct SealedTest {
    SealedTest() : seed(*Secret::make(32))
    {
        for (std::size_t i = 0; i < 32; ++i) seed.bytes()[i] = std::byte(i);
        seed.bytes()[31] = std::byte{0x5f};
        key = *crypto::x25519_public(seed);
    }
    Secret seed;
    crypto::X25519Public key{};
};

TEST_CASE_METHOD(
    SealedTest, "sealed: given the worked example of another implementation, when opened, then its secret", "[base][AP-2][CU-1]")
{
    CHECK(sealed::write_key(key) == kExampleKey);
    CHECK(sealed::parse_key(kExampleKey).value() == key);
    auto const box = sealed::parse(kExample);
    REQUIRE(box);
    CHECK(box->recipient == sealed::id_of(key));
    auto const opened = sealed::open_with_key(*box, seed);
    REQUIRE(opened);
    CHECK(text(*opened) == kExamplePlain);
}

TEST_CASE_METHOD(
    SealedTest, "sealed: given a secret, when sealed twice, then both open, differ, and show nothing of it", "[base][AP-2][T-12]")
{
    auto const one = sealed::seal_to_appliance(key, crypto::as_bytes("hunter2"));
    auto const two = sealed::seal_to_appliance(key, crypto::as_bytes("hunter2"));
    REQUIRE(one);
    REQUIRE(two);
    CHECK(*one != *two);
    for (auto const& each : {*one, *two}) CHECK(text(*sealed::open_with_key(*sealed::parse(each), seed)) == "hunter2");
    auto const bytes = sealed::parse(*one)->bytes;
    CHECK(std::string(bytes.begin(), bytes.end()).find("hunter2") == std::string::npos);
}

TEST_CASE_METHOD(SealedTest, "sealed: given any one character changed or cut off, when opened, then refused", "[base][AP-2][T-12]")
{
    for (std::size_t i = 0; i < kExample.size(); ++i) {
        auto altered = kExample;
        altered[i] = altered[i] == 'A' ? 'B' : 'A';
        auto const box = sealed::parse(altered);
        CHECK_FALSE((box && sealed::open_with_key(*box, seed)));
        auto const cut = sealed::parse(std::string_view(kExample).substr(0, i));
        CHECK_FALSE((cut && sealed::open_with_key(*cut, seed)));
    }
}

TEST_CASE_METHOD(SealedTest, "sealed: given another appliance's key, when opened, then conflict, which says so", "[base][AP-2]")
{
    auto const other = *crypto::make_x25519_seed();
    auto const opened = sealed::open_with_key(*sealed::parse(kExample), other);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().fault == Fault::conflict);
}

TEST_CASE_METHOD(SealedTest, "sealed: given a point of small order as key, when sealed or opened with it, then refused", "[base][T-12]")
{
    CHECK_FALSE(sealed::seal_to_appliance({}, crypto::as_bytes("x")));
    crypto::X25519Public const one{1};
    CHECK_FALSE(sealed::seal_to_appliance(one, crypto::as_bytes("x")));
    auto box = *sealed::parse(kExample);
    std::fill_n(box.bytes.begin(), 32, std::uint8_t{0});
    CHECK_FALSE(sealed::open_with_key(box, seed));
}

TEST_CASE_METHOD(SealedTest, "sealed: given nothing or too much, when sealed, then over its limit", "[base][AP-2]")
{
    CHECK(sealed::seal_to_appliance(key, {}).error().fault == Fault::over_limit);
    std::string const most(sealed::kPlainBytesMax, 'x');
    auto const full = sealed::seal_to_appliance(key, crypto::as_bytes(most));
    REQUIRE(full);
    CHECK(full->size() <= sealed::kTextBytesMax);
    CHECK(text(*sealed::open_with_key(*sealed::parse(*full), seed)) == most);
    CHECK(sealed::seal_to_appliance(key, crypto::as_bytes(most + "x")).error().fault == Fault::over_limit);
}

TEST_CASE("sealed: given a passphrase, when sealed and opened, then only that passphrase opens it", "[base][AP-2][T-12]")
{
    auto const made = sealed::seal_to_passphrase(secret("correct horse"), crypto::as_bytes("hunter2"));
    REQUIRE(made);
    auto const box = sealed::parse(*made);
    REQUIRE(box);
    CHECK(box->kind == sealed::Kind::passphrase);
    CHECK(text(*sealed::open_with_passphrase(*box, secret("correct horse"))) == "hunter2");
    auto const wrong = sealed::open_with_passphrase(*box, secret("correct hors"));
    REQUIRE_FALSE(wrong);
    CHECK(wrong.error().fault == Fault::denied);
    CHECK(sealed::open_with_key(*box, *crypto::make_x25519_seed()).error().fault == Fault::conflict);
    auto cheaper = *box;
    --cheaper.cost_log2;
    CHECK_FALSE(sealed::open_with_passphrase(cheaper, secret("correct horse")));
}

TEST_CASE("sealed: given text of another form, when parsed, then refused", "[base][AP-2]")
{
    std::string const cost_low = crypto::to_base64url(std::vector<std::uint8_t>(64, 13));
    std::string const cost_high = crypto::to_base64url(std::vector<std::uint8_t>(64, 19));
    for (auto const& bad :
        std::vector<std::string>{"", "x", "ocu-sealed/1:", "ocu-sealed/1:appliance:", "ocu-sealed/2" + kExample.substr(12), " " + kExample,
            kExample + " ", kExample + "\n", kExample + "=", "ocu-sealed/1:passphrase:" + cost_low, "ocu-sealed/1:passphrase:" + cost_high,
            "-----BEGIN PRIVATE KEY-----", std::string(sealed::kTextBytesMax + 1, 'A')}) {
        INFO(bad.substr(0, 60));
        CHECK_FALSE(sealed::parse(bad));
    }
    for (auto const& bad :
        std::vector<std::string>{"", "ocu-appliance-key/1:", kExampleKey.substr(1), "ocu-appliance-key/1:AAAA\n", kExampleKey + "x"})
        CHECK_FALSE(sealed::parse_key(bad));
}

}  // namespace test_sealed
