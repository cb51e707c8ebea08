// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/manifest/admit_sinks. Where the record is copied to; each refusal with its key.

#include <catch2/catch_test_macros.hpp>

#include "appliance/manifest/admit.h"
#include "appliance/manifest/explain.h"
#include "base/crypto/certificate.h"
#include "edge/address.h"

namespace test_admit_sinks {

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

auto admit_sinks_of(std::string const& sinks, std::string const& more = {})
{
    auto const credential = [](std::string const& name, std::string const& kind) {
        return R"({"name": ")" + name + R"(", "kind": ")" + kind + R"(", "sealed": ")" + kSealed + R"("})";
    };
    return admit(R"({"schema": "ocu-manifest/1", "serial": 7, "credentials": [)" + credential("token", "value") + "," +
                 credential("lent", "value") + "," + credential("us", "client_certificate") +
                 R"(], "egress": {"rules": [{"name": "r", "hosts": ["a.example"], "rung": "bump",
        "inject": {"credential": "lent"}}]}, "audit": {"sinks": [)" +
                 sinks + "]}" + more + "}");
}

void refused(std::string const& sink, std::string const& key, std::string const& reason)
{
    INFO(sink);
    auto const admitted = admit_sinks_of(sink);
    REQUIRE_FALSE(admitted);
    CHECK(admitted.error().key == "audit.sinks" + key);
    INFO(admitted.error().reason);
    CHECK(admitted.error().reason.contains(reason));
}

TEST_CASE("sinks: given a file, when it is admitted, then it has bounds, said or not", "[manifest][AU-6]")
{
    auto const applied =
        admit_sinks_of(R"({"name": "a", "kind": "file"}, {"name": "b", "kind": "file", "rotate_mib": 2, "files": 3})").value();
    REQUIRE(applied.audit.sinks.size() == 2);
    CHECK(applied.audit.sinks[0].file_bytes == 64u << 20);
    CHECK(applied.audit.sinks[0].files == 8);
    CHECK(applied.audit.sinks[1].file_bytes == 2u << 20);
    CHECK(applied.audit.sinks[1].files == 3);
    CHECK(applied.edge.sinks.at(0).host.empty());
    CHECK(explain(applied).contains("The record is copied, as ocsf, to sink b: 3 files of 2 MiB in audit-sinks/b of the state directory."));
}

TEST_CASE(
    "sinks: given a syslog receiver and a web server, when they are admitted, then where they are and who we are there is told to each "
    "role",
    "[manifest][AU-6]")
{
    auto const applied =
        admit_sinks_of(R"({"name": "siem", "kind": "syslog", "format": "cef", "host": "SIEM.example", "addresses": ["10.0.0.0/8"],
        "client_certificate": "us", "ca": ")" +
                       certificate() + R"("}, {"name": "hec", "kind": "https", "shape": "splunk-hec", "authorization": "token",
        "url": "https://10.1.2.3:8088/services/collector?x=1"})")
            .value();
    auto const& siem = applied.audit.sinks.at(0);
    CHECK(siem.host == "siem.example");
    CHECK(siem.port == 6514);
    CHECK(siem.place == "siem.example:6514");
    CHECK(siem.shows_certificate);
    CHECK(applied.edge.sinks[0].ranges.size() == 1);
    CHECK_FALSE(applied.edge.sinks[0].numeric);
    CHECK(applied.sinks.keys[0].client == "us");
    auto const& hec = applied.audit.sinks[1];
    CHECK(hec.authority == "10.1.2.3:8088");
    CHECK(hec.target == "/services/collector?x=1");
    CHECK(hec.place == "https://10.1.2.3:8088/services/collector");
    CHECK(hec.has_token);
    CHECK(applied.edge.sinks[1].numeric);
    CHECK(applied.edge.sinks[1].ranges == std::vector{edge::parse_range("10.1.2.3").value()});
    CHECK(applied.sinks.keys[1].token == "token");
    CHECK(explain(applied).contains(
        "to sink hec: https://10.1.2.3:8088/services/collector, splunk-hec, verified against whoever signs upstreams' certificates, "
        "with token in its requests."));
}

TEST_CASE("sinks: given one that would leak, or be ignored in part, when it is admitted, then it is refused with its key",
    "[manifest][AU-6][T-12][T-15][T-36]")
{
    refused(R"({"name": "a", "kind": "file"}, {"name": "a", "kind": "file"})", "[1].name", "twice");
    refused(R"({"name": "../a", "kind": "file"})", "[0].name", "");
    refused(R"({"name": "a", "kind": "kafka"})", "[0].kind", "");
    refused(R"({"name": "a", "kind": "file", "url": "https://x.example/"})", "[0].url", "has no use");
    refused(R"({"name": "a", "kind": "file", "client_certificate": "us"})", "[0].client_certificate", "has no use");
    refused(R"({"name": "a", "kind": "syslog", "host": "x.example", "rotate_mib": 1})", "[0].rotate_mib", "has no use");
    refused(R"({"name": "a", "kind": "syslog", "host": "x.example", "authorization": "token"})", "[0].authorization", "has no use");
    refused(R"({"name": "a", "kind": "https", "url": "https://x.example/", "host": "x.example"})", "[0].host", "has no use");
    refused(R"({"name": "a", "kind": "syslog"})", "[0].host", "is missing");
    refused(R"({"name": "a", "kind": "https"})", "[0].url", "is missing");
    refused(R"({"name": "a", "kind": "https", "url": "http://127.0.0.1/"})", "[0].url", "");
    refused(R"({"name": "a", "kind": "syslog", "host": "224.0.0.1"})", "[0].host", "no address of a machine");
    refused(R"({"name": "a", "kind": "syslog", "host": "10.0.0.1", "addresses": ["10.0.0.0/8"]})", "[0].addresses", "is for a host name");
    refused(R"({"name": "a", "kind": "syslog", "host": "x.example", "addresses": []})", "[0].addresses", "is empty");
    refused(R"({"name": "a", "kind": "syslog", "host": "x.example", "addresses": ["0.0.0.0/0"]})", "[0].addresses[0]", "");
    refused(R"({"name": "a", "kind": "syslog", "host": "x.example", "ca": "x"})", "[0].ca", "");
    refused(R"({"name": "a", "kind": "syslog", "host": "x.example", "client_certificate": "token"})", "[0].client_certificate",
        "is not the name");
    refused(
        R"({"name": "a", "kind": "https", "url": "https://x.example/", "authorization": "none"})", "[0].authorization", "is not the name");
    refused(R"({"name": "a", "kind": "https", "url": "https://x.example/", "authorization": "us"})", "[0].authorization",
        "is a client certificate");
    refused(R"({"name": "a", "kind": "https", "url": "https://x.example/", "authorization": "lent"})", "[0].authorization",
        "is lent by rule r");
}

}  // namespace test_admit_sinks
