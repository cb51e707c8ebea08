// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/host_limits.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <ranges>

#include "sandbox/files.h"

namespace ocu::sandbox {

namespace {

constexpr std::size_t kControllersBytesMax = 4096;

Given yes_if(bool given) { return given ? Given::yes : Given::no; }

bool exists(std::string const& path) { return ::access(path.c_str(), F_OK) == 0; }

CgroupTree const* tree_with(std::vector<CgroupTree> const& trees, std::string_view controller)
{
    for (auto const& tree : trees)
        if (!tree.unified && std::ranges::find(tree.controllers, controller) != tree.controllers.end()) return &tree;
    return nullptr;
}

// Whole words: "cpu" is not in "cpuset".
bool has_word(std::string_view text, std::string_view word)
{
    for (auto const part : std::views::split(text, ' ')) {
        std::string_view const each(part.begin(), part.end());
        if (each.substr(0, each.find('\n')) == word) return true;
    }
    return false;
}

// v2's root has no limits of its own: its groups show them. `beside` is the file that comes with the same controller.
Given in_a_group(std::string const& root, std::string_view file, std::string_view beside)
{
    std::error_code ignored;
    bool controlled = false;
    for (auto const& entry : std::filesystem::directory_iterator(root, ignored)) {
        if (exists(entry.path() / file)) return Given::yes;
        controlled = controlled || exists(entry.path() / beside);
    }
    return controlled ? Given::no : Given::unseen;
}

std::vector<HostLimit> limits_v2(std::string const& root, bool disk_needed)
{
    auto const controllers = read_text(root + "/cgroup.controllers", kControllersBytesMax);
    auto const has = [&](std::string_view name) { return yes_if(has_word(controllers, name)); };
    auto const memory = has("memory");
    return {
        {Limit::pids, has("pids"), "pids", true},
        {Limit::memory, memory, "memory", true},
        {Limit::cpu, has("cpu"), "cpu", true},
        {Limit::swap, memory == Given::no ? Given::no : in_a_group(root, "memory.swap.max", "memory.max"), "memory.swap.max", false},
        {Limit::sockets, memory, "memory", false},  // counted with all other memory
        {Limit::kill, in_a_group(root, "cgroup.kill", "cgroup.procs"), "cgroup.kill", false},
        {Limit::disk, has("io"), "io", disk_needed},
    };
}

std::vector<HostLimit> limits_v1(std::vector<CgroupTree> const& trees, bool disk_needed)
{
    auto const has = [&](std::string_view name) { return yes_if(tree_with(trees, name) != nullptr); };
    auto const* const memory = tree_with(trees, "memory");
    auto const* const disks = tree_with(trees, "blkio");
    auto const in_memory = [&](std::string_view file) {
        return yes_if(memory != nullptr && exists(memory->mount + "/" + std::string(file)));
    };
    bool const unified = std::ranges::any_of(trees, &CgroupTree::unified);
    return {
        {Limit::pids, has("pids"), "pids", true},
        {Limit::memory, has("memory"), "memory", true},
        {Limit::cpu, has("cpu"), "cpu", true},
        {Limit::swap, in_memory("memory.memsw.limit_in_bytes"), "memory.memsw.limit_in_bytes", false},
        {Limit::sockets, in_memory("memory.kmem.tcp.limit_in_bytes"), "memory.kmem.tcp.limit_in_bytes", false},
        {Limit::kill, unified ? Given::yes : has("freezer"), unified ? "the v2 tree" : "freezer", true},
        {Limit::disk, yes_if(disks != nullptr && exists(disks->mount + "/blkio.throttle.read_bps_device")), "blkio", disk_needed},
    };
}

}  // namespace

std::vector<HostLimit> host_limits(std::vector<CgroupTree> const& trees, bool disk_needed)
{
    if (trees.size() == 1 && trees.front().unified) return limits_v2(trees.front().mount, disk_needed);
    return limits_v1(trees, disk_needed);
}

Result<void> check_limits(std::vector<HostLimit> const& limits)
{
    for (auto const& each : limits) {
        if (!each.needed || each.given != Given::no) continue;
        switch (each.limit) {
        case Limit::pids: return fail(Fault::not_found, "the cgroup controller pids is missing");
        case Limit::memory: return fail(Fault::not_found, "the cgroup controller memory is missing");
        case Limit::cpu: return fail(Fault::not_found, "the cgroup controller cpu is missing");
        case Limit::disk: return fail(Fault::not_found, "the cgroup controller of disks (io, blkio) is missing, and the manifest demands a limit of them");
        default: return fail(Fault::not_found, "neither cgroup v2 nor the cgroup controller freezer");
        }
    }
    return {};
}

}  // namespace ocu::sandbox
