// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/init/report. What a person, a client and an auditor find in ocu-report/ on the stick.

#include "appliance/init/report.h"

#include "base/crypto/certificate.h"
#include "wire/json.h"

namespace test_report {

using namespace ocu;
using namespace ocu::init;

struct ReportTest {
    ReportTest()
    {
        std::vector<std::uint8_t> const der(200, 0x30);
        certificate = "-----BEGIN CERTIFICATE-----\n" + crypto::to_base64(der).insert(64, "\n") + "\n-----END CERTIFICATE-----\n";
        fingerprint = crypto::fingerprint_text(crypto::sha256(std::as_bytes(std::span(der))));
        facts.candidate_digest = std::string(64, 'c');
        facts.serial = 3;
        facts.digest = std::string(64, 'c');
        facts.manifest = "{}";
        facts.name = "vault-7";
        facts.profile = "internal_workforce";
        facts.tier = "gvisor";
        facts.mcp_url = "https://192.0.2.7:8443/mcp";
        facts.files_url = "https://192.0.2.7:8444/";
        facts.certificate_pem = certificate;
        facts.checkpoint_key = "vault-7+12345678+AAAA\n";
        facts.vault_key = "sealed to this machine's TPM";
        facts.trusted_key_id = "0807060504030201";
        facts.version = "0.1.0";
        facts.kernel = "6.12.1-ocu";
        facts.secure_boot = "on";
        facts.clock_source = "hardware clock, not checked";
        facts.clock_trouble = "nobody vouches for the time";
        facts.interfaces = {{"lan", "service", "eth0", true, {"192.0.2.7/24"}, ""}};
        facts.macs = {"eth0 52:54:00:12:34:56"};
        facts.when = 1'790'000'000;
    }
    std::string file(std::string const& name) const
    {
        for (auto const& each : make_report(facts))
            if (each.name == name) return each.content;
        return "(none)";
    }
    wire::Json json() const { return wire::Json::parse(file("report.json")).value(); }

    ReportFacts facts;
    std::string certificate;
    std::string fingerprint;
};

TEST_CASE_METHOD(ReportTest, "report: given an applied manifest, when it is reported, then a program finds everything", "[boot][AP-4]")
{
    auto const report = json();
    auto const root = report.view();
    CHECK(root["schema"].string() == "ocu-report/1");
    CHECK(root["result"].string() == "applied");
    CHECK(root["when"].string() == "2026-09-21T14:13:20Z");
    CHECK_FALSE(root["refusal"]);
    CHECK(root["manifest"]["serial"].integer() == 3);
    CHECK(root["mcp"].string() == "https://192.0.2.7:8443/mcp");
    CHECK(root["files"].string() == "https://192.0.2.7:8444/");
    CHECK(root["certificate"]["sha256"].string() == fingerprint);
    CHECK(root["checkpoint_key"].string() == facts.checkpoint_key);
    CHECK(root["trusted_key"].string() == "0807060504030201");
    CHECK(root["vault_key"].string() == "sealed to this machine's TPM");
    CHECK(root["secure_boot"].boolean() == true);
    CHECK(root["machine"]["secure_boot"].string() == "on");
    CHECK(root["machine"]["kernel"].string() == "6.12.1-ocu");
    CHECK(root["machine"]["clock_trouble"].string() == "nobody vouches for the time");
    CHECK(root["machine"]["interfaces"].at(0)["addresses"].at(0).string() == "192.0.2.7/24");
    CHECK(root["machine"]["network_cards"].at(0).string() == "eth0 52:54:00:12:34:56");
}

TEST_CASE_METHOD(ReportTest, "report: given an applied manifest, when it is reported, then a person can read it", "[boot][AP-4]")
{
    auto const text = file("report.txt");
    for (std::string_view const part : {"is applied", "vault-7", "serial 3", "https://192.0.2.7:8443/mcp", fingerprint.c_str(),
             "52:54:00:12:34:56", "192.0.2.7/24", "0807060504030201", "nobody vouches for the time", "rest sealed to this machine's TPM"})
        CHECK(text.find(part) != std::string::npos);
}

TEST_CASE_METHOD(
    ReportTest, "report: given an applied manifest, when it is reported, then what clients need lies beside it", "[boot][AP-4]")
{
    CHECK(file("mcp.crt") == certificate);
    CHECK(file("checkpoint.pub") == facts.checkpoint_key);
    CHECK(file("manifest-applied.json") == "{}");
    CHECK(file("appliance.pub") == "(none)");
    facts.sealing_key = "key";
    CHECK(file("appliance.pub") == "key");
}

TEST_CASE_METHOD(ReportTest, "report: given a machine without Secure Boot, when it is reported, then it says so to both", "[boot][T-22]")
{
    facts.secure_boot = "OFF: started without UEFI";
    auto const report = json();
    CHECK(report.view()["secure_boot"].boolean() == false);
    CHECK(file("report.txt").find("OFF: started without UEFI") != std::string::npos);
}

TEST_CASE_METHOD(
    ReportTest, "report: given a refusal, when it is reported, then it has key and reason and what stays in force", "[boot][AP-2]")
{
    facts.candidate_digest = std::string(64, 'd');
    facts.refused_key = "serial";
    facts.refused_reason = "must not fall: 3 was applied before";
    auto const report = json();
    CHECK(report.view()["result"].string() == "refused");
    CHECK(report.view()["refusal"]["key"].string() == "serial");
    CHECK(report.view()["refusal"]["reason"].string() == facts.refused_reason);
    CHECK(report.view()["stick_manifest_sha256"].string() == facts.candidate_digest);
    CHECK(report.view()["manifest"]["serial"].integer() == 3);
    CHECK(file("report.txt").find("REFUSED:\n  serial: must not fall") != std::string::npos);
    CHECK(file("report.txt").find("Serial 3 stays in force") != std::string::npos);
}

TEST_CASE_METHOD(
    ReportTest, "report: given a refusal on a machine without a manifest, when it is reported, then nothing is claimed", "[boot][AP-2]")
{
    facts.serial = 0;
    facts.refused_reason = "no";
    CHECK(make_report(facts).size() == 2);
    auto const report = json();
    CHECK_FALSE(report.view()["manifest"]);
    CHECK_FALSE(report.view()["mcp"]);
    CHECK(file("report.txt").find("no manifest yet") != std::string::npos);
}

TEST_CASE_METHOD(ReportTest, "report: given a manifest larger than a report file, when it is reported, then it is left out", "[boot][T-18]")
{
    facts.manifest.assign((256u << 10) + 1, ' ');
    CHECK(file("manifest-applied.json") == "(none)");
    CHECK(file("mcp.crt") == certificate);
}

TEST_CASE_METHOD(ReportTest, "report: given file names, when they are made, then each is a plain component", "[boot][T-18]")
{
    for (auto const& each : make_report(facts))
        CHECK(each.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") == std::string::npos);
}

TEST_CASE_METHOD(ReportTest, "report: given what is no certificate, when its fingerprint is asked, then there is none", "[boot]")
{
    CHECK(certificate_fingerprint(certificate) == fingerprint);
    for (std::string_view const bad : {"", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----",
             "-----BEGIN CERTIFICATE----------END CERTIFICATE-----", "-----END CERTIFICATE----------BEGIN CERTIFICATE-----"})
        CHECK(certificate_fingerprint(bad).empty());
}

}  // namespace test_report
