// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What each standing helper is started with: its configuration and its descriptors, from the manifest and the machine. A helper gets
// what it needs to know; what it does not use is not sent.

#include <string>

#include "appliance/core.h"
#include "appliance/machine_key.h"
#include "appliance/manifest/manifest.h"
#include "appliance/run_options.h"
#include "appliance/state_dir.h"
#include "appliance/supervisor.h"

namespace ocu::appliance {

// What the machine has prepared for helpers. Outlives the supervisor.
struct Prepared {
    RunOptions options;
    manifest::Applied applied;
    StateDir state;
    MachineKey machine_key;
    std::string run_directory;
    std::string cgroup_prefix;
    std::string agent_file;
    std::string readme_file;
    std::string authority_file;  // where custody's report will be put before the launcher reads it; empty: nothing is bumped
    std::vector<UniqueFd> shipped;  // the files of sandbox.mounts, in order, with the content that the manifest names
    UniqueFd mcp_listener;
    UniqueFd files_listener;
    std::vector<audit::SinkGround> sinks;
    std::vector<UniqueFd> witness_roots;
    UniqueFd notifier_roots;  // what the webhook's receiver is verified against
};

// Gives the supervisor a plan for each standing helper.
void plan_helpers(Supervisor& supervisor, Core& core, Prepared const& prepared, gateway::Config const& gateway_config);

// What custody's thread asks others for.
custody::Config custody_sources(manifest::Applied const& applied);

// Who writes and who signs come first. The rest start together; the fronts are last among them, so that nobody is served early.
inline constexpr helper::Kind kStartFirst[] = {helper::Kind::audit_writer, helper::Kind::custody};
inline constexpr helper::Kind kStartThen[] = {helper::Kind::launcher, helper::Kind::parser, helper::Kind::uplink,
    helper::Kind::storage_lane, helper::Kind::notifier, helper::Kind::operator_front, helper::Kind::files_front,
    helper::Kind::gateway_front};
static_assert(std::size(kStartFirst) + std::size(kStartThen) == helper::kStandingKinds);

}  // namespace ocu::appliance
