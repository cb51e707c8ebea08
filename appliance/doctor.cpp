// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/doctor.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <format>
#include <string_view>

#include "appliance/commands.h"
#include "appliance/machine_key.h"
#include "appliance/manifest/files.h"
#include "audit/cold_position.h"
#include "audit/layout.h"
#include "audit/recover.h"
#include "base/unique_fd.h"
#include "sandbox/host_limits.h"
#include "wire/json.h"

namespace ocu::appliance {

namespace {

Finding good(std::string what) { return {Health::good, std::move(what), {}}; }
Finding worse(std::string what, std::string advice) { return {Health::worse, std::move(what), std::move(advice)}; }
Finding bad(std::string what, std::string advice) { return {Health::bad, std::move(what), std::move(advice)}; }

// Files of /proc say that they are empty: read what comes.
std::string read_kernel_file(char const* path)
{
    UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
    std::string text(64u << 10, '\0');
    ssize_t const got = fd ? ::read(fd.get(), text.data(), text.size()) : 0;
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return text;
}

Finding examine_user()
{
    if (::geteuid() == 0) return good("runs as root");
    return bad("does not run as root", "start with sudo: namespaces, mounts and cgroups are made here, and privileges dropped after that");
}

Finding examine_kernel()
{
    utsname name{};
    if (::uname(&name) != 0) return bad("the kernel does not say its version", "a Linux kernel of 6.1 or later is needed");
    int major = 0;
    int minor = 0;
    std::string_view const release = name.release;
    auto const [dot, error] = std::from_chars(release.data(), release.data() + release.size(), major);
    if (error == std::errc{} && dot != release.data() + release.size())
        (void)std::from_chars(dot + 1, release.data() + release.size(), minor);
    if (std::pair(major, minor) >= std::pair(6, 1)) return good(std::format("kernel {}", release));
    return bad(std::format("kernel {}", release), "use a kernel of 6.1 or later (Debian 12 or 13)");
}

// In a child, because it cannot be undone.
Finding examine_namespaces()
{
    pid_t const child = ::fork();
    if (child == 0)
        ::_exit(::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS) == 0 ? 0 : 1);
    int status = 1;
    while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return good("user, network, process and mount namespaces");
    return bad("namespaces cannot be made",
        "raise user.max_user_namespaces and look at kernel.unprivileged_userns_clone, or at the container this runs in");
}

Finding examine_cgroups(std::vector<sandbox::CgroupTree> const& trees)
{
    if (trees.empty()) return bad("control groups", "mount cgroup2 on /sys/fs/cgroup");
    if (trees.size() == 1 && trees.front().unified) return good("control groups v2");
    return worse("control groups v1 (hybrid)", "works; boot with systemd.unified_cgroup_hierarchy=1 for the single hierarchy");
}

char const* words_of(sandbox::Limit limit)
{
    switch (limit) {
    case sandbox::Limit::pids: return "limit of tasks";
    case sandbox::Limit::memory: return "limit of memory";
    case sandbox::Limit::cpu: return "limit of processor time";
    case sandbox::Limit::swap: return "limit of swap";
    case sandbox::Limit::sockets: return "limit of socket buffers";
    case sandbox::Limit::kill: return "end of a whole sandbox at once";
    case sandbox::Limit::disk: return "limit of disk operations";
    }
    return "";
}

char const* advice_without(sandbox::Limit limit)
{
    switch (limit) {
    case sandbox::Limit::swap: return "works; boot with swapaccount=1, or without swap: a sandbox could fill the machine's swap";
    case sandbox::Limit::disk: return "works, if the manifest demands no such limit; boot with the controller: a sandbox could keep the disk busy";
    case sandbox::Limit::sockets: return "works; a sandbox's socket buffers are not counted as its memory";
    default: return "works; processes are ended one by one, in rounds, until none is left";
    }
}

Finding examine_limit(sandbox::HostLimit const& each)
{
    auto const what = std::format("{} ({})", words_of(each.limit), each.by);
    if (each.given == sandbox::Given::yes) return good(what);
    if (each.given == sandbox::Given::unseen) return worse(what + " cannot be seen yet", "works; it is shown once there is a control group with it");
    if (!each.needed) return worse(what + " is not there", advice_without(each.limit));
    return bad(what + " is not there", "boot without cgroup_disable for it, mount it, or delegate it to this container: without it no sandbox starts");
}

Finding examine_file_systems()
{
    std::string const known = read_kernel_file("/proc/filesystems");
    for (char const* const name : {"erofs", "overlay", "tmpfs"})
        if (known.find(std::format("\t{}\n", name)) == std::string::npos)
            return bad(std::format("file system {} is not there", name), std::format("modprobe {}", name));
    return good("file systems erofs, overlay, tmpfs");
}

Finding examine_fuse()
{
    UniqueFd const fuse(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
    if (fuse) return good("/dev/fuse");
    return bad("/dev/fuse cannot be opened", "modprobe fuse; in a container, pass the device in");
}

Finding examine_landlock()
{
    long const version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version >= 2) return good(std::format("Landlock, version {}", version));
    return bad("Landlock is not there", "boot with lsm=landlock,... (CONFIG_SECURITY_LANDLOCK): without it no helper starts");
}

Finding examine_seccomp()
{
    std::uint32_t const action = SECCOMP_RET_KILL_PROCESS;
    if (::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) return good("seccomp filters");
    return bad("seccomp filters are not there", "a kernel with CONFIG_SECCOMP_FILTER is needed: without it no helper starts");
}

// The smallest program of the kind that lanes use: it lets everything pass, and is never attached.
Finding examine_lookup_program()
{
    bpf_insn const instructions[] = {{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, SK_PASS}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
    bpf_attr attributes{};
    attributes.prog_type = BPF_PROG_TYPE_SK_LOOKUP;
    attributes.expected_attach_type = BPF_SK_LOOKUP;
    attributes.insn_cnt = std::size(instructions);
    attributes.insns = reinterpret_cast<std::uintptr_t>(instructions);
    attributes.license = reinterpret_cast<std::uintptr_t>("GPL");
    UniqueFd const program(static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes))));
    if (program) return good("BPF socket lookup (lanes)");
    return bad(std::format("BPF socket lookup programs cannot be loaded ({})", std::strerror(errno)),
        "needs root and a kernel with CONFIG_BPF_SYSCALL; look at kernel lockdown");
}

