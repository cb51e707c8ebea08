// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/place.h"

#include "base/assert.h"
#include "sandbox/limits.h"

namespace ocu::sandbox {

Place place_of(LauncherConfig const& config, Slot slot)
{
    OCU_ASSERT(slot.value < kSlotsMax);
    auto const number = std::to_string(slot.value);
    Place place;
    place.directory = shared_of(config).slots + "/" + number;
    place.files = place.directory + "/files";
    place.root = place.directory + "/root";
    place.net = place.directory + "/net";
    place.state = place.directory + "/state";
    place.config = place.directory + "/config.json";
    place.log = place.directory + "/log";
    place.pid_file = place.directory + "/pid";
    place.monitor = place.directory + "/monitor";
    place.monitor_config = place.directory + "/monitor.json";
    place.container = config.cgroup_prefix.str() + "-" + number;
    place.cgroup = "/" + config.cgroup_prefix.str() + "/s" + number;
    place.host_id = kHostIdBase + static_cast<std::uint32_t>(slot.value) * kHostIdsPerSlot;
    return place;
}

Shared shared_of(LauncherConfig const& config)
{
    auto const& run = config.run_directory.str();
    return {run + "/image", run + "/etc", run + "/slots", run + "/etc/resolv.conf", run + "/etc/hosts", run + "/guest",
        run + "/guest/agent", run + "/guest/ca.pem", run + "/guest/ca-bundle.pem", run + "/guest/cacerts", run + "/shipped"};
}

}  // namespace ocu::sandbox
