// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// To which limits this machine can hold a sandbox. Read by the launcher before it makes a group, and by `doctor`: so they agree. Looks only.

#include <string_view>
#include <vector>

#include "sandbox/cgroup.h"

namespace ocu::sandbox {

enum class Limit : std::uint8_t { pids, memory, cpu, swap, sockets, kill, disk };

// unseen: the kernel shows it in a group whose parent hands its controller down, and there is none yet.
enum class Given : std::uint8_t { yes, no, unseen };

struct HostLimit {
    Limit limit;
    Given given;
    std::string_view by;  // the controller or file that gives it, or that is missing
    bool needed;          // without it no launcher starts
    bool operator==(HostLimit const&) const = default;
};

// In the order of Limit. `disk_needed`: the manifest demands a limit of disk operations.
std::vector<HostLimit> host_limits(std::vector<CgroupTree> const& trees, bool disk_needed = false);
// Errors: not_found, naming the first that is needed and not there.
Result<void> check_limits(std::vector<HostLimit> const& limits);

}  // namespace ocu::sandbox
