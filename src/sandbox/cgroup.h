// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The cgroups of the sandboxes: limits (T-06), the kill that reaches everything (T-17), and the proof that nothing is left (T-13).
// Works with pure v2, with v1 controllers, and with v1 controllers beside an empty v2 tree ("hybrid").
//
//   v2:  /PREFIX/sN        limits, cgroup.kill          v1:  /PREFIX/sN   limits in each controller's tree; the runtime
//        /PREFIX/sN/run    the runtime, or all of gVisor     /PREFIX/sN/box  the guest under runc
//        /PREFIX/sN/box    the guest under runc
//
// In the hybrid tree nobody moves the guest, so it stays in unified/PREFIX/sN/run, and cgroup.kill of sN reaches it.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"

namespace ocu::sandbox {

struct CgroupLimits {
    std::uint64_t memory_bytes = 0;
    std::uint32_t tasks = 0;
    std::uint32_t cpu_percent = 0;
    std::uint64_t disk_bytes_per_s = 0;       // each way, of each disk; where the host has the controller
    std::uint64_t disk_operations_per_s = 0;
};

// What the kernel has counted for a group and all beneath it. Nothing: it does not say.
struct CgroupUsage {
    std::optional<std::uint64_t> cpu_us;        // of processor time, since the group was made
    std::optional<std::uint64_t> memory_bytes;  // now: pages, page cache and tmpfs that are charged to it
};

// "usage_usec N" of v2's cpu.stat.
std::optional<std::uint64_t> parse_cpu_stat(std::string_view text);
// A file that holds one number and a line's end.
std::optional<std::uint64_t> parse_count(std::string_view text);

struct CgroupTree {
    std::string mount;                     // "/sys/fs/cgroup/pids"
    std::vector<std::string> controllers;  // v1; empty for v2
    bool unified = false;
    bool operator==(CgroupTree const&) const = default;
};

// The cgroup hierarchies that /proc/self/mountinfo names.
std::vector<CgroupTree> parse_cgroup_trees(std::string_view mountinfo);
std::vector<CgroupTree> mounted_cgroup_trees();

// "MAJOR:MINOR" of each disk below `block` (/sys/block) that has a size. Partitions have no limits of their own.
std::vector<std::string> disks_below(std::string const& block);

class Cgroups {
public:
    // Disks that come later are not limited: what guests read is mounted by then. Errors: not_found (no cgroups, or a controller is
    // missing: which one, as host_limits has it), os.
    static Result<Cgroups> open(std::string const& prefix, bool disk_needed);

    // Idempotent. `name` is "/PREFIX/sN".
    Result<void> make(std::string const& name, CgroupLimits const& limits) const;
    // Files to which a process writes "0" to become a member.
    Result<std::vector<UniqueFd>> open_joins(std::string const& name) const;
    // One round: signals everything that is there now. Repeat until empty().
    void kill(std::string const& name) const;
    // Until it is undone or killed. A kernel that cannot leaves it as it was.
    void freeze(std::string const& name, bool frozen) const;
    bool empty(std::string const& name) const;
    // A few small files, read without waiting.
    CgroupUsage usage(std::string const& name) const;
    // False: the kernel is not done with its last process yet; try again.
    bool remove(std::string const& name) const;
    void remove_prefix(std::string const& prefix) const;

private:
    explicit Cgroups(std::vector<CgroupTree> trees) : trees_(std::move(trees)) {}
    CgroupTree const* unified() const;
    CgroupTree const* with(std::string_view controller) const;
    bool wanted(CgroupTree const& tree) const;
    bool pure() const { return trees_.size() == 1 && trees_.front().unified; }
    Result<void> limit_v1(std::string const& name, CgroupLimits const& limits) const;
    Result<void> limit_v2(std::string const& name, CgroupLimits const& limits) const;
    Result<void> limit_disks_v1(std::string const& group, CgroupLimits const& limits) const;
    Result<void> limit_disks_v2(std::string const& group, CgroupLimits const& limits) const;
    Result<void> enable_below(std::string const& group) const;
    void freeze_and_kill(CgroupTree const& tree, std::string const& name) const;

    std::vector<CgroupTree> trees_;
    std::vector<std::string> disks_;  // whose limits are set; empty: the host has no such controller
    bool disk_needed_ = false;        // a disk that takes no limit is then an error
};

}  // namespace ocu::sandbox
