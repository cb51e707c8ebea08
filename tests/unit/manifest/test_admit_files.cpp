// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/manifest/admit_files. Keys of embedding applications, and kinds of files that come in and go out.
#include <catch2/catch_test_macros.hpp>

#include "appliance/manifest/admit.h"
#include "appliance/manifest/explain.h"

namespace test_admit_files {

using namespace ocu;
using namespace ocu::manifest;

// Salts that differ.
std::string hash(char salt) { return "sha256:" + std::string(32, salt) + ":" + std::string(64, 'a'); }

std::string with(std::string const& files)
{
    return R"({"schema": "ocu-manifest/1", "serial": 7, "mcp": {"callers": [{"name": "dev", "key_hash": ")" + hash('0') +
           R"("}, {"name": "research", "key_hash": ")" + hash('1') + R"("}]}, "files": )" + files + "}";
}
std::string key(std::string const& name, std::string const& key_hash, std::string const& callers)
{
    return R"({"name": ")" + name + R"(", "key_hash": ")" + key_hash + R"(", "callers": [)" + callers + "]}";
}
std::string keys(std::string const& list) { return with(R"({"embed": {"keys": [)" + list + "]}}"); }

void refused(std::string const& text, std::string const& place, std::string const& reason)
{
    INFO(text);
    auto const admitted = admit(text);
    REQUIRE_FALSE(admitted);
    CHECK(admitted.error().key == place);
    CHECK(admitted.error().reason.find(reason) != std::string::npos);
}

TEST_CASE("manifest: given keys of embedding applications, when they are admitted, then each opens its callers' pages and is explained",
    "[manifest][T-30][SB-6]")
{
    auto const applied = admit(keys(key("portal", hash('2'), R"("dev", "research")") + "," + key("wiki", hash('3'), R"("dev")")));
    REQUIRE(applied);
    auto const& made = applied->storage.files.embed_keys;
    REQUIRE(made.size() == 2);
    CHECK(made[0].key.name == "portal");
    CHECK(made[0].callers == std::vector<std::string>{"dev", "research"});
    CHECK(made[0].key.id != made[1].key.id);
    for (auto const& caller : applied->gateway.callers) CHECK(caller.id != made[0].key.id);
    CHECK(applied->gateway.callers.size() == 2);
    CHECK(explain(*applied).find("The application portal has a key with which it lets browsers see and change files of: dev, research.") !=
          std::string::npos);
}

TEST_CASE("manifest: given a key of an embedding application that would do more, when it is admitted, then it is refused by name",
    "[manifest][T-01][T-30]")
{
    refused(keys(key("dev", hash('2'), R"("dev")")), "files.embed.keys[0].name", "is a caller's");
    refused(keys(key("portal", hash('0'), R"("dev")")), "files.embed.keys[0].key_hash", "is a caller's");
    refused(keys(key("portal", hash('2'), R"("nobody")")), "files.embed.keys[0].callers[0]", "no caller");
    refused(keys(key("portal", hash('2'), "")), "files.embed.keys[0].callers", "names no caller");
    refused(keys(key("portal", hash('2'), R"("dev", "dev")")), "files.embed.keys[0].callers[1]", "twice");
    refused(keys(key("a", hash('2'), R"("dev")") + "," + key("a", hash('3'), R"("dev")")), "files.embed.keys[1].name", "twice");
    refused(keys(key("a", hash('2'), R"("dev")") + "," + key("b", hash('2'), R"("dev")")), "files.embed.keys[1].key_hash", "another key's");
    refused(keys(key("a", "sha256:00:11", R"("dev")")), "files.embed.keys[0].key_hash", "");
    refused(keys(R"({"name": "a", "callers": ["dev"]})"), "files.embed.keys[0].key_hash", "missing");
    refused(keys(R"("x")"), "files.embed.keys[0]", "");
}

TEST_CASE("manifest: given kinds of files, when they are admitted, then brokers are told and it is explained", "[manifest][SB-5][SB-7]")
{
    auto const applied = admit(with(
        R"({"types": {"uploads": {"deny": ["application/x-elf", "video/*"]}, "outputs": {"allow": ["text/*", "image/png"], "deny": ["text/html"]}}})"));
    REQUIRE(applied);
    CHECK(applied->storage.upload_types.allow.items().empty());
    REQUIRE(applied->storage.upload_types.deny.items().size() == 2);
    CHECK(applied->storage.upload_types.deny.items()[1].view() == "video/*");
    CHECK(applied->storage.output_types.allow.items().size() == 2);
    auto const text = explain(*applied);
    CHECK(text.find("may be uploaded, by what they seem to be: every kind but application/x-elf, video/*.") != std::string::npos);
    CHECK(text.find("only text/*, image/png, and of these not text/html.") != std::string::npos);
    CHECK(admit(with(R"({"types": {}})")).has_value());
}

TEST_CASE("manifest: given patterns that are none, or that contradict each other, when they are admitted, then they are refused",
    "[manifest][SB-7]")
{
    for (auto const* const bad : {"text", "*/*", "text/", "text/pl*", "TEXT/PLAIN", "text/plain; charset=utf-8", "/x"})
        refused(with(R"({"types": {"uploads": {"deny": [")" + std::string(bad) + R"("]}}})"), "files.types.uploads.deny[0]", "");
    refused(
        with(R"({"types": {"outputs": {"allow": ["text/csv"], "deny": ["text/csv"]}}})"), "files.types.outputs.allow[0]", "denied as well");
    refused(with(R"({"types": {"outputs": {"deny": ["text/csv", "text/csv"]}}})"), "files.types.outputs.deny[1]", "twice");
    refused(with(R"({"types": {"inputs": {}}})"), "files.types.inputs", "");
}

}  // namespace test_admit_files
