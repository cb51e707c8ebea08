// SPDX-License-Identifier: GPL-3.0-or-later
// Units: appliance/manifest/admit_inject and admit_egress, where a credential is a client's certificate.

#include <catch2/catch_test_macros.hpp>

#include "appliance/manifest/admit.h"

namespace test_admit_certificate {

using namespace ocu;
using namespace ocu::manifest;

std::string const kSealed =
    "ocu-sealed/1:appliance:7t2IPaCpRRWyWfbukty6ARGFCxOz9tzMgncm-bCCNatikitrPz8qGZX4vkqh36owZwvGJkoF39ORg3_gLhp7Kp4HcRf7"
    "MqZz8XsMMwRy0xTZ3A";

Admission<Applied> admit_rules(std::string const& rules)
{
    return admit(R"({"schema": "ocu-manifest/1", "serial": 7, "egress": {"rules": [)" + rules +
                 R"(]}, "credentials": [{"name": "bank", "kind": "client_certificate", "sealed": ")" + kSealed +
                 R"("}, {"name": "key", "sealed": ")" + kSealed + R"("}]})");
}

std::string rule(std::string const& name, std::string const& hosts, std::string const& inject)
{
    return R"({"name": ")" + name + R"(", "hosts": [)" + hosts + R"(], "rung": "bump", "inject": {)" + inject + "}}";
}

std::string const kShown = R"("credential": "bank", "as": "client_certificate")";

void refused(std::string const& rules, std::string_view key, std::string_view part)
{
    INFO(rules);
    auto const made = admit_rules(rules);
    REQUIRE_FALSE(made);
    CHECK(made.error().key == key);
    CHECK(made.error().reason.contains(part));
}

TEST_CASE("certificate rule: given its credential, when it is admitted, then it is shown in TLS, and said in words", "[manifest][EG-7]")
{
    auto const made = admit_rules(rule("pay", R"("bank.example.com")", kShown + R"(, "header": "X-Token")"));
    REQUIRE(made);
    auto const& found = made->edge.rules.at(0);
    CHECK(found.shows_certificate());
    CHECK(found.injection->header == "x-token");
    CHECK(made->credentials.at(0).kind == proto::CredentialKind::client_certificate);
    CHECK(made->credentials.at(1).kind == proto::CredentialKind::value);
    CHECK(explain_egress(made->edge, made->credentials).contains("over a connection that shows the client certificate bank"));
}

TEST_CASE(
    "certificate rule: given a credential of the other kind, or a format, when it is admitted, then refused", "[manifest][EG-7][T-12]")
{
    refused(rule("pay", R"("bank.example.com")", R"("credential": "bank")"), "egress.rules[0].inject.as", "must be client_certificate");
    refused(rule("pay", R"("bank.example.com")", R"("credential": "key", "as": "client_certificate")"), "egress.rules[0].inject.as",
        "another kind");
    refused(rule("pay", R"("bank.example.com")", kShown + R"(, "format": "{}")"), "egress.rules[0].inject.format", "has no use");
}

TEST_CASE("certificate rule: given another bump rule for the same place, when it is admitted, then refused", "[manifest][EG-7]")
{
    auto const pay = rule("pay", R"("bank.example.com")", kShown);
    auto const plain = [](std::string const& hosts, std::string const& more = {}) {
        return R"({"name": "read", "hosts": [)" + hosts + R"(], "rung": "bump")" + more + "}";
    };
    refused(pay + "," + plain(R"("bank.example.com")"), "egress.rules[1]", "for itself");
    refused(plain(R"("bank.example.com")") + "," + pay, "egress.rules[1]", "for itself");
    refused(pay + "," + plain(R"("*.example.com")"), "egress.rules[1]", "for itself");
    refused(rule("pay", R"("*.example.com")", kShown) + "," + plain(R"("a.b.example.com")"), "egress.rules[1]", "for itself");
    CHECK(admit_rules(pay + "," + plain(R"("bank.example.com")", R"(, "ports": [8443])")));
    CHECK(admit_rules(pay + "," + plain(R"("other.example.com", "*.bank.example.com")")));
    CHECK(admit_rules(rule("pay", R"("*.example.com")", kShown) + "," + plain(R"("example.com")")));
    refused(R"({"name": "a", "addresses": ["10.1.0.0/16"], "rung": "bump", "inject": {)" + kShown +
                R"(}}, {"name": "b", "addresses": ["10.1.2.3"], "rung": "bump"})",
        "egress.rules[1]", "for itself");
}

}  // namespace test_admit_certificate
