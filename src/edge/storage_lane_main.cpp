// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/profiles/storage_lane.h"
#include "edge/helpers.h"
#include "proto/storage_lane_to_edge.h"

namespace ocu::edge {

Result<void> storage_lane_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::StorageLaneConfig>());
    if (!config.destinations.items().empty()) return fail(Fault::denied, "no destination can be served yet");
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kStorageLane));
    OCU_CHECK(helper.confine(profiles::kStorageLane));
    auto fd = OCU_TRY(helper.report_ready(wire::encode(proto::StorageLaneReport{})));
    wire::Loop loop;
    wire::Link const link(
        loop, std::move(fd), {proto::kEdgeToStorageLane, 1u << 16}, [](wire::Link::Frame) {}, [&loop](wire::Lost) { loop.stop(); });
    loop.run();
    return {};
}

}  // namespace ocu::edge
