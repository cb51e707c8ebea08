// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the machine shows and reports of itself, gathered from its parts.

#include "appliance/init/boot_plan.h"
#include "appliance/init/core_lines.h"
#include "appliance/init/network.h"
#include "appliance/init/report.h"
#include "appliance/init/time_keeper.h"

namespace ocu::init {

struct MachineView {
    BootPlan const& plan;
    Network const& network;
    TimeKeeper const& time;
    Clock const& clock;
    CoreReady const& urls;      // of the core that served last
    CoreStatus const& status;
    std::string const& secure_boot;
    Monotonic started;
};

// Cut to what a screen takes, never refused.
proto::ScreenState screen_state(MachineView const& view, std::string const& certificate_fingerprint);

// Reads the certificate, the checkpoint key and the network cards.
ReportFacts report_facts(MachineView const& view, WriteReport const& wanted);

// SHA-256 of the certificate that the core serves with; empty: none yet.
std::string own_fingerprint();

}  // namespace ocu::init
