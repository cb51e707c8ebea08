// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/base/crypto/agreement.

#include <catch2/catch_test_macros.hpp>

#include "base/crypto/agreement.h"

namespace test_agreement {

using namespace ocu;

namespace {

// SP 800-38A, F.3.13: CFB128-AES128, and half a block of it.
std::string const kPlain = "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411";
std::string const kCipher = "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b26751f67a3cbb140";

}  // namespace

TEST_CASE("aes_cfb: given the published text, when enciphered and deciphered, then it is the published one", "[crypto][T-12]")
{
    auto const key = crypto::from_hex("2b7e151628aed2a6abf7158809cf4f3c").value();
    auto const vector = crypto::from_hex("000102030405060708090a0b0c0d0e0f").value();
    auto bytes = crypto::from_hex(kPlain).value();
    REQUIRE(crypto::aes_cfb(crypto::Direction::encrypt, key, vector, bytes));
    CHECK(crypto::to_hex(bytes) == kCipher);
    REQUIRE(crypto::aes_cfb(crypto::Direction::decrypt, key, vector, bytes));
    CHECK(crypto::to_hex(bytes) == kPlain);
    CHECK(crypto::aes_cfb(crypto::Direction::encrypt, std::span(key).first(15), vector, bytes).error().fault == Fault::malformed);
    CHECK(crypto::aes_cfb(crypto::Direction::encrypt, key, std::span(vector).first(12), bytes).error().fault == Fault::malformed);
}

TEST_CASE(
    "agree_p256: given a point, when agreed with twice, then each has a key of its own; off the curve there is none", "[crypto][T-12]")
{
    auto const key = crypto::make_p256_key().value();
    auto point = crypto::p256_public(key).value();
    auto const one = crypto::agree_p256(point).value();
    auto const two = crypto::agree_p256(point).value();
    CHECK(one.ephemeral != two.ephemeral);
    CHECK(one.shared.bytes().size() == 32);
    CHECK_FALSE(equal_constant_time(one.shared.bytes(), two.shared.bytes()));
    point.back() ^= 1;
    CHECK(crypto::agree_p256(point).error().fault == Fault::malformed);
    CHECK(crypto::agree_p256({}).error().fault == Fault::malformed);
}

}  // namespace test_agreement