std::string find_program(std::initializer_list<char const*> paths)
{
    for (char const* const path : paths)
        if (::access(path, X_OK) == 0) return path;
    return {};
}

Finding examine_runc()
{
    std::string const path = find_program({"/usr/sbin/runc", "/usr/bin/runc", "/usr/local/sbin/runc", "/usr/local/bin/runc"});
    if (!path.empty()) return good(path);
    return bad("runc is not installed", "apt install runc");
}

Finding examine_runsc()
{
    std::string const path = find_program({"/usr/bin/runsc", "/usr/local/bin/runsc", "/usr/sbin/runsc"});
    if (!path.empty()) return good(path);
    return worse("runsc (gVisor) is not installed", "only profile trusted_operator can be served; apt install runsc for the others");
}

Finding examine_locked_memory()
{
    constexpr rlim_t kNeeded = 64u << 10;
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur >= kNeeded) return good("memory can be locked");
    return bad("memory cannot be locked", "raise RLIMIT_MEMLOCK (ulimit -l): keys are kept out of swap");
}

// A chip of TPM 1.2 has no resource manager in the kernel, and so no such device.
Finding examine_tpm()
{
    UniqueFd const device(::open(kTpmDevice, O_RDWR | O_CLOEXEC));
    if (device) return good(std::format("TPM 2.0 ({}): the vault's key is sealed to it", kTpmDevice));
    if (errno != ENOENT)
        return bad(
            std::format("{} cannot be opened ({})", kTpmDevice, std::strerror(errno)), "pass the device in, or start with --tpm none");
    return worse("no TPM 2.0: the vault's key is a file beside the vault",
        "works; whoever gets the state's disk can open the vault: switch the TPM on in the firmware, or keep the state on an encrypted "
        "volume");
}

