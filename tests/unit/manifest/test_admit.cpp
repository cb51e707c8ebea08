// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/manifest/schema, admit, explain. Each refusal with its key, the defaults, and the schema's own honesty.

#include "appliance/manifest/admit.h"
#include "appliance/manifest/explain.h"
#include "appliance/manifest/files.h"
#include "appliance/manifest/schema.h"
#include "base/crypto/crypto.h"
#include "base/sealed_face.h"

#include <set>

namespace test_admit {

using namespace ocu;
using namespace ocu::manifest;

std::string manifest_with(std::string const& members)
{
    return R"({"schema": "ocu-manifest/1", "serial": 7)" + (members.empty() ? "" : ", " + members) + "}";
}

constexpr char kHash[] = "sha256:000102030405060708090a0b0c0d0e0f:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
constexpr char kOtherHash[] = "sha256:100102030405060708090a0b0c0d0e0f:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

std::string caller(std::string const& name, std::string const& hash)
{
    return R"({"name": ")" + name + R"(", "key_hash": ")" + hash + R"("})";
}

struct Row {
    std::string members;
    std::string key;
    std::string reason;  // part of it
};

void check_refused(std::vector<Row> const& rows)
{
    for (auto const& row : rows) {
        INFO(row.members);
        auto const admitted = admit(manifest_with(row.members));
        REQUIRE_FALSE(admitted);
        CHECK(admitted.error().key == row.key);
        CHECK(admitted.error().reason.find(row.reason) != std::string::npos);
    }
}

TEST_CASE("manifest: given nothing but schema and serial, when it is admitted, then every default is the safe one", "[manifest][AP-2]")
{
    auto const applied = admit(manifest_with("")).value();
    CHECK(applied.serial == 7);
    CHECK(applied.digest.size() == 64);
    CHECK(applied.profile == "internal_workforce");
    CHECK(applied.tier == proto::Tier::gvisor);
    CHECK(applied.mcp.loopback);
    CHECK(applied.gateway.callers.empty());
    CHECK(applied.control.idle_max == std::chrono::seconds(900));
    CHECK(applied.control.absolute_max == std::chrono::hours(12));
    CHECK(applied.control.sessions_max == applied.sandbox.slots);
}

TEST_CASE("manifest: given `{}` in every section, when it is admitted, then it means the defaults", "[manifest][AP-2]")
{
    CHECK(admit(
        manifest_with(R"("appliance":{},"network":{},"mcp":{},"operators":{},"oidc":{},"egress":{},"credentials":{},"storage":{},"files":{},
        "sandbox":{},"audit":{},"soar":{},"update":{})")));
}

TEST_CASE("manifest: given a value, when it is admitted, then it reaches the role that it is for", "[manifest][AP-2]")
{
    auto const applied = admit(manifest_with(R"("appliance": {"name": "box", "profile": "trusted_operator"},
        "mcp": {"listen": "[::1]:9000", "chat_id": "required", "callers": [)" +
                                             caller("dev", kHash) + R"(],
                "limits": {"tool_timeout_s": 5, "tool_timeout_max_s": 6, "connections": 10, "sessions_per_caller": 3, "creates_per_minute": 4}},
        "operators": [{"name": "ada", "uid": 1000}], "storage": {"limits": {"file_mib": 1, "session_mib": 2}},
        "sandbox": {"rootfs": "full", "limits": {"sessions": 9, "pids": 99, "memory_mib": 100, "idle_s": 60}}, "audit": {"watermark": 71})"))
                             .value();
    CHECK(applied.tier == proto::Tier::runc);
    CHECK(applied.mcp.url() == "http://[::1]:9000");
    CHECK(applied.control.mcp_url == "http://[::1]:9000/mcp");
    CHECK(applied.gateway.chat_id_required);
    REQUIRE(applied.gateway.callers.size() == 1);
    CHECK(applied.gateway.callers[0].id == CallerId{1});
    CHECK(applied.gateway.callers[0].salt[15] == 0x0f);
    CHECK(applied.gateway.callers[0].digest[1] == 0x11);
    CHECK(applied.gateway.tool_timeout_default == std::chrono::seconds(5));
    CHECK(applied.gateway.connections_max == 10);
    CHECK(applied.control.sessions_per_caller_max == 3);
    CHECK(applied.control.creates_per_minute_max == 4);
    REQUIRE(applied.control.operators.size() == 1);
    CHECK(applied.control.operators[0].uid == 1000);
    CHECK(applied.control.idle_max == std::chrono::seconds(60));
    CHECK(applied.control.absolute_max.count() == 0);
    CHECK(applied.storage.session_bytes_max == 2u << 20);
    CHECK(applied.rootfs == "full");
    CHECK(applied.sandbox.slots == 9);
    CHECK(applied.sandbox.limits.pids == 99);
    CHECK(applied.audit.appliance_name == "box");
    CHECK(applied.control.audit_watermark_percent == 71);
}

TEST_CASE("manifest: given a key that is not of the format, when it is read, then it is refused by its path", "[manifest][AP-2][T-15]")
{
    check_refused({
        {R"("extras": {})", "extras", "not a key"},
        {R"("mcp": {"surprise": 1})", "mcp.surprise", "not a key"},
        {R"("mcp": {"limits": {"calls": 1}})", "mcp.limits.calls", "not a key"},
        {R"("mcp": {"callers": [{"name": "a", "key_hash": ")" + std::string(kHash) + R"(", "key": "x"}]})", "mcp.callers[0].key",
            "not a key"},
        {R"("a\u001bb": 1)", "a?b", "not a key"},
    });
}

TEST_CASE("manifest: given a key twice, when it is read, then it is refused by its path", "[manifest][T-15]")
{
    check_refused({
        {R"("serial": 8)", "serial", "twice"},
        {R"("mcp": {"limits": {"connections": 1, "connections": 2}})", "mcp.limits.connections", "twice"},
    });
}

TEST_CASE("manifest: given a missing, mistyped or out-of-range value, when it is read, then it is refused by its path", "[manifest][AP-2]")
{
    check_refused({
        {R"("appliance": [])", "appliance", "type object"},
        {R"("appliance": {"name": ""})", "appliance.name", "empty"},
        {R"("appliance": {"name": "a b"})", "appliance.name", "match"},
        {R"("appliance": {"profile": "root"})", "appliance.profile", "one of"},
        {R"("mcp": {"listen": 8811})", "mcp.listen", "type string"},
        {R"("mcp": {"listen": "localhost:8811"})", "mcp.listen", "match"},
        {R"("mcp": {"listen": "300.0.0.1:8811"})", "mcp.listen", "numeric"},
        {R"("mcp": {"listen": "127.0.0.1:99999"})", "mcp.listen", "port"},
        {R"("mcp": {"tls": 1})", "mcp.tls", "type boolean"},
        {R"("mcp": {"callers": [{"name": "a"}]})", "mcp.callers[0].key_hash", "missing"},
        {R"("mcp": {"callers": [{"name": "a", "key_hash": "sha256:00:11"}]})", "mcp.callers[0].key_hash", "match"},
        {R"("mcp": {"limits": {"connections": 0}})", "mcp.limits.connections", "between"},
        {R"("mcp": {"limits": {"connections": 1.5}})", "mcp.limits.connections", "type integer"},
        {R"("mcp": {"limits": {"tool_timeout_s": 601}})", "mcp.limits.tool_timeout_s", "above"},
        {R"("files": {"listen": "127.0.0.1:8811"})", "files.listen", "mcp.listen"},
        {R"("storage": {"limits": {"file_mib": 8, "session_mib": 4}})", "storage.limits.file_mib", "above"},
        {R"("storage": {"engine": "nfs"})", "storage.engine", "one of"},
        {R"("sandbox": {"rootfs": "../x"})", "sandbox.rootfs", "one of"},
        {R"("sandbox": {"warm_pool": 65})", "sandbox.warm_pool", "kept ready at most"},
        {R"("sandbox": {"warm_pool": 4, "limits": {"sessions": 4}})", "sandbox.warm_pool", "is not below"},
        {R"("sandbox": {"limits": {"idle_s": 901}})", "sandbox.limits.idle_s", "15 minutes"},
        {R"("sandbox": {"limits": {"absolute_s": 43201}})", "sandbox.limits.absolute_s", "12 hours"},
        {R"("audit": {"retention_days": 2554})", "audit.retention_days", "7 years"},
        {R"("audit": {"watermark": 9})", "audit.watermark", "long before"},
        {R"("audit": {"watermark": 96})", "audit.watermark", "long before"},
        {R"("audit": {"watermark": "80%"})", "audit.watermark", "type integer"},
        {R"("operators": [{"name": "a", "uid": 0}])", "operators[0].uid", "root"},
        {R"("operators": [{"name": "a", "uid": 884003}])", "operators[0].uid", "helpers"},
    });
    auto const no_serial = admit(R"({"schema": "ocu-manifest/1"})");
    CHECK(no_serial.error().key == "serial");
    auto const no_schema = admit(R"({"serial": 1})");
    CHECK(no_schema.error().key == "schema");
    CHECK(admit(R"({"schema": "ocu-manifest/2", "serial": 1})").error().key == "schema");
    CHECK(admit(R"({"schema": "ocu-manifest/1", "serial": 0})").error().key == "serial");
    CHECK_FALSE(admit("[]"));
    CHECK_FALSE(admit(""));
    CHECK_FALSE(admit("{"));
}

TEST_CASE("manifest: given what would weaken a boundary, when it is admitted, then it is refused with the reason",
    "[manifest][CT-8][CT-9][T-01][T-11]")
{
    check_refused({
        {R"("appliance": {"profile": "untrusted"})", "appliance.profile", "hardware-virtualised"},
        {R"("appliance": {"profile": "untrusted", "tier": "gvisor"})", "appliance.profile", "hardware-virtualised"},
        {R"("appliance": {"profile": "internal_workforce", "tier": "runc"})", "appliance.tier", "refused"},
        {R"("appliance": {"tier": "runc"})", "appliance.tier", "refused"},
        {R"("sandbox": {"limits": {"idle_s": 0}})", "sandbox.limits.idle_s", "cannot be off"},
        {R"("sandbox": {"limits": {"absolute_s": 0}})", "sandbox.limits.absolute_s", "cannot be off"},
        {R"("mcp": {"listen": "10.0.0.1:8443", "tls": false})", "mcp.tls", "in the clear"},
        {R"("files": {"listen": "0.0.0.0:8444", "tls": false})", "files.tls", "in the clear"},
        {R"("mcp": {"callers": [)" + caller("a", kHash) + "," + caller("b", kHash) + "]}", "mcp.callers[1].key_hash", "another"},
        {R"("mcp": {"callers": [)" + caller("a", kHash) + "," + caller("a", kOtherHash) + "]}", "mcp.callers[1].name", "twice"},
        {R"("operators": [{"name": "a", "uid": 5}, {"name": "b", "uid": 5}])", "operators[1].uid", "shared"},
        {R"("operators": [{"name": "root", "uid": 5}])", "operators[0].name", "twice"},
    });
    CHECK(admit(manifest_with(R"("mcp": {"listen": "10.0.0.1:8443"})"))->gateway.tls);
    CHECK(admit(manifest_with(R"("appliance": {"profile": "trusted_operator", "tier": "gvisor"})"))->tier == proto::Tier::gvisor);
}

TEST_CASE(
    "manifest: given a feature that is not there yet, when it is declared, then it is refused and never ignored", "[manifest][T-15][T-05]")
{
    check_refused({
        {R"("appliance": {"console": ["tty1"]})", "appliance.console", "no effect in this version"},
        {R"("mcp": {"callers": [{"name": "a", "key_hash": ")" + std::string(kHash) + R"(", "oauth": {"issuer": "x"}}]})",
            "mcp.callers[0].oauth", "no effect"},
        {R"("operators": [{"name": "a", "uid": 5, "roles": ["viewer"]}])", "operators[0].roles", "no effect"},
        {R"("oidc": {"issuer": "x"})", "oidc", "no effect"},
        {R"("soar": {"key": "x"})", "soar", "no effect"},
        {R"("update": {"auto": true})", "update", "no effect"},
        {R"("update": 0)", "update", "no effect"},
    });
}

TEST_CASE("manifest: given directories of the operator's, when one is not told apart or not by its content, then it is refused", "[manifest][SB-1]")
{
    std::string const hash(64, 'a');
    auto const one = R"({"name": "skills", "sha256": ")" + hash + R"("})";
    check_refused({
        {R"("sandbox": {"mounts": [)" + one + "," + one + "]}", "sandbox.mounts[1].name", "is there twice"},
        {R"("sandbox": {"mounts": [{"name": "skills"}]})", "sandbox.mounts[0].sha256", ""},
        {R"("sandbox": {"mounts": [{"name": "skills", "sha256": "00"}]})", "sandbox.mounts[0].sha256", ""},
        {R"("sandbox": {"mounts": [{"name": "../up", "sha256": ")" + hash + R"("}]})", "sandbox.mounts[0].name", ""},
        {R"("sandbox": {"mounts": ["/x"]})", "sandbox.mounts[0]", ""},
    });
    auto const applied = admit(manifest_with(R"("sandbox": {"mounts": [)" + one + "]}"));
    REQUIRE(applied);
    REQUIRE(applied->shipped.size() == 1);
    CHECK(applied->shipped[0].name == "skills");
    CHECK(explain(*applied).contains("/mnt/ocu/skills"));
}

TEST_CASE("manifest: given limits of the file API, when they cannot hold, then they are refused by name", "[manifest][SB-6][SB-7]")
{
    check_refused({
        {R"("files": {"limits": {"upload_mib": 0}})", "files.limits.upload_mib", ""},
        {R"("files": {"limits": {"upload_mib": 2048}})", "files.limits.upload_mib", "is above storage.limits.file_mib"},
        {R"("files": {"withhold": ["uploads/**/*.key", "*.key"]})", "files.withhold[1]", "begins with neither uploads, outputs nor **"},
        {R"("files": {"withhold": [""]})", "files.withhold[0]", ""},
        {R"("files": {"embed": {"ancestors": ["*"]}})", "files.embed.ancestors[0]", ""},
        {R"("files": {"listen": "192.0.2.1:8812", "embed": {"ancestors": ["http://chat.example"]}})", "files.embed.ancestors[0]",
            "without TLS"},
    });
    auto const plain = admit(manifest_with(""));
    CHECK(plain->storage.files.upload_bytes_max == 50u << 20);
    auto const small = admit(manifest_with(R"("storage": {"limits": {"file_mib": 8, "session_mib": 8}})"));
    CHECK(small->storage.files.upload_bytes_max == 8u << 20);
    CHECK(admit(manifest_with(R"("files": {"embed": {"ancestors": ["http://localhost:3000"]}})"))->frame_ancestors.size() == 1);
    auto const withholds = admit(manifest_with(R"("files": {"withhold": ["uploads/**/*.key", "outputs/raw/*"]})"));
    CHECK(withholds->storage.withhold == std::vector<std::string>{"uploads/**/*.key", "outputs/raw/*"});
    CHECK(explain(*withholds).contains("may not leave their session, nor a copy of them"));
    CHECK_FALSE(explain(*plain).contains("may not leave"));
}

std::string const kPem = "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n";  // the shape is all that is looked at here
std::string const kSealed =
    "ocu-sealed/1:appliance:7t2IPaCpRRWyWfbukty6ARGFCxOz9tzMgncm-bCCNatikitrPz8qGZX4vkqh36owZwvGJkoF39ORg3_gLhp7Kp4HcRf7"
    "MqZz8XsMMwRy0xTZ3A";

std::string identity(std::string const& certificate, std::string const& key)
{
    return R"("mcp": {"tls": {"certificate": ")" + certificate + R"(", "key": ")" + key + R"("}})";
}

TEST_CASE(
    "manifest: given an identity whose shape is wrong, when it is admitted, then refused by its key, and no key in the clear is taken",
    "[manifest][AP-2][T-12]")
{
    auto const passphrase = *sealed::seal_to_passphrase(*Secret::copy_of(crypto::as_bytes("p")), crypto::as_bytes("x"));
    check_refused({
        {R"("mcp": {"tls": {}})", "mcp.tls.certificate", "missing"},
        {R"("mcp": {"tls": {"certificate": "x"}})", "mcp.tls.key", "missing"},
        {R"("files": {"tls": {"certificate": "x", "key": "x"}})", "files.tls", "type boolean"},
        {identity("", kSealed), "mcp.tls.certificate", "empty"},
        {identity("x", kSealed), "mcp.tls.certificate", "PEM"},
        {identity(kPem + "-----BEGIN PRIVATE KEY-----", kSealed), "mcp.tls.certificate", "private key"},
        {identity(kPem, "-----BEGIN PRIVATE KEY-----"), "mcp.tls.key", "in the clear"},
        {identity(kPem, "x"), "mcp.tls.key", "manifest seal"},
        {identity(kPem, passphrase), "mcp.tls.key", "passphrase"},
        {identity(kPem, std::string(12'289, 'A')), "mcp.tls.key", "longer"},
        {identity(std::string(16'385, 'A'), kSealed), "mcp.tls.certificate", "longer"},
    });
}

TEST_CASE("manifest: given an identity, when it is admitted, then it is for both listeners, also on loopback", "[manifest][AP-2]")
{
    auto const applied = admit(manifest_with(identity(kPem, kSealed)));
    REQUIRE(applied);
    CHECK(applied->mcp.tls);
    CHECK(applied->gateway.tls);
    CHECK(applied->given_certificate.starts_with("-----BEGIN CERTIFICATE-----\nAAAA"));
    CHECK(applied->given_sealed_key == kSealed);
    CHECK(explain(*applied).contains("certificate of this manifest"));
    CHECK(explain(*admit(manifest_with(R"("mcp": {"listen": "10.0.0.1:8443"})"))).contains("the machine makes itself"));
}

TEST_CASE("manifest: given more host names than a certificate holds, when it is admitted, then refused", "[manifest][AP-2]")
{
    std::string hosts;
    for (int i = 0; i < 64; ++i) hosts += (i == 0 ? "\"" : ", \"") + std::string(120, 'a') + "\"";
    check_refused({{R"("mcp": {"hosts": [)" + hosts + "]}", "mcp.hosts", "certificate"}});
}

void visit_keywords(wire::JsonView schema, std::set<std::string>& seen)
{
    schema.each([&seen](std::string_view keyword, wire::JsonView value) {
        seen.emplace(keyword);
        if (keyword == "items") visit_keywords(value, seen);
        if (keyword == "properties") value.each([&seen](std::string_view, wire::JsonView each) { visit_keywords(each, seen); });
    });
}

TEST_CASE("manifest: given the schema, when its keywords are listed, then the checker knows every one", "[manifest][AP-2]")
{
    auto const schema = wire::Json::parse(schema_text());
    REQUIRE(schema);
    std::set<std::string> seen;
    visit_keywords(schema->view(), seen);
    for (auto const& keyword : seen) {
        INFO(keyword);
        CHECK(std::ranges::find(kSchemaKeywords, keyword) != kSchemaKeywords.end());
    }
}

TEST_CASE("manifest: given the example, when it is admitted and explained, then the words say what it opens", "[manifest][AP-2]")
{
    std::string const file = __FILE__;
    auto const tree = file.substr(0, file.rfind("/tests/"));
    auto const text = read_file(tree + "/appliance/manifest/example.json", kManifestBytesMax);
    REQUIRE(text);
    auto const applied = admit(*text);
    REQUIRE(applied);
    auto const words = explain(*applied);
    for (auto const* const part : {"workshop-1", "trusted_operator", "runc", "http://127.0.0.1:8811/mcp", "this machine only", "dev",
             "shift (uid 1000)", "2557 days", "packages.example.com", "$TRACKER_TOKEN gets credential tracker-key"})
        CHECK(words.find(part) != std::string::npos);
}

}  // namespace test_admit
