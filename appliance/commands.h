// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The entry of each command of the program. argv[0] is the command's name. Returns the exit code of 03-interfaces: 0, 1 or 2.

namespace ocu::appliance {

int run_main(int argc, char** argv);
int ctl_main(int argc, char** argv);
int manifest_main(int argc, char** argv);
int audit_main(int argc, char** argv);
int vault_main(int argc, char** argv);
int doctor_main(int argc, char** argv);
int version_main(int argc, char** argv);
int helper_main(int argc, char** argv);
// As /init or as `boot` of process 1: does not return.
int boot_main(int argc, char** argv);

}  // namespace ocu::appliance
