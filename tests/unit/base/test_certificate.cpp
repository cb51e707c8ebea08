// SPDX-License-Identifier: GPL-3.0-or-later
// Units: base/crypto/certificate, base/crypto/chain.

#include <catch2/catch_test_macros.hpp>

#include <fstream>

#include "base/crypto/certificate.h"

namespace test_certificate {

using namespace ocu;
using namespace std::chrono_literals;
using crypto::IdentityFault;

constexpr std::chrono::sys_seconds kNow{1'800'000'000s};

struct CertificateTest {
    CertificateTest() : key(*crypto::make_p256_key()), key_pem(*crypto::p256_key_pem(key)) {}
    Result<crypto::Certificate> issue(std::vector<std::string> hosts = {"appliance.internal"},
        std::vector<std::string> addresses = {"127.0.0.1"}, std::string name = "ocu-appliance", unsigned days = 825)
    {
        return crypto::issue_self_signed(key, {std::move(name), std::move(hosts), std::move(addresses)}, kNow, days);
    }
    static std::vector<std::uint8_t> der_of(std::string_view pem)
    {
        std::string coded(pem.substr(28, pem.rfind("-----END") - 28));
        std::erase(coded, '\n');
        return crypto::from_base64(coded).value();
    }

    Secret key;
    Secret key_pem;
};

TEST_CASE_METHOD(CertificateTest, "certificate: given names and addresses, when issued, then it carries them and its digest is its DER's",
    "[base][GW-1]")
{
    auto const made = issue({"localhost", "appliance.internal", std::string(253, 'h')}, {"127.0.0.1", "::1"});
    REQUIRE(made);
    REQUIRE(made->pem.starts_with("-----BEGIN CERTIFICATE-----\n"));
    auto const der = der_of(made->pem);
    CHECK(crypto::certificate_fingerprint(made->pem).value() == crypto::sha256(std::as_bytes(std::span(der))));
    std::string const all(der.begin(), der.end());
    auto const contains = [&all](std::string_view text) { return all.find(text) != std::string::npos; };
    CHECK(contains("appliance.internal"));
    CHECK(contains(std::string("\x82\x81\xfd", 3) + std::string(253, 'h')));
    CHECK(contains(std::string_view("\x87\x04\x7f\x00\x00\x01", 6)));
    CHECK(contains(std::string_view("\x87\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 18)));
    CHECK(made->not_after == kNow + std::chrono::days(825));
}

TEST_CASE_METHOD(CertificateTest, "certificate: given an input that no certificate can carry, when issued, then refused", "[base][GW-1]")
{
    CHECK_FALSE(issue({}, {}, ""));
    CHECK_FALSE(issue({}, {}, std::string(64, 'a')));
    CHECK_FALSE(issue({""}));
    CHECK_FALSE(issue({std::string(254, 'a')}));
    CHECK_FALSE(issue({}, {"127.0.0"}));
    CHECK(issue(std::vector<std::string>(64, std::string(80, 'a'))));
    CHECK_FALSE(issue(std::vector<std::string>(64, std::string(253, 'a'))));
    CHECK_FALSE(issue({}, {}, "a", 0));
    CHECK_FALSE(crypto::p256_key_pem(*Secret::make(32)));
}

TEST_CASE_METHOD(
    CertificateTest, "certificate: given one key and two certificates, when pinned by key, then the pins are equal", "[base][GW-1]")
{
    auto const one = issue({"a"});
    auto const two = issue({"b"});
    REQUIRE(one);
    REQUIRE(two);
    CHECK(*crypto::certificate_fingerprint(one->pem) != *crypto::certificate_fingerprint(two->pem));
    auto const pin = crypto::certificate_key_pin(one->pem);
    REQUIRE(pin);
    CHECK(pin->starts_with("sha256//"));
    CHECK(*pin == *crypto::certificate_key_pin(two->pem));
    CHECK_FALSE(crypto::certificate_key_pin("x"));
    CHECK_FALSE(crypto::certificate_fingerprint("x"));
}

// The certificates of the fuzz corpus; the pins are what `openssl` says.
TEST_CASE("certificate: given keys of both kinds, when pinned, then as other programs pin them", "[base][GW-1]")
{
    std::string const file = __FILE__;
    auto const corpus = file.substr(0, file.rfind("/unit/")) + "/fuzz/base/corpus_identity/";
    auto const pin_of = [&corpus](char const* name) {
        std::ifstream in(corpus + name);
        std::string const pem{std::istreambuf_iterator<char>(in), {}};
        return crypto::certificate_key_pin(pem).value();
    };
    CHECK(pin_of("one") == "sha256//ALmJPIPqa+jF7R/CUmQeiALwO9pxp80Y6W0GU2GBvNc=");
    CHECK(pin_of("chain") == "sha256//vX/JE5KIrJaAPs19hxyk+w2MIwCe57j5p3Radtkh6p8=");
}

TEST_CASE("certificate: given a digest, when written for people, then pairs of digits between colons", "[base]")
{
    crypto::Digest digest{0xab, 0x01};
    auto const text = crypto::fingerprint_text(digest);
    CHECK(text.starts_with("AB:01:00:"));
    CHECK(text.size() == 32 * 3 - 1);
}

TEST_CASE_METHOD(
    CertificateTest, "identity: given a certificate and its key, when judged, then good from its first second to its last", "[base][AP-2]")
{
    auto const made = *issue();
    CHECK(crypto::judge_identity(made.pem, key_pem, kNow) == IdentityFault::none);
    CHECK(crypto::judge_identity("subject: a line before it\n" + made.pem, key_pem, kNow) == IdentityFault::none);
    CHECK(crypto::judge_identity(made.pem, key_pem, made.not_after) == IdentityFault::none);
    CHECK(crypto::judge_identity(made.pem, key_pem, made.not_after + 1s) == IdentityFault::expired);
    CHECK(crypto::judge_identity(made.pem, key_pem, kNow - 1h) == IdentityFault::none);
    CHECK(crypto::judge_identity(made.pem, key_pem, kNow - 1h - 1s) == IdentityFault::not_yet_valid);
}

TEST_CASE_METHOD(CertificateTest, "identity: given another key, or none, when judged, then refused as such", "[base][AP-2]")
{
    auto const made = *issue();
    auto const other = *crypto::p256_key_pem(*crypto::make_p256_key());
    CHECK(crypto::judge_identity(made.pem, other, kNow) == IdentityFault::key_mismatch);
    CHECK(crypto::judge_identity(made.pem, *Secret::copy_of(crypto::as_bytes("-----BEGIN PRIVATE KEY-----")), kNow) ==
          IdentityFault::key_unreadable);
    CHECK(crypto::judge_identity(made.pem, Secret(), kNow) == IdentityFault::key_unreadable);
}

TEST_CASE_METHOD(CertificateTest, "identity: given a chain that is none, when judged, then refused as such", "[base][AP-2]")
{
    auto const made = *issue();
    auto const stranger = *crypto::issue_self_signed(*crypto::make_p256_key(), {"x", {}, {}}, kNow, 1);
    CHECK(crypto::judge_identity(made.pem + stranger.pem, key_pem, kNow) == IdentityFault::chain_order);
    std::string many;
    for (std::size_t i = 0; i <= crypto::kChainCertificatesMax; ++i) many += made.pem;
    std::string const key_text(reinterpret_cast<char const*>(key_pem.bytes().data()), key_pem.bytes().size());
    for (auto const& bad : std::vector<std::string>{"", "x", many, made.pem.substr(0, made.pem.size() / 2), made.pem + key_text,
             "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", std::string(crypto::kChainBytesMax + 1, 'x')})
        CHECK(crypto::judge_identity(bad, key_pem, kNow) == IdentityFault::certificate_unreadable);
}

TEST_CASE("identity: given any fault, when said, then a key of the manifest and a reason", "[base][AP-2]")
{
    for (unsigned i = 1; i <= static_cast<unsigned>(IdentityFault::kLast); ++i) {
        auto const text = crypto::text_of(static_cast<IdentityFault>(i));
        CHECK((text.key == "certificate" || text.key == "key"));
        CHECK(text.reason.size() > 10);
    }
}

struct AuthorityTest : CertificateTest {
    AuthorityTest() : made(*crypto::issue_authority(key, "ocu-appliance sandbox CA test", kNow, 3650))
    {
        authority.key = *Secret::copy_of(key.bytes());
        authority.certificate_der = *crypto::certificate_der(made.pem);
    }
    auto leaf(crypto::CertificateNames const& names = {"leaf", {"api.example.com"}, {}}) const
    {
        return crypto::issue_leaf(authority, *crypto::p256_public(server), names, kNow, 7);
    }
    static std::string pem_of(std::vector<std::uint8_t> const& der)
    {
        return "-----BEGIN CERTIFICATE-----\n" + crypto::to_base64(der) + "\n-----END CERTIFICATE-----\n";
    }
    IdentityFault judge(std::string const& chain, std::chrono::sys_seconds now = kNow) const
    {
        return crypto::judge_identity(chain, *crypto::p256_key_pem(server), now);
    }

    Secret server = *crypto::make_p256_key();
    crypto::Certificate made;
    crypto::Authority authority;
};

TEST_CASE_METHOD(AuthorityTest, "leaf: given an authority and a public key, when issued, then the chain holds for that key and seven days",
    "[base][EG-8][CU-4]")
{
    auto const der = leaf();
    REQUIRE(der);
    auto const chain = pem_of(*der) + made.pem;
    CHECK(judge(chain) == IdentityFault::none);
    CHECK(judge(chain, kNow - 59min) == IdentityFault::none);
    CHECK(judge(chain, kNow - 61min) == IdentityFault::not_yet_valid);
    CHECK(judge(chain, kNow + std::chrono::days(7)) == IdentityFault::none);
    CHECK(judge(chain, kNow + std::chrono::days(7) + 1s) == IdentityFault::expired);
    CHECK(crypto::judge_identity(chain, key_pem, kNow) == IdentityFault::key_mismatch);
    std::string const all(der->begin(), der->end());
    CHECK(all.contains(std::string("\x82\x0f") + "api.example.com"));
    CHECK(*leaf() != *der);  // serial numbers are random
}

TEST_CASE_METHOD(
    AuthorityTest, "leaf: given another authority, when its certificate is put above, then the chain does not hold", "[base][EG-8]")
{
    auto const other = crypto::issue_authority(*crypto::make_p256_key(), "ocu-appliance sandbox CA test", kNow, 3650);
    CHECK(judge(pem_of(*leaf()) + other->pem) == IdentityFault::chain_order);
    // A leaf is no authority: what it signs is worth nothing.
    CHECK(judge(pem_of(*leaf()) + pem_of(*leaf())) == IdentityFault::chain_order);
}

TEST_CASE_METHOD(AuthorityTest, "leaf: given a point that is none, or no name, when issued, then refused", "[base][EG-8][T-14]")
{
    auto point = *crypto::p256_public(server);
    CHECK(crypto::issue_leaf(authority, point, {"leaf", {"a"}, {}}, kNow, 7));
    CHECK(crypto::issue_leaf(authority, point, {"leaf", {}, {"2001:db8::1"}}, kNow, 7));
    CHECK_FALSE(leaf({"leaf", {}, {}}));
    CHECK_FALSE(leaf({"", {"a"}, {}}));
    point[64] ^= 1;
    CHECK_FALSE(crypto::issue_leaf(authority, point, {"leaf", {"a"}, {}}, kNow, 7));
    CHECK_FALSE(crypto::issue_leaf(authority, crypto::P256Point{}, {"leaf", {"a"}, {}}, kNow, 7));
    authority.certificate_der.pop_back();
    CHECK_FALSE(leaf());
}

TEST_CASE("certificate: given an authority, when it is made, then its constraint is critical, as strict programs want it", "[base][EG-8]")
{
    auto const key = *crypto::make_p256_key();
    auto const made = *crypto::issue_authority(key, "a name", std::chrono::sys_seconds(std::chrono::seconds(1'800'000'000)), 30);
    auto const der = *crypto::certificate_der(made.pem);
    std::string_view const text(reinterpret_cast<char const*>(der.data()), der.size());
    CHECK(text.contains(std::string_view("\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x08\x30\x06\x01\x01\xff\x02\x01\x00", 18)));
}

}  // namespace test_certificate
