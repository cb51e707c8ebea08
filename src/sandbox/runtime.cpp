// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/runtime.h"

namespace ocu::sandbox {

std::vector<std::string> start_command(LauncherConfig const& config, Place const& place, proto::Tier tier)
{
    std::vector<std::string> words;
    if (tier == proto::Tier::runc) {
        words = {config.runc.str(), "--log", place.log, "--root", place.state};
    } else {
        words = {config.runsc.str(), "--log=" + place.log, "--root=" + place.state};
        for (auto const& flag : config.runsc_flags.items()) words.push_back(flag.str());
        if (config.runsc_flags.items().empty()) words.insert(words.end(), kRunscFlags.begin(), kRunscFlags.end());
        words.push_back("--pod-init-config=" + place.monitor_config);  // without its monitor no guest starts
    }
    // Detached: the runtime hands over descriptor 0 as it is (in the foreground it would put pipes between) and goes.
    words.insert(words.end(), {"run", "--detach", "--bundle", place.directory, "--pid-file", place.pid_file, place.container});
    return words;
}

}  // namespace ocu::sandbox
