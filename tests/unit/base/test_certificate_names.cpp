// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: base/crypto/certificate_names.

#include "base/crypto/certificate_names.h"

#include <catch2/catch_test_macros.hpp>

#include "base/crypto/certificate.h"

namespace test_certificate_names {

using namespace ocu;
using namespace ocu::crypto;

TEST_CASE("certificate names: given a pattern, when a name is compared, then only whole labels count", "[base][EG-9]")
{
    CHECK(dns_name_covers("a.example", "a.example"));
    CHECK(dns_name_covers("A.Example", "a.example"));
    CHECK(dns_name_covers("*.example", "a.example"));
    CHECK(dns_name_covers("*.EXAMPLE.com", "a.example.com"));
    for (auto const* const pattern : {"", "*", "*.", "b.example", "example", ".example", "a*.example", "*a.example", "f*.example", "*.*",
             "*.*.example", "a.*", "**.example", "xn--*.example", "*.b.example", "a.example.com"})
        CHECK_FALSE(dns_name_covers(pattern, "a.example"));
    CHECK_FALSE(dns_name_covers("*.example", "a.b.example"));
    CHECK_FALSE(dns_name_covers("*.example", "example"));
    CHECK_FALSE(dns_name_covers("*.example", ".example"));
    CHECK_FALSE(dns_name_covers(std::string_view("a.example\0.b.example", 20), "a.example"));
    CHECK_FALSE(dns_name_covers("a.example", ""));
}

TEST_CASE("certificate names: given certificates, when asked whom they are for, then by subjectAltName and kind alone", "[base][EG-9]")
{
    auto const key = *make_p256_key();
    std::chrono::sys_seconds const now{std::chrono::seconds(1'800'000'000)};
    auto const made = [&](CertificateNames const& names) { return *certificate_der(issue_self_signed(key, names, now, 2)->pem); };
    auto const is_for = [](std::vector<std::uint8_t> const& der, std::string_view name) {
        return is_certificate_for(std::as_bytes(std::span(der)), name);
    };
    auto const both = made({"common.example", {"a.example", "*.w.example"}, {"192.0.2.7", "2001:db8::7"}});
    for (auto const* const name : {"a.example", "x.w.example", "192.0.2.7", "2001:db8::7", "2001:db8:0::7"}) CHECK(is_for(both, name));
    for (auto const* const name : {"common.example", "b.example", "x.y.w.example", "192.0.2.8", "2001:db8::8", ""})
        CHECK_FALSE(is_for(both, name));
    CHECK_FALSE(is_for(made({"common.example", {}, {"192.0.2.7"}}), "common.example"));
    CHECK_FALSE(is_for(made({"common.example", {"192.0.2.7"}, {}}), "192.0.2.7"));
    CHECK_FALSE(is_for({1, 2, 3}, "a.example"));
}

}  // namespace test_certificate_names
