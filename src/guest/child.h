// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Everything that a caller asks for runs in one of these: a process of its own session and group that has become the guest's user
// before it looks at a single byte of the request.

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "guest/guest.h"
#include "proto/exec_to_guest.h"

namespace ocu::guest {

struct Child {
    pid_t pid = -1;   // also its process group
    UniqueFd output;  // stdout and stderr, interleaved; non-blocking
};

// `variables`: "NAME=value", besides the fixed ones. Errors: os (no process or no pipe to be had).
Result<Child> start_shell(Place const& place, std::vector<std::string> const& variables, std::string const& command);
// Its exit status is a proto::FileOutcome, its output what the outcome says.
Result<Child> start_file_tool(Place const& place, proto::ToolArguments const& arguments);


struct TerminalCommand {
    std::string command;
    std::chrono::milliseconds cpu_max{};  // of each process; zero: none
};

// A login shell whose controlling terminal is `terminal`; what comes back is also its session and group. Errors: os.
Result<pid_t> start_on_terminal(Place const& place, std::vector<std::string> const& variables, int terminal, TerminalCommand const& command);

// What a shell would say of a status as waitpid() gives it.
int shell_status(int status);

}  // namespace ocu::guest
