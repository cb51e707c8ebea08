// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The command line that makes a runtime start a slot's bundle. Only ever started, never asked to kill or delete: the launcher's own
// cgroup does the killing, and what a runtime keeps is one directory that is removed. So no runtime can hang a teardown (T-17).
//
// gVisor's flags: systrap needs no virtualisation. `--network=host` is host of the *lane's guest namespace*, whose path is in the
// bundle: the guest uses this kernel's TCP stack in a namespace without uplink. `--directfs=false` lets the sandbox run as nobody with no
// descriptor of a host directory; the gofer alone opens files. Limits are the launcher's cgroup (`--ignore-cgroups`).

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "proto/control_to_sandbox.h"
#include "sandbox/place.h"

namespace ocu::sandbox {

inline constexpr std::array<std::string_view, 6> kRunscFlags{
    "--platform=systrap", "--network=host", "--directfs=false", "--ignore-cgroups", "--overlay2=root:memory", "--host-uds=none"};

std::vector<std::string> start_command(LauncherConfig const& config, Place const& place, proto::Tier tier);

}  // namespace ocu::sandbox
