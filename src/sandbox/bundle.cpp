// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/bundle.h"

#include <initializer_list>

#include "appliance/policy/seccomp_guest.h"
#include "sandbox/limits.h"
#include "sandbox/trust.h"
#include "wire/json.h"

namespace ocu::sandbox {

namespace {

using wire::Json;
using Strings = std::vector<std::string>;

Json list_of(Strings const& items)
{
    Json list = Json::array();
    for (auto const& item : items) list.push(Json::string(item));
    return list;
}

Json mount(std::string_view target, std::string_view type, std::string_view source, Strings const& options)
{
    Json entry = Json::object();
    entry.set("destination", target).set("type", type).set("source", source).set("options", list_of(options));
    return entry;
}

Json bind(std::string_view source, std::string_view target, Strings const& options)
{
    Strings all{"bind", "nosuid", "nodev"};
    all.insert(all.end(), options.begin(), options.end());
    return mount(target, "bind", source, all);
}

Json scratch(std::string_view target, Limits const& limits, Strings const& options)
{
    Strings all{"nosuid", "nodev", "size=" + std::to_string(limits.scratch_bytes), "nr_inodes=" + std::to_string(limits.scratch_inodes)};
    all.insert(all.end(), options.begin(), options.end());
    return mount(target, "tmpfs", "tmpfs", all);
}

Json mounts_of(BundlePlan const& plan)
{
    auto const& limits = plan.config.limits;
    auto const shared = shared_of(plan.config);
    auto const user = std::to_string(kGuestUser);
    Json list = Json::array();
    list.push(mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}));
    list.push(mount("/dev", "tmpfs", "tmpfs", {"nosuid", "noexec", "strictatime", "mode=755", "size=65536"}));
    // Terminals are counted for the whole machine: without a bound of its own one guest could take all that others may have (T-06).
    Strings terminals{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"};
    if (plan.tier == proto::Tier::runc) terminals.push_back("max=" + std::to_string(kGuestTerminalsMax));
    list.push(mount("/dev/pts", "devpts", "devpts", terminals));
    list.push(scratch("/dev/shm", limits, {"noexec", "mode=1777"}));
    list.push(scratch("/tmp", limits, {"mode=1777"}));
    list.push(scratch("/workspace", limits, {"mode=755", "uid=" + user, "gid=" + user}));
    list.push(mount("/run", "tmpfs", "tmpfs", {"nosuid", "nodev", "mode=755", "size=4m"}));
    // A directory, because gVisor's gofer needs the target to exist in the read-only image itself: /run/ocu does, a file in it does not.
    list.push(bind(shared.guest, kGuestAgentDirectory, {"ro"}));
    list.push(bind(shared.resolv_conf, "/etc/resolv.conf", {"ro", "noexec"}));
    list.push(bind(shared.hosts, "/etc/hosts", {"ro", "noexec"}));
    if (plan.image_has_readme) list.push(bind(plan.config.readme.str(), kGuestReadme, {"ro", "noexec"}));
    if (plan.image_has_roots) list.push(bind(shared.roots, kImageRoots, {"ro", "noexec"}));
    if (plan.image_has_java_roots) list.push(bind(shared.java_roots, kImageJavaRoots, {"ro", "noexec"}));
    list.push(bind(plan.place.files + "/uploads", "/mnt/user-data/uploads", {"ro", "noexec"}));
    list.push(bind(plan.place.files + "/outputs", "/mnt/user-data/outputs", {"rw"}));
    // With what is mounted beneath: each of those is a read-only file system in itself.
    if (!plan.config.shipped.items().empty()) list.push(mount(kGuestShipped, "bind", shared.shipped, {"rbind", "nosuid", "nodev", "ro"}));
    return list;
}

Json process_of()
{
    // What the agent needs to become the commands' user and to end them. Commands themselves have none.
    Strings const capabilities{"CAP_SETUID", "CAP_SETGID", "CAP_KILL"};
    Json sets = Json::object();
    for (std::string_view const set : {"bounding", "effective", "permitted"}) sets.set(set, list_of(capabilities));
    for (std::string_view const set : {"inheritable", "ambient"}) sets.set(set, list_of({}));
    Json user = Json::object();
    user.set("uid", 0).set("gid", 0);
    Json limits = Json::array();
    for (auto const& [type, value] : {std::pair("RLIMIT_NOFILE", kGuestOpenFilesMax), std::pair("RLIMIT_CORE", std::uint64_t{0})}) {
        Json limit = Json::object();
        limit.set("type", type).set("soft", value).set("hard", value);
        limits.push(std::move(limit));
    }
    Json process = Json::object();
    process.set("terminal", false).set("user", std::move(user)).set("args", list_of({kGuestAgent})).set("cwd", "/");
    process.set("env", list_of({"PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", "HOME=/workspace", "LANG=C.UTF-8"}));
    process.set("capabilities", std::move(sets)).set("rlimits", std::move(limits)).set("noNewPrivileges", true);
    return process;
}

Json condition(std::int64_t index, std::uint64_t value, std::uint64_t value_two, std::string_view compare)
{
    Json entry = Json::object();
    entry.set("index", index).set("value", value).set("valueTwo", value_two).set("op", compare);
    return entry;
}

// All of them must hold.
Json conditions_of(policy::ArgumentRule const& rule)
{
    Json list = Json::array();
    list.push(condition(static_cast<std::int64_t>(rule.index), rule.value, rule.value_two, rule.compare));
    if (rule.equal_index >= 0) list.push(condition(rule.equal_index, rule.equal_value, 0, "SCMP_CMP_EQ"));
    return list;
}

Json seccomp_of()
{
    Json rules = Json::array();
    Json plain = Json::object();
    Json names = Json::array();
    for (auto const name : policy::kGuestSystemCalls) names.push(Json::string(name));
    plain.set("names", std::move(names)).set("action", "SCMP_ACT_ALLOW");
    rules.push(std::move(plain));
    for (auto const& rule : policy::kGuestArgumentRules) {
        Json entry = Json::object();
        entry.set("names", list_of({std::string(rule.name)})).set("action", "SCMP_ACT_ALLOW").set("args", conditions_of(rule));
        rules.push(std::move(entry));
    }
    // "No such call" rather than "not permitted": programs then use what came before it.
    Json absent = Json::object();
    Strings absent_names;
    for (auto const name : policy::kGuestAbsentCalls) absent_names.emplace_back(name);
    absent.set("names", list_of(absent_names)).set("action", "SCMP_ACT_ERRNO").set("errnoRet", policy::kNoSuchCall);
    rules.push(std::move(absent));
    Json seccomp = Json::object();
    seccomp.set("defaultAction", "SCMP_ACT_ERRNO").set("defaultErrnoRet", policy::kNotPermitted);
    seccomp.set("architectures", list_of({"SCMP_ARCH_X86_64"})).set("syscalls", std::move(rules));
    return seccomp;
}

Json namespaces_of(BundlePlan const& plan)
{
    Json list = Json::array();
    Strings types{"pid", "ipc", "uts", "mount", "user"};
    if (plan.tier == proto::Tier::runc) types.emplace_back("cgroup");  // gVisor shows cgroups of its own making
    for (auto const& type : types) {
        Json entry = Json::object();
        entry.set("type", type);
        list.push(std::move(entry));
    }
    Json network = Json::object();
    network.set("type", "network").set("path", plan.place.net);
    list.push(std::move(network));
    return list;
}

Json id_mapping(Place const& place)
{
    Json map = Json::object();
    map.set("containerID", 0)
        .set("hostID", static_cast<std::int64_t>(place.host_id))
        .set("size", static_cast<std::int64_t>(kHostIdsPerSlot));
    Json list = Json::array();
    list.push(std::move(map));
    return list;
}

Json linux_of(BundlePlan const& plan)
{
    Json linux_part = Json::object();
    linux_part.set("namespaces", namespaces_of(plan)).set("uidMappings", id_mapping(plan.place)).set("gidMappings", id_mapping(plan.place));
    linux_part.set("maskedPaths",
        list_of({"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
            "/proc/sched_debug", "/proc/scsi", "/proc/interrupts", "/proc/kallsyms", "/proc/modules", "/proc/config.gz", "/proc/cmdline",
            "/proc/diskstats", "/proc/partitions", "/proc/swaps", "/proc/iomem", "/proc/ioports", "/proc/key-users",
            "/proc/sys/kernel/random/boot_id", "/sys/firmware", "/sys/devices/virtual/powercap"}));
    linux_part.set("readonlyPaths", list_of({"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}));
    Json nothing = Json::object();
    nothing.set("allow", false).set("access", "rwm");
    Json devices = Json::array();
    devices.push(std::move(nothing));
    Json resources = Json::object();
    resources.set("devices", std::move(devices));
    if (plan.tier == proto::Tier::runc) {
        // The guest's own count, exactly; the rest is on the group above, which the launcher made.
        Json pids = Json::object();
        pids.set("limit", static_cast<std::int64_t>(plan.config.limits.pids));
        resources.set("pids", std::move(pids));
        linux_part.set("cgroupsPath", plan.place.cgroup + "/box").set("seccomp", seccomp_of());
    }
    linux_part.set("resources", std::move(resources));
    return linux_part;
}

}  // namespace

std::string bundle_of(BundlePlan const& plan)
{
    Json root = Json::object();
    root.set("path", plan.place.root).set("readonly", true);
    Json bundle = Json::object();
    bundle.set("ociVersion", "1.0.2").set("process", process_of()).set("root", std::move(root)).set("hostname", "sandbox");
    bundle.set("mounts", mounts_of(plan)).set("linux", linux_of(plan));
    return bundle.print();
}

std::string monitor_config_of(std::string const& endpoint)
{
    Json point = Json::object();
    point.set("name", "sentry/execve");
    Json points = Json::array();
    points.push(std::move(point));
    Json where = Json::object();
    where.set("endpoint", endpoint);
    Json sink = Json::object();
    sink.set("name", "remote").set("config", std::move(where));
    Json sinks = Json::array();
    sinks.push(std::move(sink));
    Json session = Json::object();
    session.set("name", "Default").set("points", std::move(points)).set("sinks", std::move(sinks));
    Json config = Json::object();
    config.set("trace_session", std::move(session));
    return config.print();
}

CgroupLimits limits_of(Limits const& limits, proto::Tier tier)
{
    std::uint32_t const tasks =
        tier == proto::Tier::runc ? limits.pids + kRuncTasks : limits.pids * kGvisorTasksPerGuestTask + kGvisorTasks;
    return {limits.memory_bytes + kRuntimeMemoryBytes, tasks, limits.cpu_percent, limits.disk_bytes_per_s, limits.disk_operations_per_s};
}

}  // namespace ocu::sandbox
