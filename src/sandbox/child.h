// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Starts a runtime as a child of the launcher: inside the slot's cgroups before its first instruction, with the guest channel as
// descriptor 0 and nothing else of ours.

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace ocu::sandbox {

struct Command {
    std::vector<std::string> words;       // words[0] is the program's absolute path
    int channel = -1;                     // becomes descriptor 0; 1 and 2 are /dev/null
    std::vector<UniqueFd> cgroup_joins;
};

// The child's exit status 125 means that it could not join its cgroup, 126 that the program could not be executed. Errors: os.
Result<pid_t> start_child(Command const& command);

}  // namespace ocu::sandbox
