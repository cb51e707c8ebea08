// SPDX-License-Identifier: GPL-3.0-or-later

// `ocu-appliance` as the first process of a machine. Twice the same program: as /init in the initramfs, then as /sbin/init on the root
// that stage 1 has verified.

#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "appliance/commands.h"
#include "appliance/init/first_root.h"
#include "appliance/init/machine.h"

namespace ocu::appliance {

int boot_main(int argc, char** argv)
{
    if (::getpid() != 1) {
        std::fputs("error: boot: only the kernel starts this, as the first process of a machine\n", stderr);
        return 2;
    }
    if (argc > 0 && std::string_view(argv[0]) == "/init") init::run_first_root();
    init::run_machine();
}

}  // namespace ocu::appliance
