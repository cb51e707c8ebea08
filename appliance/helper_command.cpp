// SPDX-License-Identifier: GPL-3.0-or-later

// `ocu-appliance helper NAME`: where a re-executed copy of this program becomes one helper and nothing else.

#include <array>
#include <cstdio>
#include <string_view>

#include "appliance/commands.h"
#include "audit/helpers.h"
#include "base/log.h"
#include "clock/helpers.h"
#include "console/helpers.h"
#include "control/helpers.h"
#include "custody/helpers.h"
#include "edge/helpers.h"
#include "gateway/helpers.h"
#include "helper/helper.h"
#include "helper/kind.h"
#include "network/helpers.h"
#include "sandbox/helpers.h"
#include "stick/helpers.h"
#include "storage/helpers.h"
#include "tpm/helpers.h"

namespace ocu::appliance {

namespace {

using HelperMain = Result<void> (*)(helper::Helper&);

// In the order of helper::Kind.
constexpr std::array<HelperMain, helper::kKinds> kHelperMains{gateway::gateway_front_main, control::operator_front_main,
    storage::files_front_main, storage::parser_main, custody::custody_main, sandbox::launcher_main, edge::uplink_main,
    edge::storage_lane_main, audit::audit_writer_main, edge::notifier_main, storage::broker_main, sandbox::exec_main, edge::edge_main, stick::mounter_main,
    stick::stick_main, network::dhcp_main, clock::time_main, console::screen_main, tpm::tpm_main, custody::secret_source_main, storage::sweeper_main, audit::audit_sink_main, audit::audit_witness_main, audit::audit_cold_main};

}  // namespace

int helper_main(int argc, char** argv)
{
    if (argc != 2) {
        std::fputs("error: helpers are started by a running appliance only\n", stderr);
        return 2;
    }
    std::string_view const name = argv[1];
    for (std::size_t i = 0; i < helper::kKinds; ++i) {
        if (name != helper::name_of(static_cast<helper::Kind>(i))) continue;
        auto self = helper::Helper::begin(name);
        auto const ended = self ? kHelperMains[i](*self) : Result<void>(std::unexpected(self.error()));
        if (ended) return 0;
        log::failure("helper ends", ended.error());
        return 1;
    }
    std::fputs("error: no such helper\n", stderr);
    return 2;
}

}  // namespace ocu::appliance
