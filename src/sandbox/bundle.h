// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The OCI bundle of a slot: one builder for both tiers (SX-1), from the launcher's configuration and the slot's number. What the guest
// may not do is here: capabilities, system calls (appliance/policy/seccomp_guest.h), mounts, limits (SX-2, T-04, T-06).

#include <string>

#include "proto/control_to_sandbox.h"
#include "sandbox/cgroup.h"
#include "sandbox/place.h"

namespace ocu::sandbox {

struct BundlePlan {
    LauncherConfig const& config;
    Place const& place;
    proto::Tier tier;
    bool image_has_readme = false;  // the image has a file at kGuestReadme to put ours over
    bool image_has_roots = false;   // the same for kImageRoots, where there is an authority to trust
    bool image_has_java_roots = false;
};

inline constexpr char kGuestAgentDirectory[] = "/run/ocu";
inline constexpr char kGuestAgent[] = "/run/ocu/agent";
inline constexpr char kGuestShipped[] = "/mnt/ocu";  // a directory for each of the operator's
inline constexpr char kGuestReadme[] = "/usr/share/ocu/README.md";

// Text of config.json.
std::string bundle_of(BundlePlan const& plan);
// Text of gVisor's `--pod-init-config`: each program that the guest runs is told to whoever listens at `endpoint`, from the first on.
std::string monitor_config_of(std::string const& endpoint);
// What the slot as a whole may use: the guest's limits and what the runtime itself needs.
CgroupLimits limits_of(Limits const& limits, proto::Tier tier);

}  // namespace ocu::sandbox
