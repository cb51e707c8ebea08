// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Everything that a caller asks for runs in one of these: a process of its own session and group that has become the guest's user
// before it looks at a single byte of the request.

#include <sys/types.h>

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

}  // namespace ocu::guest
