// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <format>
#include <ranges>

#include "sandbox/files.h"
#include "sandbox/host_limits.h"
#include "sandbox/limits.h"

namespace ocu::sandbox {

namespace {

constexpr std::uint64_t kCpuPeriodMicroseconds = 100'000;
constexpr std::size_t kUsageFileBytesMax = 1'024;
constexpr std::string_view kMembers[] = {"", "/run", "/box"};  // the group itself, and what may be beneath it

std::vector<std::string_view> split(std::string_view text, char by)
{
    std::vector<std::string_view> parts;
    for (auto const part : std::views::split(text, by))
        if (!part.empty()) parts.emplace_back(part.begin(), part.end());
    return parts;
}

Result<void> make_group(std::string const& path)
{
    if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return fail_os("make cgroup");
    return {};
}

bool exists(std::string const& path) { return ::access(path.c_str(), F_OK) == 0; }

std::uint64_t cpu_quota(CgroupLimits const& limits) { return limits.cpu_percent * kCpuPeriodMicroseconds / 100; }

void signal_members(std::string const& procs)
{
    for (auto const line : split(read_text(procs, 1u << 20), '\n')) {
        pid_t pid = 0;
        auto const parsed = std::from_chars(line.data(), line.data() + line.size(), pid);
        if (parsed.ec == std::errc() && pid > 1) ::kill(pid, SIGKILL);
    }
}

}  // namespace

std::optional<std::uint64_t> parse_count(std::string_view text)
{
    if (text.ends_with('\n')) text.remove_suffix(1);
    std::uint64_t count = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return count;
}

std::optional<std::uint64_t> parse_cpu_stat(std::string_view text)
{
    constexpr std::string_view kWord = "usage_usec ";
    for (auto const line : split(text, '\n'))
        if (line.starts_with(kWord)) return parse_count(line.substr(kWord.size()));
    return std::nullopt;
}

std::vector<CgroupTree> parse_cgroup_trees(std::string_view mountinfo)
{
    std::vector<CgroupTree> trees;
    for (auto const line : split(mountinfo, '\n')) {
        auto const dash = line.find(" - ");
        if (dash == std::string_view::npos) continue;
        auto const head = split(line.substr(0, dash), ' ');
        auto const tail = split(line.substr(dash + 3), ' ');
        if (head.size() < 5 || tail.size() < 3 || head[3] != "/") continue;  // a bind mount of a part is not the hierarchy
        CgroupTree tree{std::string(head[4]), {}, tail[0] == "cgroup2"};
        if (!tree.unified && tail[0] != "cgroup") continue;
        if (!tree.unified)
            for (auto const option : split(tail[2], ',')) tree.controllers.emplace_back(option);
        if (std::ranges::find(trees, tree.mount, &CgroupTree::mount) == trees.end()) trees.push_back(std::move(tree));
    }
    return trees;
}

std::vector<CgroupTree> mounted_cgroup_trees() { return parse_cgroup_trees(read_text("/proc/self/mountinfo", 1u << 20)); }

std::vector<std::string> disks_below(std::string const& block)
{
    std::vector<std::string> disks;
    std::error_code ignored;
    for (auto const& entry : std::filesystem::directory_iterator(block, ignored)) {
        auto const name = entry.path().filename().string();
        if (name.starts_with("ram") || name.starts_with("zram")) continue;  // memory, which has a limit of its own
        auto const size = parse_count(read_text(entry.path() / "size", 32));
        auto const device = read_text(entry.path() / "dev", 32);
        if (size.value_or(0) != 0 && device.ends_with('\n')) disks.push_back(device.substr(0, device.size() - 1));
        if (disks.size() == kLimitedDisksMax) break;
    }
    return disks;
}

Result<Cgroups> Cgroups::open(std::string const& prefix, bool disk_needed)
{
    Cgroups groups(mounted_cgroup_trees());
    if (groups.trees_.empty()) return fail(Fault::not_found, "no cgroup hierarchy is mounted");
    auto const limits = host_limits(groups.trees_, disk_needed);
    OCU_CHECK(check_limits(limits));
    groups.disk_needed_ = disk_needed;
    auto const disk = std::ranges::find(limits, Limit::disk, &HostLimit::limit);
    if (disk != limits.end() && disk->given == Given::yes) groups.disks_ = disks_below("/sys/block");
    if (groups.pure()) {
        auto const& root = groups.trees_.front().mount;
        OCU_CHECK(groups.enable_below(root));
        OCU_CHECK(make_group(root + "/" + prefix));
        OCU_CHECK(groups.enable_below(root + "/" + prefix));
    }
    return groups;
}

Result<void> Cgroups::enable_below(std::string const& group) const
{
    for (std::string_view const controller : {"+cpu", "+memory", "+pids"})
        OCU_CHECK(write_existing(group + "/cgroup.subtree_control", controller));
    if (!disks_.empty()) OCU_CHECK(write_existing(group + "/cgroup.subtree_control", "+io"));
    return {};
}

CgroupTree const* Cgroups::unified() const
{
    auto const found = std::ranges::find(trees_, true, &CgroupTree::unified);
    return found == trees_.end() ? nullptr : &*found;
}

CgroupTree const* Cgroups::with(std::string_view controller) const
{
    for (auto const& tree : trees_)
        if (std::ranges::find(tree.controllers, controller) != tree.controllers.end()) return &tree;
    return nullptr;
}

Result<void> Cgroups::limit_disks_v2(std::string const& group, CgroupLimits const& limits) const
{
    for (auto const& disk : disks_) {
        auto const set = write_existing(group + "/io.max", std::format("{} rbps={} wbps={} riops={} wiops={}", disk, limits.disk_bytes_per_s,
                                                               limits.disk_bytes_per_s, limits.disk_operations_per_s, limits.disk_operations_per_s));
        if (!set && disk_needed_) return set;
    }
    return {};
}

// v1 counts a group's own processes only, not those of groups beneath it.
Result<void> Cgroups::limit_disks_v1(std::string const& group, CgroupLimits const& limits) const
{
    if (disks_.empty()) return {};
    OCU_CHECK(make_group(group + "/box"));
    std::pair<std::string_view, std::uint64_t> const files[] = {{"read_bps", limits.disk_bytes_per_s}, {"write_bps", limits.disk_bytes_per_s},
        {"read_iops", limits.disk_operations_per_s}, {"write_iops", limits.disk_operations_per_s}};
    for (std::string_view const member : {"", "/box"}) {
        for (auto const& disk : disks_) {
            for (auto const& [file, value] : files) {
                auto const set = write_existing(std::format("{}{}/blkio.throttle.{}_device", group, member, file), std::format("{} {}", disk, value));
                if (!set && disk_needed_) return set;
            }
        }
    }
    return {};
}

Result<void> Cgroups::limit_v2(std::string const& name, CgroupLimits const& limits) const
{
    auto const group = trees_.front().mount + name;
    OCU_CHECK(enable_below(group));
    OCU_CHECK(write_existing(group + "/memory.max", std::to_string(limits.memory_bytes)));
    if (exists(group + "/memory.swap.max")) OCU_CHECK(write_existing(group + "/memory.swap.max", "0"));
    OCU_CHECK(write_existing(group + "/pids.max", std::to_string(limits.tasks)));
    OCU_CHECK(limit_disks_v2(group, limits));
    return write_existing(group + "/cpu.max", std::to_string(cpu_quota(limits)) + " " + std::to_string(kCpuPeriodMicroseconds));
}

Result<void> Cgroups::limit_v1(std::string const& name, CgroupLimits const& limits) const
{
    auto const memory = with("memory")->mount + name;
    auto const cpu = with("cpu")->mount + name;
    auto const bytes = std::to_string(limits.memory_bytes);
    // A restarted launcher finds a group that has the same limits already, and writing them again in this order is refused: the limit of
    // memory and swap may not be below that of memory. Equal values are accepted in any order.
    OCU_CHECK(write_existing(memory + "/memory.limit_in_bytes", bytes));
    if (exists(memory + "/memory.memsw.limit_in_bytes")) OCU_CHECK(write_existing(memory + "/memory.memsw.limit_in_bytes", bytes));
    // v1 leaves socket buffers out of the limit above: a guest that talks to itself would fill what all of the machine's TCP has. They
    // are counted only where this is set on the very group that a socket's owner is in: the guest's, or gVisor's, which opens them for it.
    if (exists(memory + "/memory.kmem.tcp.limit_in_bytes")) {
        OCU_CHECK(make_group(memory + "/box"));
        for (std::string_view const member : {"", "/box"}) {
            auto const limit = memory + std::string(member) + "/memory.kmem.tcp.limit_in_bytes";
            OCU_CHECK(write_existing(limit, std::to_string(kGuestSocketBytesMax)));
        }
    }
    OCU_CHECK(write_existing(with("pids")->mount + name + "/pids.max", std::to_string(limits.tasks)));
    if (auto const* const disks = with("blkio"); disks != nullptr) OCU_CHECK(limit_disks_v1(disks->mount + name, limits));
    OCU_CHECK(write_existing(cpu + "/cpu.cfs_period_us", std::to_string(kCpuPeriodMicroseconds)));
    return write_existing(cpu + "/cpu.cfs_quota_us", std::to_string(cpu_quota(limits)));
}

// The unified tree counts processor time without a controller; only where there is none is v1's own counter needed.
bool Cgroups::wanted(CgroupTree const& tree) const
{
    if (tree.unified) return true;
    for (std::string_view const controller : {"pids", "memory", "cpu", "freezer", "blkio"})
        if (&tree == with(controller)) return true;
    return unified() == nullptr && &tree == with("cpuacct");
}

Result<void> Cgroups::make(std::string const& name, CgroupLimits const& limits) const
{
    for (auto const& tree : trees_) {
        if (!wanted(tree)) continue;
        OCU_CHECK(make_group(tree.mount + name.substr(0, name.rfind('/'))));
        OCU_CHECK(make_group(tree.mount + name));
        if (tree.unified) OCU_CHECK(make_group(tree.mount + name + "/run"));
    }
    return pure() ? limit_v2(name, limits) : limit_v1(name, limits);
}

Result<std::vector<UniqueFd>> Cgroups::open_joins(std::string const& name) const
{
    std::vector<UniqueFd> joins;
    for (auto const& tree : trees_) {
        auto const path = tree.mount + name + (tree.unified ? "/run/cgroup.procs" : "/cgroup.procs");
        if (!exists(path)) continue;
        joins.emplace_back(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        if (!joins.back()) return fail_os("open cgroup.procs");
    }
    return joins;
}

void Cgroups::freeze_and_kill(CgroupTree const& tree, std::string const& name) const
{
    auto const group = tree.mount + name;
    (void)write_existing(group + "/freezer.state", "FROZEN");
    for (auto const member : kMembers) signal_members(group + std::string(member) + "/cgroup.procs");
    (void)write_existing(group + "/freezer.state", "THAWED");
}

void Cgroups::kill(std::string const& name) const
{
    // Who is frozen by the older controller dies only once it is thawed.
    if (auto const* const tree = unified(); tree != nullptr && write_existing(tree->mount + name + "/cgroup.kill", "1")) return freeze(name, false);
    if (auto const* const tree = with("freezer"); tree != nullptr) return freeze_and_kill(*tree, name);
    for (auto const& tree : trees_)
        for (auto const member : kMembers) signal_members(tree.mount + name + std::string(member) + "/cgroup.procs");
}

void Cgroups::freeze(std::string const& name, bool frozen) const
{
    if (auto const* const tree = with("freezer"); tree != nullptr)
        return void(write_existing(tree->mount + name + "/freezer.state", frozen ? "FROZEN" : "THAWED"));
    if (auto const* const tree = unified(); tree != nullptr) (void)write_existing(tree->mount + name + "/cgroup.freeze", frozen ? "1" : "0");
}

bool Cgroups::empty(std::string const& name) const
{
    for (auto const& tree : trees_) {
        auto const group = tree.mount + name;
        if (tree.unified) {
            // Unreadable is not empty: a guest is called dead only when the kernel says so (T-13).
            if (exists(group) && read_text(group + "/cgroup.events", 4096).find("populated 0") == std::string::npos) return false;
            continue;
        }
        for (auto const member : kMembers)
            if (!read_text(group + std::string(member) + "/cgroup.procs", 64).empty()) return false;
    }
    return true;
}

CgroupUsage Cgroups::usage(std::string const& name) const
{
    CgroupUsage usage;
    if (auto const* const tree = unified()) usage.cpu_us = parse_cpu_stat(read_text(tree->mount + name + "/cpu.stat", kUsageFileBytesMax));
    if (auto const* const tree = with("cpuacct"); tree != nullptr && !usage.cpu_us)
        if (auto const nanoseconds = parse_count(read_text(tree->mount + name + "/cpuacct.usage", 32))) usage.cpu_us = *nanoseconds / 1000;
    if (auto const* const tree = with("memory"))
        usage.memory_bytes = parse_count(read_text(tree->mount + name + "/memory.usage_in_bytes", 32));
    else if (auto const* const pure_tree = unified())
        usage.memory_bytes = parse_count(read_text(pure_tree->mount + name + "/memory.current", 32));
    return usage;
}

bool Cgroups::remove(std::string const& name) const
{
    bool gone = true;
    for (auto const& tree : trees_)
        for (auto const member : {kMembers[2], kMembers[1], kMembers[0]})
            if (::rmdir((tree.mount + name + std::string(member)).c_str()) != 0 && errno != ENOENT) gone = false;
    return gone;
}

void Cgroups::remove_prefix(std::string const& prefix) const
{
    for (auto const& tree : trees_) (void)::rmdir((tree.mount + "/" + prefix).c_str());
}

}  // namespace ocu::sandbox
