// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/manifest/admit_source. Who is asked for a credential; each refusal with its key.

#include <catch2/catch_test_macros.hpp>

#include "appliance/manifest/admit.h"
#include "appliance/manifest/explain.h"
#include "base/crypto/certificate.h"
#include "edge/address.h"

namespace test_admit_source {

using namespace ocu;
using namespace ocu::manifest;

std::string const kSealed =
    "ocu-sealed/1:appliance:7t2IPaCpRRWyWfbukty6ARGFCxOz9tzMgncm-bCCNatikitrPz8qGZX4vkqh36owZwvGJkoF39ORg3_gLhp7Kp4HcRf7"
    "MqZz8XsMMwRy0xTZ3A";

std::string certificate()
{
    auto const key = crypto::make_p256_key().value();
    auto pem =
        crypto::issue_self_signed(key, {"root.example", {}, {}}, std::chrono::sys_seconds(std::chrono::seconds(1'790'000'000)), 30)->pem;
    for (std::size_t at = 0; (at = pem.find('\n', at)) != std::string::npos;) pem.replace(at, 1, "\\n");
    return pem;
}

// One rule whose injection has these members.
auto admit_inject(std::string const& members)
{
    return admit(R"({"schema": "ocu-manifest/1", "serial": 7, "credentials": [{"name": "key", "sealed": ")" + kSealed +
                 R"("}, {"name": "us", "kind": "client_certificate", "sealed": ")" + kSealed +
                 R"("}], "egress": {"rules": [{"name": "r", "hosts": ["a.example"], "rung": "bump", "inject": {)" + members + "}}]}}");
}
auto admit_from(std::string const& source) { return admit_inject(R"("credential": "asked", "source": {)" + source + "}"); }

void refused(std::string const& members, std::string const& key, std::string const& reason)
{
    INFO(members);
    auto const admitted = admit_inject(members);
    REQUIRE_FALSE(admitted);
    CHECK(admitted.error().key == "egress.rules[0].inject" + key);
    INFO(admitted.error().reason);
    CHECK(admitted.error().reason.contains(reason));
}
void refused_from(std::string const& source, std::string const& key, std::string const& reason)
{
    refused(R"("credential": "asked", "source": {)" + source + "}", ".source" + key, reason);
}

TEST_CASE("source: given a socket, when it is admitted, then it is asked, and the manifest says so", "[manifest][EG-1]")
{
    auto const applied = admit_from(R"("unix": "/run/secrets/source.sock")").value();
    auto const& injection = *applied.edge.rules.at(0).injection;
    REQUIRE(injection.source);
    CHECK(injection.source->unix_path == "/run/secrets/source.sock");
    CHECK(injection.source->label() == "unix:/run/secrets/source.sock");
    CHECK(injection.credential == "asked");
    CHECK(explain(applied).contains(
        "gets credential asked as authorization, which unix:/run/secrets/source.sock is asked for when it is lent"));
    CHECK_FALSE(admit_inject(R"("credential": "key", "source": {})")->edge.rules.at(0).injection->source);
}

