// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/profiles/secret_source.h"
#include "custody/helpers.h"
#include "custody/source_task.h"

namespace ocu::custody {

namespace {

constexpr std::size_t kDescriptors = 3;  // the empty namespace, the stream, the channel to custody

}  // namespace

// Entered by re-execution: `ocu-appliance helper secret-source`. One question, one answer, the end. Not a byte of the source's is read before it is
// confined; what it holds is what this source answers to this question (T-26).
Result<void> secret_source_main(helper::Helper& helper)
{
    auto config = OCU_TRY(helper.receive_config<proto::SourceConfig>());
    auto& given = helper.descriptors();
    if (given.size() != kDescriptors) return fail(Fault::malformed, "a stream and a channel are needed");
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kSecretSource));
    OCU_CHECK(helper.confine(profiles::kSecretSource));
    auto link = OCU_TRY(helper.report_ready());
    wire::Loop loop;
    wire::Link core(loop, std::move(link), {{}, 4096}, [](wire::Link::Frame) {}, [&loop](wire::Lost) { loop.stop(); });
    SourceTask task(loop, std::move(config), std::move(given[1]), std::move(given[2]), [&loop] { loop.stop(); });
    loop.run();
    return {};
}

}  // namespace ocu::custody
