// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/manifest/admit_cold, and what explain says of it. Each refusal with its key.

#include <catch2/catch_test_macros.hpp>

#include "appliance/manifest/admit.h"
#include "appliance/manifest/explain.h"

namespace test_admit_cold {

using namespace ocu;
using namespace ocu::manifest;

// To a machine that nobody has.
constexpr std::string_view kSealed =
    "ocu-sealed/1:appliance:7t2IPaCpRRWyWfbukty6ARGFCxOz9tzMgncm-bCCNatikitrPz8qGZX4vkqh36owZwv"
    "GJkoF39ORg3_gLhp7Kp4HcRf7MqZz8XsMMwRy0xTZ3A";

struct Wanted {
    std::string cold = R"("endpoint": "http://s3.example:9000", "plain": true, "addresses": ["10.0.0.5"], "bucket": "record", "prefix": "box", "path_style": true, "credential": "cold")";
    std::string beside;   // after cold, within audit
    std::string storage = R"({"engine": "local"})";
    std::string profile = "trusted_operator";
};

std::string text_of(Wanted const& w)
{
    std::string const sealed(kSealed);
    return R"({"schema": "ocu-manifest/1", "serial": 7, "appliance": {"profile": ")" + w.profile + R"("}, "credentials": [{"name": "cold", "sealed": ")" + sealed +
           R"("}, {"name": "store", "sealed": ")" + sealed + R"("}], "storage": )" + w.storage + R"(, "audit": {"cold": {)" + w.cold + "}" + w.beside + "}}";
}

TEST_CASE("cold: given every key, when it is admitted, then each reaches its place and is said in words", "[manifest][AU-7][T-43]")
{
    Wanted wanted;
    wanted.beside = R"(, "hot_days": 90, "retention_days": 3000)";
    auto const applied = admit(text_of(wanted)).value();
    REQUIRE(applied.audit.cold);
    auto const& cold = *applied.audit.cold;
    CHECK(cold.store.endpoint.view() == "http://s3.example:9000");
    CHECK(cold.store.bucket.view() == "record");
    CHECK(cold.store.prefix.view() == "box/");
    CHECK(cold.mode == proto::ColdMode::compliance);
    CHECK(cold.days == 3000);
    CHECK(cold.hot_days == 90);
    CHECK(applied.edge.cold.addresses == std::vector<std::string>{"10.0.0.5"});
    CHECK(applied.edge.cold.port == 9000);
    CHECK(applied.edge.store.addresses.empty());
    CHECK(applied.cold.credential == "cold");
    auto const words = explain(applied);
    CHECK(words.contains("Sealed segments of the record are put into record/box/ of http://s3.example:9000, locked until they are 3000 days old (COMPLIANCE)."));
    CHECK(words.contains("What lies there may go from this machine after 90 days."));
    CHECK(words.contains("WARNING: without TLS. Whoever is on the way reads the record"));
    CHECK_FALSE(words.contains("Credential cold is used by no rule"));
    CHECK(cold.digest() != admit(text_of({})).value().audit.cold->digest());  // another lock is another place
}

TEST_CASE("cold: given none, or governance, when it is admitted, then nothing, or a warning", "[manifest][AU-7]")
{
    CHECK_FALSE(admit(R"({"schema": "ocu-manifest/1", "serial": 7})").value().audit.cold);
    Wanted wanted;
    wanted.cold += R"(, "mode": "governance")";
    auto const applied = admit(text_of(wanted)).value();
    CHECK(applied.audit.cold->mode == proto::ColdMode::governance);
    CHECK(applied.audit.cold->hot_days == 0);
    CHECK(explain(applied).contains("WARNING: who has the right to can remove what is locked."));
}

TEST_CASE("cold: given what is no cold tier, or shares what is another's, when it is admitted, then refused with its key", "[manifest][AU-7][T-43][T-12]")
{
    struct Row {
        char const* what;
        void (*change)(Wanted&);
        std::string key;
        std::string reason;
    };
    static constexpr auto kStore =
        R"({"engine": "s3", "s3": {"endpoint": "http://s3.example:9000", "plain": true, "addresses": ["10.0.0.5"], "path_style": true, )";
    std::vector<Row> const rows{
        {"no bucket", [](Wanted& w) { w.cold = R"("endpoint": "https://s3.example", "prefix": "a", "credential": "cold")"; }, "audit.cold", ""},
        {"no TLS and no word for it", [](Wanted& w) { w.cold.replace(w.cold.find("true"), 4, "false"); }, "audit.cold.endpoint", "audit.cold.plain"},
        {"this machine itself", [](Wanted& w) { w.profile = "internal_workforce"; w.cold.replace(w.cold.find("10.0.0.5"), 8, "127.0.0.1"); }, "audit.cold.addresses[0]", "this machine itself"},
        {"no such credential", [](Wanted& w) { w.cold.replace(w.cold.rfind("cold"), 4, "none"); }, "audit.cold.credential", "is not the name"},
        {"the store's credential", [](Wanted& w) { w.storage = kStore + std::string(R"("bucket": "files", "prefix": "x", "credential": "cold"}})"); }, "audit.cold.credential", "opens the store of session files"},
        {"a prefix that is swept", [](Wanted& w) { w.storage = kStore + std::string(R"("bucket": "record", "prefix": "box/files", "credential": "store"}})"); }, "audit.cold.prefix", "overlaps"},
        {"hot days below the floor", [](Wanted& w) { w.beside = R"(, "hot_days": 29)"; }, "audit.hot_days", "30 days"},
        {"hot days above the policy", [](Wanted& w) { w.beside = R"(, "hot_days": 2558)"; }, "audit.hot_days", "is above audit.retention_days, which is 2557"},
    };
    for (auto const& row : rows) {
        Wanted wanted;
        row.change(wanted);
        auto const refused = admit(text_of(wanted));
        INFO(row.what);
        REQUIRE_FALSE(refused);
        INFO(refused.error().key + ": " + refused.error().reason);
        CHECK(refused.error().key.starts_with(row.key));
        CHECK(refused.error().reason.contains(row.reason));
    }
    auto const alone = admit(R"({"schema": "ocu-manifest/1", "serial": 7, "audit": {"hot_days": 90}})");
    REQUIRE_FALSE(alone);
    CHECK(alone.error().key == "audit.hot_days");
}

}  // namespace test_admit_cold
