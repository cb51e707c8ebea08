// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/profiles/sweeper.h"
#include "helper/frame.h"
#include "proto/sweeper_to_storage.h"
#include "storage/engine.h"
#include "storage/helpers.h"
#include "storage/remote_parts.h"
#include "wire/http_client.h"

namespace ocu::storage {

namespace {

enum Descriptor : std::size_t { kNamespace, kSupply, kCredential, kDescriptors };

}  // namespace

// Removes what lies under one prefix, says what came of it, and ends. It has no session's key and could open nothing of what it removes.
Result<void> serve_sweeper(helper::Helper& helper, RemoteSweep const& sweep)
{
    auto const config = OCU_TRY(helper.receive_config<proto::SweeperConfig>());
    auto& descriptors = helper.descriptors();
    if (descriptors.size() != kDescriptors) return fail(Fault::malformed, "sweeper needs three descriptors");
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kSweeper));
    auto parts = OCU_TRY(RemoteParts::make(std::move(descriptors[kSupply]), std::move(descriptors[kCredential])));
    OCU_CHECK(wire::http_begin());  // opens files
    OCU_CHECK(helper.confine(profiles::kSweeper));
    auto credential = OCU_TRY(parts.credential());
    auto const link = OCU_TRY(helper.report_ready());
    auto const swept = sweep(place_of(config.place), std::move(credential), parts.connect());
    auto const count = swept.value_or(SweepCount{});
    proto::SweepDone const done{swept.has_value(), count.objects, count.bytes};
    return helper::write_frame(link.get(), static_cast<std::uint16_t>(proto::SweepDone::kType), wire::encode(done), {});
}

Result<void> sweeper_main(helper::Helper& helper) { return serve_sweeper(helper, s3_sweep); }

}  // namespace ocu::storage
