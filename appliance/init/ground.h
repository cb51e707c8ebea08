// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the rest of the machine stands on, made once at the beginning of stage 2: mounts, kernel settings, limits of the first process.

#include <span>
#include <string>
#include <string_view>

#include "appliance/init/announce.h"

namespace ocu::init {

inline constexpr char kStateDirectory[] = "/state";
// A file system of its own, in at most a quarter of the memory: files of sandbox.mounts (shipped_files.h).
inline constexpr char kShippedDirectory[] = "/run/shipped";

struct Setting {
    std::string_view path;   // below /proc/sys/
    std::string_view value;
    std::string_view why;
    bool may_be_missing;     // the kernel may be built without what it sets
};

// What the kernel is told at start. Cards are down until the network is configured, which has settings of its own (network.h); so have
// the namespaces of sandboxes (src/sandbox/lane.cpp).
std::span<Setting const> kernel_settings();

// Errors: os, for what the machine cannot be without. What it can do without is said and passed over.
Result<void> mount_ground(Announcer const& announcer);
void apply_kernel_settings(Announcer const& announcer);
// Own limits; not dumpable; Ctrl-Alt-Del comes as a signal.
void settle_first_process(Announcer const& announcer);
// Until the kernel's random generator is ready; says so when that takes time.
void wait_for_entropy(Announcer const& announcer);
// The kernel's own name of this host. Errors: os.
Result<void> set_host_name(std::string const& name);

}  // namespace ocu::init
