// SPDX-License-Identifier: GPL-3.0-or-later
// Units: notice_mac, and the key that signs among the credentials.

#include <catch2/catch_test_macros.hpp>

#include "base/sealed_face.h"
#include "custody/credentials.h"
#include "custody/notice_mac.h"
#include "custody/vault.h"

namespace test_notice_mac {

using namespace ocu;
using namespace ocu::custody;

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";

// The expected value is OpenSSL's: printf '1790000000.{"schema":"ocu-webhook/1"}' | openssl dgst -sha256 -hmac KEY
TEST_CASE("notice_mac: given a key, a time and a body, when signed, then as others compute it, and another time is another signature",
    "[custody][EG-10]")
{
    auto const key = Secret::copy_of(crypto::as_bytes(kKey)).value();
    std::string_view const body = R"({"schema":"ocu-webhook/1"})";
    CHECK(crypto::to_hex(notice_mac(key, 1'790'000'000, body)) == "daf0f9c6224278c8aab973fd7fe97be10d1a8d3011aeac5fbca04b987ee13484");
    CHECK(notice_mac(key, 1'790'000'001, body) != notice_mac(key, 1'790'000'000, body));
}

struct KeyTest {
    wire::Text<sealed::kTextBytesMax> seal(std::string_view text) const
    {
        return *sealed::seal_to_appliance(keys.appliance_public, crypto::as_bytes(text));
    }
    Keys keys = *make_keys();
    proto::CustodyConfig config;
    Credentials credentials;
};

TEST_CASE_METHOD(
    KeyTest, "credentials: given a key that signs notices, when opened, then it signs, and can be lent to nobody", "[custody][EG-10][T-12]")
{
    config.credentials.push({"hook", seal(kKey)});
    config.credentials.push({"lent", seal(kKey)});
    config.notice_key = "hook";
    CHECK_FALSE(credentials.open(config, keys.appliance_seed));
    CHECK(credentials.notice_key().bytes().size() == kKey.size());
    CHECK(credentials.find("hook") == nullptr);
    CHECK(credentials.find_identity("hook") == nullptr);
    CHECK(credentials.find("lent") != nullptr);
}

TEST_CASE_METHOD(
    KeyTest, "credentials: given a key that signs and is short, when opened, then it is refused as that", "[custody][EG-10][AP-2]")
{
    config.credentials.push({"hook", seal("0123456789abcde")});
    config.notice_key = "hook";
    auto const fault = credentials.open(config, keys.appliance_seed);
    REQUIRE(fault);
    CHECK(fault->why == crypto::IdentityFault::signing_key_short);
    CHECK(credentials.notice_key().empty());
}

}  // namespace test_notice_mac
