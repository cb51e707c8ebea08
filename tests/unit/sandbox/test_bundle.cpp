// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/sandbox/{place,bundle,runtime}. Checks what a guest is given and, more so, what not.

#include "sandbox/bundle.h"

#include <catch2/catch_test_macros.hpp>
#include <map>
#include <set>

#include "appliance/policy/seccomp_guest.h"
#include "sandbox/limits.h"
#include "sandbox/runtime.h"
#include "wire/json.h"

namespace test_bundle {

using namespace ocu;
using namespace ocu::sandbox;

struct BundleTest {
    BundleTest()
    {
        config.run_directory = "/run/ocu-1";
        config.cgroup_prefix = "ocu-1";
        config.runc = "/usr/sbin/runc";
        config.runsc = "/usr/bin/runsc";
        config.readme = "/run/ocu-1/README.md";
        config.limits.pids = 300;
        place = place_of(config, Slot{2});
    }
    wire::Json bundle(proto::Tier tier, bool readme = true) { return wire::Json::parse(bundle_of({config, place, tier, readme})).value(); }
    static wire::JsonView mount_at(wire::Json const& bundle, std::string_view target)
    {
        wire::JsonView found;
        bundle.view()["mounts"].each([&](std::string_view, wire::JsonView entry) {
            if (entry["destination"].string() == target) found = entry;
        });
        return found;
    }
    static std::set<std::string> strings(wire::JsonView list)
    {
        std::set<std::string> out;
        list.each([&](std::string_view, wire::JsonView entry) { out.emplace(entry.string().value()); });
        return out;
    }

    LauncherConfig config;
    Place place;
};

constexpr proto::Tier kTiers[] = {proto::Tier::runc, proto::Tier::gvisor};

}  // namespace test_bundle

TEST_CASE_METHOD(test_bundle::BundleTest, "bundle: given two slots, when their places are named, then they share no id, path or cgroup",
    "[sandbox][SX-2][T-05]")
{
    using namespace test_bundle;
    auto const next = place_of(config, Slot{3});
    CHECK(place.host_id == 1'131'072);
    CHECK(next.host_id == place.host_id + kHostIdsPerSlot);
    CHECK(next.directory != place.directory);
    CHECK(next.cgroup != place.cgroup);
    CHECK(next.container != place.container);
}

TEST_CASE_METHOD(test_bundle::BundleTest,
    "bundle: given either tier, when its bundle is made, then the guest has ids, namespaces and capabilities of its own only",
    "[sandbox][SX-1][SX-2][T-04]")
{
    using namespace test_bundle;
    for (auto const tier : kTiers) {
        auto const made = bundle(tier);
        auto const process = made.view()["process"];
        CHECK(process["noNewPrivileges"].boolean() == true);
        for (std::string_view const set : {"bounding", "effective", "permitted"})
            CHECK(strings(process["capabilities"][set]) == std::set<std::string>{"CAP_SETUID", "CAP_SETGID", "CAP_KILL"});
        for (std::string_view const set : {"inheritable", "ambient"}) CHECK(process["capabilities"][set].size() == 0);
        auto const part = made.view()["linux"];
        for (std::string_view const map : {"uidMappings", "gidMappings"}) {
            REQUIRE(part[map].size() == 1);
            CHECK(part[map].at(0)["containerID"].integer() == 0);
            CHECK(part[map].at(0)["hostID"].integer() == place.host_id);
            CHECK(part[map].at(0)["size"].integer() == kHostIdsPerSlot);
        }
        std::set<std::string> namespaces;
        part["namespaces"].each([&](std::string_view, wire::JsonView entry) {
            namespaces.emplace(entry["type"].string().value());
            // A path would be somebody else's namespace: only the slot's own network has one.
            if (entry["type"].string() == "network")
                CHECK(entry["path"].string() == place.net);
            else
                CHECK_FALSE(entry["path"]);
        });
        CHECK(namespaces.contains("cgroup") == (tier == proto::Tier::runc));
        for (auto const* const type : {"pid", "ipc", "uts", "mount", "user", "network"}) CHECK(namespaces.contains(type));
        CHECK(made.view()["root"]["readonly"].boolean() == true);
        CHECK(made.view()["root"]["path"].string() == place.root);
        CHECK(part["resources"]["devices"].size() == 1);
        CHECK(part["resources"]["devices"].at(0)["allow"].boolean() == false);
        CHECK(part["resources"]["devices"].at(0)["access"].string() == "rwm");
        CHECK_FALSE(part["devices"]);
    }
}

