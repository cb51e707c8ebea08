// SPDX-License-Identifier: GPL-3.0-or-later
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

#include "appliance/profiles/launcher.h"
#include "sandbox/helpers.h"
#include "sandbox/launcher.h"

namespace ocu::sandbox {

// Ends by returning, when the core has gone and everything has been taken away. Not killed with its parent: somebody must clean up.
Result<void> launcher_main(helper::Helper& helper)
{
    auto config = OCU_TRY(helper.receive_config<LauncherConfig>());
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kLauncher));
    // A detached guest's first process becomes our child, so that its end is seen. Its end is read as an event, not taken as a signal.
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return fail_os("become subreaper");
    sigset_t children;
    ::sigemptyset(&children);
    ::sigaddset(&children, SIGCHLD);
    if (::sigprocmask(SIG_BLOCK, &children, nullptr) != 0) return fail_os("block SIGCHLD");
    OCU_CHECK(helper.confine(profiles::kLauncher));
    wire::Loop loop;
    std::string const run_directory = config.run_directory.str();
    auto launcher = OCU_TRY(Launcher::begin(loop, std::move(config), std::move(helper.descriptors())));
    auto link = OCU_TRY(helper.report_ready());
    launcher->serve(std::move(link), [&loop] { loop.stop(); });
    loop.run();
    launcher.reset();
    // The core is gone, perhaps without a last word: the directory that it made on the host goes with what was mounted on it.
    ::umount2(run_directory.c_str(), MNT_DETACH);
    ::rmdir(run_directory.c_str());
    return {};
}

}  // namespace ocu::sandbox
