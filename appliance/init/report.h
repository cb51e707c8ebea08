// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What goes back on the stick into ocu-report/: for a person (report.txt), for a program (report.json), and what clients and auditors
// need (mcp.crt, checkpoint.pub). Nothing of it is secret. Pure.

#include <cstdint>
#include <string>
#include <vector>

#include "appliance/init/network.h"
#include "appliance/init/sticks.h"

namespace ocu::init {

struct ReportFacts {
    // What became of the manifest on the stick that the report is written to.
    std::string candidate_digest;   // SHA-256, hex
    std::string refused_key;
    std::string refused_reason;     // empty: applied

    // What is in force; serial 0: nothing.
    std::int64_t serial = 0;
    std::string digest;
    std::string manifest;           // its bytes
    std::string name;
    std::string profile;
    std::string tier;
    std::string mcp_url;
    std::string files_url;
    std::string certificate_pem;    // STATE/mcp.crt; empty: none
    std::string checkpoint_key;     // STATE/audit/keys/checkpoint.pub
    std::string sealing_key;        // STATE/appliance.pub: secrets are sealed to it
    std::string vault_key;          // to what its keys are bound, in words
    std::string trusted_key_id;

    // The machine.
    std::string version;
    std::string kernel;
    std::string secure_boot;        // "on", "OFF: ..."
    std::string clock_source;
    std::string clock_trouble;
    std::vector<InterfaceState> interfaces;
    std::vector<std::string> macs;  // "eth0 52:54:00:12:34:56"
    std::int64_t when = 0;          // Unix seconds
};

// SHA-256 of the first certificate's DER, "AB:CD:..."; empty when there is none that can be read.
std::string certificate_fingerprint(std::string_view pem);

// Unix seconds as "2026-11-26T01:02:03Z".
std::string utc(std::int64_t seconds);

std::vector<ReportFile> make_report(ReportFacts const& facts);

}  // namespace ocu::init
