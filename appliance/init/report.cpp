// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/report.h"

#include <chrono>
#include <format>

#include "base/crypto/certificate.h"
#include "wire/json.h"

namespace ocu::init {

namespace {

using wire::Json;

std::string joined(std::vector<std::string> const& parts)
{
    std::string out;
    for (auto const& each : parts) out += (out.empty() ? "" : ", ") + each;
    return out;
}

Json list_of(std::vector<std::string> const& texts)
{
    Json list = Json::array();
    for (auto const& each : texts) list.push(Json::string(each));
    return list;
}

Json interfaces_of(ReportFacts const& facts)
{
    Json list = Json::array();
    for (auto const& each : facts.interfaces) {
        Json entry = Json::object();
        entry.set("name", each.name).set("role", each.role).set("device", each.device).set("carrier", each.carrier);
        entry.set("addresses", list_of(each.addresses)).set("trouble", each.trouble);
        list.push(std::move(entry));
    }
    return list;
}

Json manifest_of(ReportFacts const& facts)
{
    Json out = Json::object();
    out.set("serial", facts.serial).set("sha256", facts.digest).set("name", facts.name);
    out.set("profile", facts.profile).set("tier", facts.tier);
    return out;
}

Json machine_of(ReportFacts const& facts)
{
    Json out = Json::object();
    out.set("version", facts.version).set("kernel", facts.kernel).set("secure_boot", facts.secure_boot);
    out.set("clock_source", facts.clock_source).set("clock_trouble", facts.clock_trouble);
    out.set("interfaces", interfaces_of(facts)).set("network_cards", list_of(facts.macs));
    return out;
}

// `manifest`, `mcp` and the like are of what is in force; they are left out while nothing is.
std::string as_json(ReportFacts const& facts)
{
    Json report = Json::object();
    report.set("schema", "ocu-report/1").set("when", utc(facts.when));
    report.set("result", facts.refused_reason.empty() ? "applied" : "refused");
    report.set("stick_manifest_sha256", facts.candidate_digest);
    if (!facts.refused_reason.empty()) {
        Json refusal = Json::object();
        refusal.set("key", facts.refused_key).set("reason", facts.refused_reason);
        report.set("refusal", std::move(refusal));
    }
    if (facts.serial > 0) {
        report.set("manifest", manifest_of(facts)).set("mcp", facts.mcp_url).set("files", facts.files_url);
        Json certificate = Json::object();
        certificate.set("file", "mcp.crt").set("sha256", certificate_fingerprint(facts.certificate_pem));
        report.set("certificate", std::move(certificate));
        report.set("checkpoint_key", facts.checkpoint_key).set("sealing_key", facts.sealing_key);
        report.set("vault_key", facts.vault_key);
    }
    report.set("trusted_key", facts.trusted_key_id).set("secure_boot", facts.secure_boot == "on");
    report.set("machine", machine_of(facts));
    return report.print_pretty() + "\n";
}

std::string outcome_in_words(ReportFacts const& facts)
{
    if (facts.refused_reason.empty()) return "The manifest on this stick is applied.\n";
    std::string out = "The manifest on this stick was REFUSED:\n  ";
    if (!facts.refused_key.empty()) out += facts.refused_key + ": ";
    out += facts.refused_reason + "\n";
    out += facts.serial > 0 ? std::format("Serial {} stays in force.\n", facts.serial) : "The machine has no manifest yet.\n";
    return out;
}

std::string as_text(ReportFacts const& facts)
{
    std::string out = std::format("Report of an ocu-appliance, {}\n\n", utc(facts.when)) + outcome_in_words(facts);
    if (facts.serial > 0) {
        out += std::format("\nAppliance        {}\nManifest         serial {}, sha256 {}\n", facts.name, facts.serial, facts.digest);
        out += std::format("MCP endpoint     {}\nFiles            {}\n", facts.mcp_url, facts.files_url);
        if (auto const print = certificate_fingerprint(facts.certificate_pem); !print.empty())
            out += "Its certificate  mcp.crt, SHA-256 fingerprint\n                 " + print + "\n";
        if (!facts.checkpoint_key.empty()) out += "Audit log        checkpoint.pub verifies what `audit export` gives\n";
        if (!facts.sealing_key.empty()) out += "Secrets for it   are sealed to appliance.pub (`manifest seal`)\n";
        if (!facts.vault_key.empty()) out += "Its own keys     rest " + facts.vault_key + "\n";
    }
    out += "\nTakes manifests signed with key " + (facts.trusted_key_id.empty() ? "(none yet)" : facts.trusted_key_id) + "\n";
    out += std::format("Version          {}, kernel {}\nSecure Boot      {}\nClock            {}\n", facts.version, facts.kernel,
        facts.secure_boot, facts.clock_source);
    if (!facts.clock_trouble.empty()) out += "                 " + facts.clock_trouble + "\n";
    for (auto const& each : facts.interfaces) {
        out += std::format("Interface        {} ({}) on {}: {}{}\n", each.name, each.role, each.device.empty() ? "no card" : each.device,
            each.addresses.empty() ? "no address" : joined(each.addresses), each.carrier ? "" : ", no cable");
        if (!each.trouble.empty()) out += "                 " + each.trouble + "\n";
    }
    for (auto const& each : facts.macs) out += "Network card     " + each + "\n";
    return out;
}

}  // namespace

std::string utc(std::int64_t seconds)
{
    return std::format("{:%Y-%m-%dT%H:%M:%SZ}", std::chrono::sys_seconds(std::chrono::seconds(seconds)));
}

std::string certificate_fingerprint(std::string_view pem)
{
    constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
    constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
    auto const begin = pem.find(kBegin);
    if (begin == std::string_view::npos) return {};
    auto const end = pem.find(kEnd, begin);
    if (end == std::string_view::npos) return {};
    std::string encoded;
    for (char const c : pem.substr(begin + kBegin.size(), end - begin - kBegin.size()))
        if (c != '\n' && c != '\r') encoded += c;
    auto const der = crypto::from_base64(encoded);
    if (!der || der->empty()) return {};
    return crypto::fingerprint_text(crypto::sha256(std::as_bytes(std::span(*der))));
}

std::vector<ReportFile> make_report(ReportFacts const& facts)
{
    std::vector<ReportFile> files{{"report.txt", as_text(facts)}, {"report.json", as_json(facts)}};
    if (facts.serial == 0) return files;
    // A report file is at most 256 KiB; a manifest may be larger, and whoever made it has it.
    constexpr std::size_t kFileBytesMax = 256u << 10;
    if (!facts.manifest.empty() && facts.manifest.size() <= kFileBytesMax) files.push_back({"manifest-applied.json", facts.manifest});
    if (!facts.certificate_pem.empty()) files.push_back({"mcp.crt", facts.certificate_pem});
    if (!facts.checkpoint_key.empty()) files.push_back({"checkpoint.pub", facts.checkpoint_key});
    if (!facts.sealing_key.empty()) files.push_back({"appliance.pub", facts.sealing_key});
    return files;
}

}  // namespace ocu::init
