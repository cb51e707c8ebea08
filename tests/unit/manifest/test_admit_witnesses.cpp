// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/manifest/admit_witnesses. Who is shown the record's head; each refusal with its key.

#include <catch2/catch_test_macros.hpp>

#include "appliance/manifest/admit.h"
#include "appliance/manifest/explain.h"
#include "base/crypto/crypto.h"

namespace test_admit_witnesses {

using namespace ocu;
using namespace ocu::manifest;

std::string key_of(std::uint8_t number, audit::KeyKind kind = audit::KeyKind::witness)
{
    crypto::PublicKey key{};
    key.fill(number);
    auto text = audit::format_key(audit::make_key("witness.example/w" + std::to_string(number), key, kind));
    text.pop_back();
    return text;
}

std::string witness(std::string const& name, std::string const& more, std::string const& url = "https://w.example", std::string const& key = key_of(1))
{
    return R"({"name": ")" + name + R"(", "url": ")" + url + R"(", "key": ")" + key + "\"" + more + "}";
}

auto admit_of(std::string const& witnesses)
{
    return admit(R"({"schema": "ocu-manifest/1", "serial": 7, "audit": {"sinks": [{"name": "a", "kind": "file"}], "transparency_log": [)" + witnesses + "]}}");
}

void refused(std::string const& witnesses, std::string const& key, std::string const& reason)
{
    INFO(witnesses);
    auto const admitted = admit_of(witnesses);
    REQUIRE_FALSE(admitted);
    CHECK(admitted.error().key == "audit.transparency_log" + key);
    INFO(admitted.error().reason);
    CHECK(admitted.error().reason.contains(reason));
}

TEST_CASE("manifest: given witnesses, when they are admitted, then each has its place, its key and its pace, after the sinks", "[manifest][AU-9]")
{
    auto const applied = admit_of(witness("out", "") + "," + witness("in", R"(, "interval_s": 60, "addresses": ["10.0.0.0/8"])", "https://W.example:8443/v1/", key_of(2))).value();
    REQUIRE(applied.audit.witnesses.size() == 2);
    auto const& out = applied.audit.witnesses[0];
    CHECK(out.target == "/add-checkpoint");
    CHECK(out.interval == std::chrono::hours(24));
    CHECK(out.key.name == "witness.example/w1");
    auto const& in = applied.audit.witnesses[1];
    CHECK(in.host == "w.example");
    CHECK(in.target == "/v1/add-checkpoint");
    CHECK(in.authority == "w.example:8443");
    CHECK(in.interval == std::chrono::seconds(60));
    REQUIRE(applied.edge.sinks.size() == 3);
    CHECK(applied.edge.sinks[0].host.empty());
    CHECK(applied.edge.sinks[1].host == "w.example");
    CHECK(applied.edge.sinks[2].port == 8443);
    CHECK(applied.edge.sinks[2].ranges.size() == 1);
    CHECK(explain(applied).contains("The record's head is shown every 60 s to witness in (witness.example/w2), https://w.example:8443/v1/, verified against whoever signs"));
}

TEST_CASE("manifest: given a witness that cannot be one, when it is declared, then it is refused with its key", "[manifest][AU-9][T-15][T-40]")
{
    refused(witness("a", "", "http://w.example"), "[0].url", "");
    refused(witness("a", "", "https://w.example/?x=1"), "[0].url", "");
    refused(witness("a", "", "https://w.example:99999"), "[0].url", "");
    refused(witness("a", "", "https://w.example", "nonsense"), "[0].key", "is no verifier key");
    refused(witness("a", "", "https://w.example", key_of(1, audit::KeyKind::log)), "[0].key", "is no verifier key");
    refused(witness("a", "") + "," + witness("b", ""), "[1].key", "is that of another witness too");
    refused(witness("a", "") + "," + witness("a", "", "https://w.example", key_of(2)), "[1].name", "is there twice");
    refused(witness("a", R"(, "interval_s": 59)"), "[0].interval_s", "");
    refused(witness("a", R"(, "interval_s": 604801)"), "[0].interval_s", "");
    refused(witness("a", R"(, "client_certificate": "us")"), "[0].client_certificate", "is not the name of a client_certificate");
    refused(witness("a", R"(, "ca": "x")"), "[0].ca", "");
    refused(witness("a", R"(, "addresses": ["10.0.0.0/8"])", "https://10.1.2.3"), "[0].addresses", "is for a host name");
    refused(witness("a", R"(, "authorization": "x")"), "[0].authorization", "");
    refused(R"({"name": "a", "url": "https://w.example"})", "[0].key", "");
}

}  // namespace test_admit_witnesses
