// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What `ocu-appliance run` is told on its command line. Policy comes from the manifest; this is only where things lie.

#include <expected>
#include <string>

namespace ocu::appliance {

struct RunOptions {
    std::string manifest;
    std::string trust;        // minisign public key
    std::string state;
    std::string image;        // EROFS file or directory
    std::string mounts;       // directory with the files of sandbox.mounts; empty: `mounts` beside the manifest
    std::string runc = "/usr/sbin/runc";
    std::string runsc;        // empty: no gVisor on this machine
    std::string tpm = "auto";  // what the vault's key is sealed to: machine_key.h
    std::string guest_readme; // shown to guests and, as instructions, to agents
    std::string service_address; // numeric; where the manifest leaves listeners to the machine. Empty: loopback
    bool status_lines = false;   // print STATUS lines on stdout as things change
};

// The options, or one line that says what is wrong with them.
std::expected<RunOptions, std::string> parse_run_options(int argc, char** argv);
extern char const kRunUsage[];

}  // namespace ocu::appliance