TEST_CASE("source: given an endpoint, when it is admitted, then where it may be, whom to believe and who asks", "[manifest][EG-1][EG-3]")
{
    auto const pem = certificate();
    auto const rest = R"(, "client": "us", "ca": ")" + pem + "\"";
    auto const applied = admit_from(R"("endpoint": "https://Secrets.corp.example:8300", "addresses": ["10.20.0.0/16"])" + rest).value();
    auto const& source = *applied.edge.rules.at(0).injection->source;
    CHECK(source.host == "secrets.corp.example");
    CHECK(source.port == 8300);
    CHECK(source.ranges == std::vector{edge::parse_range("10.20.0.0/16").value()});
    CHECK(source.client == "us");
    CHECK(source.label() == "https://secrets.corp.example:8300");
    CHECK(explain(applied).contains(
        "which https://secrets.corp.example:8300 is asked for when it is lent if it resolves into 10.20.0.0/16, over TLS that shows it "
        "the client certificate us"));
    CHECK(explain(applied).contains("Credential key is used by no rule"));
    CHECK_FALSE(explain(applied).contains("Credential us is used by no rule"));
    auto const numeric = admit_from(R"("endpoint": "https://[fd00::5]")" + rest).value().edge.rules.at(0).injection->source;
    CHECK(numeric->host == "fd00::5");
    CHECK(numeric->port == 443);
    CHECK(numeric->is_numeric());
    CHECK(numeric->authority() == "[fd00::5]");
    CHECK(numeric->ranges == std::vector{edge::parse_range("fd00::5").value()});
    CHECK(admit_from(R"("endpoint": "https://secrets.example")" + rest).value().edge.rules.at(0).injection->source->ranges.empty());
}

TEST_CASE("source: given one that is in doubt, weak or elsewhere, when it is admitted, then refused", "[manifest][EG-1][T-12][T-26]")
{
    auto const pem = certificate();
    auto const ca = R"(, "ca": ")" + pem + "\"";
    auto const rest = R"(, "client": "us")" + ca;
    refused(R"("source": {"unix": "/s"})", ".credential", "is missing");
    refused(R"("credential": "key", "source": {"unix": "/s"})", ".credential", "one of the two");
    refused(R"("credential": "asked", "as": "client_certificate", "source": {"unix": "/s"})", ".as", "signs in custody");
    refused_from(R"("unix": "/s", "endpoint": "https://a.example")", "", "either unix or endpoint");
    refused_from(R"("ca": "x")", "", "either unix or endpoint");
    refused_from(R"("unix": "relative.sock")", ".unix", "match");
    refused_from(R"("unix": "/")", ".unix", "match");
    refused_from("\"unix\": \"/" + std::string(107, 's') + "\"", ".unix", "match");
    refused_from(R"("unix": "/a b")", ".unix", "match");
    refused_from(R"("unix": "/s", "ca": "x")", ".ca", "no TLS");
    refused_from(R"("unix": "/s", "client": "us")", ".client", "no TLS");
    refused_from(R"("unix": "/s", "addresses": ["10.0.0.0/8"])", ".addresses", "no TLS");
    for (auto const* url : {"http://a.example", "a.example", "unix:///s"})
        refused_from(std::string(R"("endpoint": ")") + url + "\"" + rest, ".endpoint", "match");
    for (auto const* url : {"https://u@a.example", "https://a.example?x", "https://a.example#x"})
        refused_from(std::string(R"("endpoint": ")") + url + "\"" + rest, ".endpoint", "nothing else");
    for (auto const* url : {"https://a.example:0", "https://a.example:70000", "https://a.example:", "https://a.example:x"})
        refused_from(std::string(R"("endpoint": ")") + url + "\"" + rest, ".endpoint", "port");
    for (auto const* url : {"https://a!b", "https://a..b", "https://a.example.", "https://[a]"})
        refused_from(std::string(R"("endpoint": ")") + url + "\"" + rest, ".endpoint", "no host");
    refused_from(R"("endpoint": "https://224.0.0.1")" + rest, ".endpoint", "no address");
    refused_from(R"("endpoint": "https://10.0.0.5", "addresses": ["10.0.0.0/8"])" + rest, ".addresses", "no use");
    refused_from(R"("endpoint": "https://a.example", "addresses": [])" + rest, ".addresses", "is empty");
    refused_from(R"("endpoint": "https://a.example", "addresses": ["0.0.0.0/0"])" + rest, ".addresses[0]", "open everything");
    refused_from(R"("endpoint": "https://a.example", "client": "us")", ".ca", "is missing");
    refused_from(R"("endpoint": "https://a.example", "client": "us", "ca": "none")", ".ca", "no certificate");
    refused_from(
        R"("endpoint": "https://a.example", "client": "us", "ca": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")", ".ca",
        "cannot be read");
    refused_from(
        R"("endpoint": "https://a.example", "client": "us", "ca": ")" + pem + R"(-----BEGIN PRIVATE KEY-----")", ".ca", "private key");
    refused_from(R"("endpoint": "https://a.example")" + ca, ".client", "client_certificate");
    refused_from(R"("endpoint": "https://a.example", "client": "key")" + ca, ".client", "client_certificate");
    refused_from(R"("endpoint": "https://a.example", "client": "none")" + ca, ".client", "client_certificate");
    std::string nine;
    for (int i = 0; i < 9; ++i) nine += pem;
    refused_from(R"("endpoint": "https://a.example", "client": "us", "ca": ")" + nine + "\"", ".ca", "more than 8");
}

}  // namespace test_admit_source