// The manifest's own watermark is the appliance's to judge; here the ordinary one stands for it.
Finding examine_audit_disk(std::string const& state)
{
    constexpr unsigned kFilling = 80;
    constexpr unsigned kNearlyFull = 95;
    struct statvfs room{};
    if (::statvfs((state + "/audit").c_str(), &room) != 0)
        return bad(std::format("the record's directory in {} cannot be looked at ({})", state, std::strerror(errno)), "give --state the directory that run has");
    auto const used = static_cast<double>(room.f_blocks - room.f_bfree);
    auto const all = used + static_cast<double>(room.f_bavail);
    auto const percent = all == 0 ? 0u : static_cast<unsigned>(used * 100 / all);
    auto const what = std::format("the record's disk is {} % full", percent);
    if (percent < kFilling) return good(what);
    constexpr char kAdvice[] = "make room or give it a larger disk: when it is full, calls and operators' actions are refused, kill still works";
    return percent < kNearlyFull ? worse(what, kAdvice) : bad(what, kAdvice);
}

// Nothing: the record has no cold tier, or nothing is confirmed there yet.
std::optional<Finding> examine_cold_tier(std::string const& state)
{
    UniqueFd const directory(::open((state + "/audit").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    audit::SystemDisk disk;
    auto const text = disk.read_file(directory.get(), std::string(audit::kColdPath), audit::kColdBytesMax);
    if (!text) return std::nullopt;
    auto const position = audit::parse_cold(*text);
    auto const row = audit::list_segments(disk, directory.get());
    if (!position || !row) return worse("how far the record's cold tier is cannot be read", "the next start finds it out from what lies there");
    auto const sealed = std::max<std::uint64_t>(row->end, 1) - 1;
    auto const due = sealed - std::min(sealed, position->segment);
    auto const what = std::format("the record's cold tier has {} sealed segments, {} are due", position->segment, due);
    return due == 0 ? good(what) : worse(what, "ctl status says why; what it has not confirmed is not removed here");
}

char const* mark_of(Health health)
{
    switch (health) {
    case Health::good: return "ok  ";
    case Health::worse: return "note";
    case Health::bad: return "BAD ";
    }
    return "";
}

char const* word_of(Health health) { return health == Health::good ? "good" : health == Health::worse ? "note" : "bad"; }

}  // namespace

std::vector<Finding> examine(std::string const& state)
{
    auto const trees = sandbox::mounted_cgroup_trees();
    std::vector<Finding> findings{examine_user(), examine_kernel(), examine_namespaces(), examine_cgroups(trees)};
    for (auto const& each : sandbox::host_limits(trees)) findings.push_back(examine_limit(each));
    findings.insert(findings.end(), {examine_file_systems(), examine_fuse(), examine_landlock(), examine_seccomp(), examine_lookup_program(),
                                        examine_locked_memory(), examine_tpm(), examine_runc(), examine_runsc()});
    if (!state.empty()) findings.push_back(examine_audit_disk(state));
    if (auto cold = state.empty() ? std::nullopt : examine_cold_tier(state)) findings.push_back(std::move(*cold));
    return findings;
}

int verdict_of(std::vector<Finding> const& findings)
{
    return std::ranges::any_of(findings, [](Finding const& each) { return each.health == Health::bad; }) ? 1 : 0;
}

int doctor_main(int argc, char** argv)
{
    bool json = false;
    std::string state;
    for (int i = 1; i < argc; ++i) {
        std::string_view const word = argv[i];
        if (word == "--json") {
            json = true;
        } else if (word == "--state" && i + 1 < argc) {
            state = argv[++i];
        } else {
            bool const help = word == "--help";
            std::fputs("usage: ocu-appliance doctor [--json] [--state DIR]\n", help ? stdout : stderr);
            return help ? 0 : 2;
        }
    }
    auto const findings = examine(state);
    wire::Json list = wire::Json::array();
    for (auto const& each : findings) {
        if (!json) {
            std::printf(
                "%s  %s%s%s\n", mark_of(each.health), each.what.c_str(), each.advice.empty() ? "" : "\n      -> ", each.advice.c_str());
            continue;
        }
        wire::Json item = wire::Json::object();
        item.set("health", word_of(each.health)).set("what", each.what).set("advice", each.advice);
        list.push(std::move(item));
    }
    if (json) std::printf("%s\n", list.print().c_str());
    return verdict_of(findings);
}

}  // namespace ocu::appliance
