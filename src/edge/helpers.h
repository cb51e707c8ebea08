// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The entries of this role's helper processes, called by appliance/main.

#include "base/result.h"
#include "helper/helper.h"

namespace ocu::edge {

// `edge`: reads what the guest of one session sends. Configuration and descriptors: proto/edge_helper_to_edge.h.
Result<void> edge_main(helper::Helper& helper);
// `uplink`: resolves and dials. Configuration: proto::UplinkConfig; no descriptors.
Result<void> uplink_main(helper::Helper& helper);
// `storage-lane`: configuration proto::StorageLaneConfig; no descriptors.
Result<void> storage_lane_main(helper::Helper& helper);
// `notifier`: posts to the webhook. Configuration: proto::NotifierConfig; one descriptor: the roots that it verifies against.
Result<void> notifier_main(helper::Helper& helper);

}  // namespace ocu::edge
