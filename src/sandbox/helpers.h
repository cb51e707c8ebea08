// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The sandbox role's helper processes, and what the launcher is told at its start. The core writes these paths from the manifest and its
// own directories; nothing that a caller, guest or agent said is among them.
//
// The run directory and every directory above it must be searchable by all (mode 0711 will do): a container's first process enters the
// guest image with the session's ids, before the image is its root. /run/ocu-<8 hex> is a good place.

#include "base/result.h"
#include "helper/helper.h"
#include "sandbox/sandbox.h"
#include "wire/text.h"

namespace ocu::sandbox {

using PathText = wire::Text<512>;

struct LauncherConfig {
    PathText run_directory;            // exists, owned by root; the launcher makes what is beneath it
    wire::Text<32> cgroup_prefix;      // "ocu-<8 hex>", one for each running appliance
    PathText image;                    // EROFS file, or a directory with a root file system
    PathText agent;                    // the guest agent's file
    PathText readme;                   // text for /usr/share/ocu/README.md; may be empty
    PathText authority;                // certificate (PEM) that guests trust for bumped connections; empty: none
    PathText runc;
    PathText runsc;                    // empty: tier gvisor is refused at Prepare
    wire::List<wire::Text<128>, 24> runsc_flags;  // empty: kRunscFlags of sandbox/runtime.h
    wire::List<wire::Text<32>, 8> shipped;  // names; with the frame comes, in order, the EROFS file of each
    std::uint32_t slots = 64;
    Limits limits;

    static void fields(auto& wire, auto& m)
    {
        wire(m.run_directory, m.cgroup_prefix, m.image, m.agent, m.readme, m.authority, m.runc, m.runsc, m.runsc_flags, m.shipped, m.slots);
        wire(m.limits.memory_bytes, m.limits.pids, m.limits.cpu_percent, m.limits.scratch_bytes, m.limits.scratch_inodes,
            m.limits.stream_bytes, m.limits.disk_bytes_per_s, m.limits.disk_operations_per_s, m.limits.disk_needed);
    }
};

// Entered by re-execution: `ocu-appliance helper launcher`. Link: proto/sandbox_to_launcher.h.
Result<void> launcher_main(helper::Helper& helper);
// `ocu-appliance helper exec`. Link: proto/sandbox_to_exec.h.
Result<void> exec_main(helper::Helper& helper);

}  // namespace ocu::sandbox
