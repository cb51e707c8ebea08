// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/manifest/admit_store, and what explain says of it.

#include <catch2/catch_test_macros.hpp>

#include "appliance/manifest/admit.h"
#include "appliance/manifest/explain.h"
#include "base/crypto/certificate.h"

namespace test_admit_store {

using namespace ocu;
using namespace ocu::manifest;

// To a machine that nobody has.
constexpr std::string_view kSealed =
    "ocu-sealed/1:appliance:7t2IPaCpRRWyWfbukty6ARGFCxOz9tzMgncm-bCCNatikitrPz8qGZX4vkqh36owZwv"
    "GJkoF39ORg3_gLhp7Kp4HcRf7MqZz8XsMMwRy0xTZ3A";
std::string sealed_text() { return std::string(kSealed); }

std::string certificate()
{
    static auto const pem = crypto::issue_self_signed(
        *crypto::make_p256_key(), {"store", {}, {}}, std::chrono::sys_seconds(std::chrono::seconds(1'800'000'000)), 1)
                                ->pem;
    std::string out;
    for (char const c : pem) out += c == '\n' ? std::string("\\n") : std::string(1, c);
    return out;
}

struct Wanted {
    std::string endpoint = "https://store.example:9000";
    std::string addresses = R"(["10.0.0.5", "fd00::5"])";
    std::string names = R"("bucket": "files", "prefix": "ocu/one")";
    std::string credential = "store";
    std::string more = R"(, "ca": ")" + certificate() + R"(", "path_style": true)";
    std::string engine = "s3";
    std::string egress = "{}";
    std::string profile = "trusted_operator";
};

Admission<Applied> admit_with(Wanted const& w)
{
    std::string const addresses = w.addresses.empty() ? "" : R"("addresses": )" + w.addresses + ",";
    return admit(R"({"schema": "ocu-manifest/1", "serial": 7, "appliance": {"profile": ")" + w.profile + R"("}, "egress": )" + w.egress +
                 R"(, "credentials": [{"name": "store", "sealed": ")" + sealed_text() +
                 R"("}, {"name": "cert", "kind": "client_certificate", "sealed": ")" + sealed_text() + R"("}], "storage": {"engine": ")" +
                 w.engine + R"(", "s3": {"endpoint": ")" + w.endpoint + R"(", )" + addresses + w.names + R"(, "credential": ")" +
                 w.credential + "\"" + w.more + "}}}");
}

TEST_CASE("store: given no engine, or the local one, when it is admitted, then files stay on this machine", "[manifest][SB-4]")
{
    for (std::string const storage : {"{}", R"({"engine": "local"})", R"({"engine": "local", "s3": {}})"}) {
        auto const applied = admit(R"({"schema": "ocu-manifest/1", "serial": 7, "storage": )" + storage + "}").value();
        CHECK_FALSE(applied.storage.s3);
        CHECK(applied.edge.store.addresses.empty());
        CHECK(applied.store.credential.empty());
        CHECK(explain(applied).contains("Files of a session stay on this machine while it lives: 4096 MiB in all, 1024 MiB each."));
    }
}

TEST_CASE("store: given every key, when it is admitted, then each reaches its place and is said in words", "[manifest][SB-4][T-31]")
{
    Wanted wanted;
    wanted.names += R"(, "region": "eu-north-1")";
    auto const applied = admit_with(wanted).value();
    REQUIRE(applied.storage.s3);
    auto const& place = *applied.storage.s3;
    CHECK(place.endpoint == "https://store.example:9000");
    CHECK(place.region == "eu-north-1");
    CHECK(place.bucket == "files");
    CHECK(place.prefix == "ocu/one/");
    CHECK(place.path_style);
    CHECK(place.ca_pem.contains("BEGIN CERTIFICATE"));
    CHECK(applied.edge.store.addresses == std::vector<std::string>{"10.0.0.5", "fd00::5"});
    CHECK(applied.edge.store.port == 9000);
    CHECK(applied.store.credential == "store");
    auto const words = explain(applied);
    CHECK(words.contains(
        "Files of a session lie, sealed, in the bucket files of https://store.example:9000 (region eu-north-1), below ocu/one/"));
    CHECK(words.contains("at 10.0.0.5, fd00::5, port 9000; no name is resolved for it"));
    CHECK(words.contains("signed with credential store"));
    CHECK(words.contains("Of a session: 4096 MiB in all"));
    CHECK_FALSE(words.contains("Credential store is used by no rule"));
    CHECK_FALSE(words.contains("WARNING"));
}

TEST_CASE("store: given what may be left out, when it is admitted, then the usual port, region and authorities", "[manifest][SB-4]")
{
    Wanted wanted;
    wanted.endpoint = "https://store.example";
    wanted.more = "";
    wanted.egress = R"({"ca_bundle": ")" + certificate() + R"("})";
    auto const applied = admit_with(wanted).value();
    CHECK(applied.edge.store.port == 443);
    CHECK(applied.storage.s3->region == "us-east-1");
    CHECK_FALSE(applied.storage.s3->path_style);
    CHECK(applied.storage.s3->ca_pem == applied.edge.extra_roots_pem);
}

TEST_CASE("store: given http, when it is admitted, then only with plain, and it is warned of", "[manifest][SB-4][T-31]")
{
    Wanted wanted;
    wanted.endpoint = "http://store.example";
    wanted.more = R"(, "plain": true)";
    auto const applied = admit_with(wanted).value();
    CHECK(applied.edge.store.port == 80);
    CHECK(applied.storage.s3->ca_pem.empty());
    CHECK(explain(applied).contains("WARNING: without TLS."));
}

TEST_CASE("store: given a numeric endpoint, when it is admitted, then it is dialled as it is", "[manifest][SB-4]")
{
    Wanted wanted;
    wanted.endpoint = "https://[fd00::9]:9000";
    wanted.addresses = "";
    CHECK(admit_with(wanted).value().edge.store.addresses == std::vector<std::string>{"fd00::9"});
    wanted.endpoint = "https://127.0.0.1:9000";
    auto const trial = admit_with(wanted).value();
    CHECK(trial.edge.store.addresses == std::vector<std::string>{"127.0.0.1"});
    CHECK(trial.edge.store.own_addresses);
    wanted.endpoint = "https://10.0.0.5:9000";
    wanted.profile = "internal_workforce";
    CHECK_FALSE(admit_with(wanted).value().edge.store.own_addresses);
}

TEST_CASE("store: given what is no store, leads elsewhere or shares its credential, when it is admitted, then refused with its key",
    "[manifest][SB-4][T-31][T-12][EG-3]")
{
    struct Row {
        char const* what;
        void (*change)(Wanted&);
        std::string key;
        std::string reason;
    };
    std::vector<Row> const rows{
        {"not its engine", [](Wanted& w) { w.engine = "local"; }, "storage.s3", "has no effect"},
        {"no bucket", [](Wanted& w) { w.names = R"("prefix": "a")"; }, "storage.s3.bucket", "is missing"},
        {"no prefix", [](Wanted& w) { w.names = R"("bucket": "files")"; }, "storage.s3.prefix", "is missing"},
        {"http alone", [](Wanted& w) { w.endpoint = "http://store.example"; }, "storage.s3.endpoint", "must be https, or storage.s3.plain"},
        {"plain https", [](Wanted& w) { w.more += R"(, "plain": true)"; }, "storage.s3.plain", "contradicts"},
        {"a path", [](Wanted& w) { w.endpoint = "https://store.example/x"; }, "storage.s3.endpoint", "must match"},
        {"a port beyond", [](Wanted& w) { w.endpoint = "https://store.example:65536"; }, "storage.s3.endpoint", "its port"},
        {"no host", [](Wanted& w) { w.endpoint = "https://store..example"; }, "storage.s3.endpoint", "names no host"},
        {"no addresses", [](Wanted& w) { w.addresses = ""; }, "storage.s3.addresses", "is missing: no name is resolved"},
        {"a name", [](Wanted& w) { w.addresses = R"(["dead.beef"])"; }, "storage.s3.addresses[0]", "is not one numeric address"},
        {"twice", [](Wanted& w) { w.addresses = R"(["10.0.0.5", "10.0.0.5"])"; }, "storage.s3.addresses[1]", "is there twice"},
        {"metadata", [](Wanted& w) { w.addresses = R"(["169.254.169.254"])"; }, "storage.s3.addresses[0]", "metadata"},
        {"link-local", [](Wanted& w) { w.addresses = R"(["fe80::1"])"; }, "storage.s3.addresses[0]", "link-local"},
        {"multicast", [](Wanted& w) { w.addresses = R"(["224.0.0.9"])"; }, "storage.s3.addresses[0]", "multicast"},
        {"nowhere", [](Wanted& w) { w.addresses = R"(["0.0.0.0"])"; }, "storage.s3.addresses[0]", "this network"},
        {"hidden", [](Wanted& w) { w.addresses = R"(["::ffff:169.254.169.254"])"; }, "storage.s3.addresses[0]", "metadata"},
        {"itself, for a workforce",
            [](Wanted& w) {
                w.profile = "internal_workforce";
                w.addresses = R"(["127.0.0.1"])";
            },
            "storage.s3.addresses[0]", "is this machine itself"},
        {"itself by its endpoint, for a workforce",
            [](Wanted& w) {
                w.profile = "internal_workforce";
                w.addresses = "";
                w.endpoint = "https://127.0.0.1";
            },
            "storage.s3.endpoint", "is this machine itself"},
        {"addresses of an address", [](Wanted& w) { w.endpoint = "https://10.0.0.5"; }, "storage.s3.addresses", "has no use"},
        {"a bucket in an address",
            [](Wanted& w) {
                w.endpoint = "https://10.0.0.5";
                w.addresses = "";
                w.more = R"(, "ca": ")" + certificate() + "\"";
            },
            "storage.s3.path_style", "must be true"},
        {"a bucket with a dot",
            [](Wanted& w) {
                w.names = R"("bucket": "a.files", "prefix": "x")";
                w.more = R"(, "ca": ")" + certificate() + "\"";
            },
            "storage.s3.bucket", "has a dot"},
        {"a bucket like an address", [](Wanted& w) { w.names = R"("bucket": "10.0.0.5", "prefix": "x")"; }, "storage.s3.bucket",
            "is not a name"},
        {"a prefix that climbs", [](Wanted& w) { w.names = R"("bucket": "files", "prefix": "a/../b")"; }, "storage.s3.prefix",
            "is not normal"},
        {"a prefix with nothing", [](Wanted& w) { w.names = R"("bucket": "files", "prefix": "a//b")"; }, "storage.s3.prefix",
            "is not normal"},
        {"the whole bucket", [](Wanted& w) { w.names = R"("bucket": "files", "prefix": "/")"; }, "storage.s3.prefix", "must match"},
        {"no authority", [](Wanted& w) { w.more = ""; }, "storage.s3.ca", "is missing"},
        {"no certificate", [](Wanted& w) { w.more = R"(, "ca": "x")"; }, "storage.s3.ca", "holds no certificate"},
        {"an authority without TLS",
            [](Wanted& w) {
                w.endpoint = "http://store.example";
                w.more += R"(, "plain": true)";
            },
            "storage.s3.ca", "has no use"},
        {"no such credential", [](Wanted& w) { w.credential = "other"; }, "storage.s3.credential", "is not the name"},
        {"a certificate", [](Wanted& w) { w.credential = "cert"; }, "storage.s3.credential", "is a client certificate"},
        {"one that is lent",
            [](Wanted& w) {
                w.egress = R"({"rules": [{"name": "site", "hosts": ["a.example"], "ports": [443], "rung": "bump",
                    "inject": {"credential": "store", "environment": "A_TOKEN"}}]})";
            },
            "storage.s3.credential", "is lent by rule site"},
        {"one that signs",
            [](Wanted& w) { w.egress = R"({"tripwire": {"session_mib": 1, "webhook": {"url": "https://soc.example/", "key": "store"}}})"; },
            "storage.s3.credential", "signs what"},
    };
    for (auto const& row : rows) {
        INFO(row.what);
        Wanted wanted;
        row.change(wanted);
        auto const verdict = admit_with(wanted);
        REQUIRE_FALSE(verdict);
        INFO(verdict.error().key << ": " << verdict.error().reason);
        CHECK(verdict.error().key == row.key);
        CHECK(verdict.error().reason.contains(row.reason));
    }
}

}  // namespace test_admit_store
