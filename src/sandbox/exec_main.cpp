// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "appliance/profiles/exec.h"
#include "sandbox/exec_session.h"
#include "sandbox/helpers.h"

namespace ocu::sandbox {

namespace {

enum Descriptor : std::size_t { kNamespace, kChannel, kMonitor, kDescriptors };

}  // namespace

// Entered by re-execution, one for each session: `ocu-appliance helper exec`. The guest's first byte is read after confine().
Result<void> exec_main(helper::Helper& helper)
{
    auto config = OCU_TRY(helper.receive_config<proto::ExecConfig>());
    auto& descriptors = helper.descriptors();
    if (descriptors.size() != (config.monitored ? kDescriptors : kMonitor)) return fail(Fault::malformed, "exec needs two descriptors, or three");
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kExec));
    UniqueFd channel = std::move(descriptors[kChannel]);
    UniqueFd monitor = config.monitored ? std::move(descriptors[kMonitor]) : UniqueFd();
    OCU_CHECK(helper.confine(profiles::kExec));
    wire::Loop loop;
    SystemClock const clock;
    ExecSession session(loop, clock, std::move(config), {OCU_TRY(helper.report_ready()), std::move(channel), std::move(monitor)}, [&loop] { loop.stop(); });
    loop.run();
    return {};
}

}  // namespace ocu::sandbox
