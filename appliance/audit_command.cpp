// SPDX-License-Identifier: GPL-3.0-or-later

// The record's commands are a part of audit: an auditor's machine runs the same code.

#include "appliance/commands.h"
#include "audit/cli.h"

namespace ocu::appliance {

int audit_main(int argc, char** argv) { return audit::audit_main(argc, argv); }

}  // namespace ocu::appliance