TEST_CASE_METHOD(test_bundle::BundleTest,
    "bundle: given a bundle, when its mounts are read, then uploads cannot be written and scratch is bounded",
    "[sandbox][SB-1][SX-2][T-06][T-08]")
{
    using namespace test_bundle;
    auto const made = bundle(proto::Tier::runc);
    CHECK(strings(mount_at(made, "/mnt/user-data/uploads")["options"]).contains("ro"));
    CHECK(strings(mount_at(made, "/mnt/user-data/outputs")["options"]).contains("rw"));
    for (auto const* const scratch : {"/tmp", "/workspace", "/dev/shm"}) {
        auto const options = strings(mount_at(made, scratch)["options"]);
        CHECK(options.contains("size=" + std::to_string(config.limits.scratch_bytes)));
        CHECK(options.contains("nr_inodes=" + std::to_string(config.limits.scratch_inodes)));
    }
    made.view()["mounts"].each([](std::string_view, wire::JsonView entry) { CHECK(strings(entry["options"]).contains("nosuid")); });
    CHECK_FALSE(mount_at(made, "/sys"));
    CHECK(mount_at(made, kGuestReadme));
    CHECK_FALSE(mount_at(bundle(proto::Tier::runc, false), kGuestReadme));
}

TEST_CASE_METHOD(test_bundle::BundleTest,
    "bundle: given either tier, when its bundle is made, then what tells of the host is masked, what steers it is read-only, and nothing "
    "dumps",
    "[sandbox][SX-2][T-04]")
{
    using namespace test_bundle;
    for (auto const tier : kTiers) {
        auto const made = bundle(tier);
        auto const part = made.view()["linux"];
        auto const masked = strings(part["maskedPaths"]);
        for (auto const* const path : {"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
                 "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/proc/interrupts", "/proc/kallsyms", "/proc/modules",
                 "/proc/config.gz", "/sys/firmware", "/sys/devices/virtual/powercap"}) {
            INFO(path);
            CHECK(masked.contains(path));
        }
        CHECK(strings(part["readonlyPaths"]) ==
              std::set<std::string>{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"});
        auto const process = made.view()["process"];
        CHECK(process["user"]["uid"].integer() == 0);  // of the user namespace; commands become another
        CHECK(process["terminal"].boolean() == false);
        CHECK(process["args"].size() == 1);
        CHECK(process["args"].at(0).string() == kGuestAgent);
        std::map<std::string, std::int64_t> limits;
        process["rlimits"].each([&](std::string_view, wire::JsonView entry) {
            CHECK(entry["soft"].integer() == entry["hard"].integer());
            limits[std::string(entry["type"].string().value())] = entry["hard"].integer().value();
        });
        CHECK(limits == std::map<std::string, std::int64_t>{{"RLIMIT_NOFILE", kGuestOpenFilesMax}, {"RLIMIT_CORE", 0}});
        process["env"].each([](std::string_view, wire::JsonView entry) {
            auto const text = entry.string().value();
            CHECK((text.starts_with("PATH=") || text.starts_with("HOME=") || text.starts_with("LANG=")));
        });
    }
    CHECK(bundle(proto::Tier::runc).view()["linux"]["cgroupsPath"].string() == place.cgroup + "/box");
}

TEST_CASE_METHOD(test_bundle::BundleTest,
    "bundle: given what the host binds into a guest, when its options are read, then no devices, and nothing of ours can be written or run",
    "[sandbox][SX-2][T-04]")
{
    using namespace test_bundle;
    auto const made = bundle(proto::Tier::runc);
    made.view()["mounts"].each([](std::string_view, wire::JsonView entry) {
        auto const options = strings(entry["options"]);
        auto const target = std::string(entry["destination"].string().value());
        INFO(target);
        if (target != "/dev" && target != "/dev/pts") CHECK(options.contains("nodev"));
        if (entry["type"].string() == "bind" && target != "/mnt/user-data/outputs") CHECK(options.contains("ro"));
    });
    for (auto const* const target : {"/etc/resolv.conf", "/etc/hosts", "/mnt/user-data/uploads", "/proc", "/dev", "/dev/shm"}) {
        INFO(target);
        CHECK(strings(mount_at(made, target)["options"]).contains("noexec"));
    }
}

TEST_CASE_METHOD(test_bundle::BundleTest,
    "bundle: given the runc tier, when its filter is read, then it denies by default and lists no way into the kernel",
    "[sandbox][SX-2][T-04]")
{
    using namespace test_bundle;
    auto const made = bundle(proto::Tier::runc);
    auto const filter = made.view()["linux"]["seccomp"];
    CHECK(filter["defaultAction"].string() == "SCMP_ACT_ERRNO");
    CHECK(filter["architectures"].size() == 1);  // no 32-bit calls beside it
    CHECK(filter["architectures"].at(0).string() == "SCMP_ARCH_X86_64");
    filter["syscalls"].each([](std::string_view, wire::JsonView rule) {
        auto const action = rule["action"].string();
        CHECK((action == "SCMP_ACT_ALLOW" || action == "SCMP_ACT_ERRNO"));
    });
    auto const allowed = strings(filter["syscalls"].at(0)["names"]);
    for (auto const* const call :
        {"io_uring_setup", "userfaultfd", "bpf", "perf_event_open", "keyctl", "add_key", "request_key", "init_module", "finit_module",
            "kexec_load", "mount", "umount2", "move_mount", "fsopen", "open_tree", "mount_setattr", "pivot_root", "unshare", "setns",
            "ptrace", "process_vm_readv", "open_by_handle_at", "reboot", "clone", "clone3", "socket", "personality"})
        CHECK_FALSE(allowed.contains(call));
    for (auto const* const call : {"execve", "openat", "futex", "connect", "setresuid"}) CHECK(allowed.contains(call));
    bool clone_is_bounded = false;
    filter["syscalls"].each([&](std::string_view, wire::JsonView rule) {
        if (rule["names"].at(0).string() != "clone") return;
        clone_is_bounded = rule["args"].at(0)["value"].integer() == static_cast<std::int64_t>(policy::kNamespaceFlags) &&
                           rule["args"].at(0)["op"].string() == "SCMP_CMP_MASKED_EQ";
    });
    CHECK(clone_is_bounded);
    CHECK_FALSE(bundle(proto::Tier::gvisor).view()["linux"]["seccomp"]);
}

TEST_CASE_METHOD(test_bundle::BundleTest,
    "bundle: given either tier, when the slot's limits are counted, then the runtime's own needs come on top", "[sandbox][SX-2][T-06]")
{
    using namespace test_bundle;
    CHECK(limits_of(config.limits, proto::Tier::runc).tasks == 300 + kRuncTasks);
    CHECK(limits_of(config.limits, proto::Tier::gvisor).tasks == 900 + kGvisorTasks);
    CHECK(bundle(proto::Tier::runc).view()["linux"]["resources"]["pids"]["limit"].integer() == 300);
}

TEST_CASE_METHOD(test_bundle::BundleTest,
    "runtime: given either tier, when its command is made, then it is detached and confined as decided", "[sandbox][SX-1][T-05]")
{
    using namespace test_bundle;
    auto const runc = start_command(config, place, proto::Tier::runc);
    CHECK(runc.front() == "/usr/sbin/runc");
    CHECK(runc.back() == "ocu-1-2");
    CHECK(std::ranges::find(runc, "--detach") != runc.end());
    auto const gvisor = start_command(config, place, proto::Tier::gvisor);
    CHECK(gvisor.front() == "/usr/bin/runsc");
    for (auto const flag : kRunscFlags) CHECK(std::ranges::find(gvisor, flag) != gvisor.end());
    config.runsc_flags.push("--platform=ptrace");
    auto const other = start_command(config, place, proto::Tier::gvisor);
    CHECK(std::ranges::find(other, "--platform=ptrace") != other.end());
    CHECK(std::ranges::find(other, "--platform=systrap") == other.end());
    auto const monitored = "--pod-init-config=" + place.monitor_config;
    for (auto const& each : {gvisor, other}) CHECK(std::ranges::find(each, monitored) != each.end());
    CHECK(std::ranges::find(runc, monitored) == runc.end());
}

TEST_CASE("bundle: given where gVisor's monitor is to speak, when it is told so, then every program is a point, and an error is not passed over", "[sandbox][SX-9]")
{
    using namespace test_bundle;
    auto const made = wire::Json::parse(monitor_config_of("/run/ocu/slots/1/monitor")).value();
    auto const session = made.view()["trace_session"];
    CHECK(session["points"].size() == 1);
    CHECK(session["points"].at(0)["name"].string() == "sentry/execve");
    CHECK(session["sinks"].size() == 1);
    CHECK(session["sinks"].at(0)["name"].string() == "remote");
    CHECK(session["sinks"].at(0)["config"]["endpoint"].string() == "/run/ocu/slots/1/monitor");
    CHECK_FALSE(session["sinks"].at(0)["ignore_setup_error"].boolean().value_or(false));
}

TEST_CASE_METHOD(test_bundle::BundleTest,
    "bundle: given an authority to trust, when the image has roots, then ours stand over them, read-only", "[sandbox][EG-8]")
{
    using namespace test_bundle;
    for (auto const tier : kTiers) {
        CHECK_FALSE(mount_at(bundle(tier), "/etc/ssl/certs/ca-certificates.crt"));
        CHECK_FALSE(mount_at(bundle(tier), "/etc/ssl/certs/java/cacerts"));
        auto const made = wire::Json::parse(bundle_of({config, place, tier, false, true, true})).value();
        for (auto const& [target, source] : {std::pair("/etc/ssl/certs/ca-certificates.crt", "/run/ocu-1/guest/ca-bundle.pem"),
                 std::pair("/etc/ssl/certs/java/cacerts", "/run/ocu-1/guest/cacerts")}) {
            auto const mount = mount_at(made, target);
            CHECK(mount["source"].string() == source);
            CHECK(strings(mount["options"]).contains("ro"));
        }
    }
}
