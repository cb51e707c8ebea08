// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/profiles/audit_writer.h"
#include "audit/helpers.h"
#include "audit/writer.h"

namespace ocu::audit {

// The log is opened after confinement: recovery reads bytes that a crash, or somebody with the disk in hand, may have left.
Result<void> audit_writer_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::AuditWriterConfig>());
    if (helper.descriptors().size() != 1) return fail(Fault::malformed, "no audit directory");
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kAuditWriter));
    UniqueFd directory = std::move(helper.descriptors().front());
    helper.descriptors().clear();
    int const allowed = directory.get();
    OCU_CHECK(helper.confine(profiles::kAuditWriter, std::span(&allowed, 1)));

    SystemDisk disk;
    SystemClock const clock;
    Log::Options options{config.appliance_name.str()};
    if (config.segment_bytes != 0) options.segment_bytes = config.segment_bytes;
    auto log = OCU_TRY(Log::open(disk, std::move(directory), std::move(options), clock));
    auto link = OCU_TRY(helper.report_ready(wire::encode(opened_report(log))));
    wire::Loop loop;
    Writer writer(loop, std::move(log), std::move(link), clock);
    loop.run();
    return writer.outcome();
}

}  // namespace ocu::audit
