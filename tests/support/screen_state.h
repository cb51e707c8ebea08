// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A machine that serves, as its screen is told of it: what tests and pictures of the console show.

#include "proto/init_to_screen.h"

namespace ocu::test {

inline proto::ScreenState serving_state()
{
    proto::ScreenState state;
    state.phase = proto::MachinePhase::serving;
    state.name = "plant-7";
    state.version = "0.1.0";
    state.profile = "internal_workforce";
    state.tier = "gvisor";
    state.mcp_url = "https://192.0.2.7:8443/mcp";
    state.files_url = "https://192.0.2.7:8444/";
    state.fingerprint = "3F:A9:02:5C:77:E1:4B:D0:96:8A:1E:35:C4:F2:60:BD:08:5B:E7:91:2A:4D:CC:13:F0:6E:89:37:A2:54:DB:10";
    state.manifest_serial = 12;
    state.manifest_digest = "9c1185a5c5e9fc54612808977ee8f548b2258d31d7f0e1b6b2f1a6f5b2c3d4e5";
    state.manifest_note = "applied from the stick, unchanged since";
    state.trust = "key built into the image RWQf6LRCGA9i53ml";
    state.clock_source = "network time, 2 of 2 servers agree";
    state.state_kept = "on disk, encrypted";
    state.secure_boot = "on";
    state.vault_key = "sealed to the TPM";
    state.wall_clock = 1'795'655'239;
    state.uptime_s = 3 * 3600 + 12 * 60;
    state.sessions = 3;
    state.helpers_up = 11;
    state.helpers = 11;
    state.interfaces.push({"service", "service", "eth0", true, "192.0.2.7/24", ""});
    state.interfaces.push({"operator", "operator", "eth1", true, "198.51.100.7/24, 2001:db8::7/64", ""});
    return state;
}

}  // namespace ocu::test
