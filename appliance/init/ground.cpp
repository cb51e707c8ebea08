// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/ground.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <format>

#include "base/unique_fd.h"

namespace ocu::init {

namespace {

constexpr unsigned long kPlain = MS_NOSUID | MS_NODEV | MS_NOEXEC;
constexpr rlim_t kOpenFilesMax = 65'536;

enum class Need { must, may };

struct Mount {
    char const* source;
    char const* target;
    char const* type;
    unsigned long flags;
    char const* options;
    Need need;
};

// The root is read-only: targets exist in it, or in what was mounted before. The state lives in memory until it has a disk.
constexpr Mount kMounts[] = {
    {"run", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=20%,nr_inodes=800k", Need::must},
    {"tmp", "/tmp", "tmpfs", kPlain, "mode=1777,size=10%,nr_inodes=400k", Need::must},
    {"state", kStateDirectory, "tmpfs", kPlain, "mode=711,size=50%,nr_inodes=2m", Need::must},
    {"shipped", kShippedDirectory, "tmpfs", kPlain, "mode=700,size=25%,nr_inodes=64", Need::must},
    {"devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "mode=600,ptmxmode=666,newinstance", Need::must},
    {"shm", "/dev/shm", "tmpfs", kPlain, "mode=1777,size=10%", Need::must},
    {"securityfs", "/sys/kernel/security", "securityfs", kPlain, nullptr, Need::may},
    {"efivarfs", "/sys/firmware/efi/efivars", "efivarfs", kPlain | MS_RDONLY, nullptr, Need::may},
    {"cgroup2", "/sys/fs/cgroup", "cgroup2", kPlain, "nsdelegate,memory_recursiveprot", Need::must},
    {"bpf", "/sys/fs/bpf", "bpf", kPlain, "mode=700", Need::may},
};

constexpr Setting kSettings[] = {
    {"kernel/kptr_restrict", "2", "no kernel address is shown to anybody", false},
    {"kernel/dmesg_restrict", "1", "the kernel's log is for root", false},
    {"kernel/unprivileged_bpf_disabled", "2", "the launcher loads its own program; nobody else loads any", true},
    {"net/core/bpf_jit_harden", "2", "constants in BPF programs are blinded", true},
    {"kernel/yama/ptrace_scope", "1", "a process traces its own children only; gVisor needs that much", true},
    {"kernel/perf_event_paranoid", "3", "no performance counters for anybody but root", true},
    {"kernel/kexec_load_disabled", "1", "no other kernel takes over without firmware's check", true},
    {"kernel/sysrq", "0", "a keyboard cannot reach past the console (T-19)", true},
    {"kernel/core_pattern", "|/bin/false", "memory is never written to a file", true},
    {"kernel/panic", "10", "a kernel that fails restarts, after time to read why", false},
    {"kernel/panic_on_oops", "1", "a kernel that is damaged does not go on", false},
    {"kernel/randomize_va_space", "2", "", false},
    {"kernel/pid_max", "4194304", "process numbers come back late", false},
    {"kernel/printk", "3 4 1 7", "the screen belongs to the console, not to drivers", true},
    {"vm/mmap_min_addr", "65536", "", false},
    {"vm/overcommit_memory", "0", "gVisor reserves far more than it uses", false},
    {"vm/panic_on_oom", "0", "the offender ends, not the machine", false},
    {"vm/unprivileged_userfaultfd", "0", "", true},
    {"vm/max_map_count", "262144", "gVisor's sentry has many mappings", false},
    {"fs/protected_symlinks", "1", "", false},
    {"fs/protected_hardlinks", "1", "", false},
    {"fs/protected_fifos", "2", "", false},
    {"fs/protected_regular", "2", "", false},
    {"fs/suid_dumpable", "0", "", false},
    {"fs/inotify/max_user_instances", "1024", "each sandbox's runtime has one", true},
    {"dev/tty/ldisc_autoload", "0", "", true},
    {"dev/tty/legacy_tiocsti", "0", "nobody types for somebody else", true},
    {"net/core/somaxconn", "4096", "", false},
};

Result<void> write_text(std::string const& path, std::string_view text)
{
    UniqueFd const file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) return fail_os("open");
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return fail_os("write");
    return {};
}

// Sandboxes' cgroups are made below the root; each controller must be switched on there first.
void enable_controllers(Announcer const& announcer)
{
    for (std::string_view const each : {"cpu", "cpuset", "io", "memory", "pids"})
        if (auto const on = write_text("/sys/fs/cgroup/cgroup.subtree_control", "+" + std::string(each)); !on)
            announcer.say("cgroup controller " + std::string(each), on.error());
}

}  // namespace

std::span<Setting const> kernel_settings() { return kSettings; }

Result<void> mount_ground(Announcer const& announcer)
{
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return fail_os("make mounts private");
    for (auto const& each : kMounts) {
        // Those in /dev may be made; the others exist or cannot be.
        (void)::mkdir(each.target, 0755);
        if (::mount(each.source, each.target, each.type, each.flags, each.options) == 0) continue;
        auto const why = fail_os("mount");
        if (each.need == Need::may && why.error().os_errno == ENOENT) continue;  // efivarfs of a machine without UEFI
        announcer.say(each.target, why.error());
        if (each.need == Need::must) return fail(Fault::os, "a file system that the machine needs cannot be mounted");
    }
    enable_controllers(announcer);
    return {};
}

void apply_kernel_settings(Announcer const& announcer)
{
    for (auto const& each : kSettings) {
        auto const set = write_text("/proc/sys/" + std::string(each.path), each.value);
        if (set || (each.may_be_missing && set.error().os_errno == ENOENT)) continue;
        announcer.say("kernel setting " + std::string(each.path), set.error());
    }
}

void settle_first_process(Announcer const& announcer)
{
    ::umask(022);
    rlimit const no_core{0, 0};
    rlimit const files{kOpenFilesMax, kOpenFilesMax};
    if (::setrlimit(RLIMIT_CORE, &no_core) != 0 || ::setrlimit(RLIMIT_NOFILE, &files) != 0)
        announcer.say("limits of the first process", fail_os("setrlimit").error());
    ::prctl(PR_SET_DUMPABLE, 0);
    // The kernel never ends process 1 for memory; a score of its own would be inherited by every sandbox.
    if (::reboot(RB_DISABLE_CAD) != 0) announcer.say("Ctrl-Alt-Del", fail_os("reboot").error());
}

void wait_for_entropy(Announcer const& announcer)
{
    std::byte one{};
    if (::getrandom(&one, 1, GRND_NONBLOCK) == 1) return;
    announcer.say("waiting for the random generator: typing on the keyboard helps");
    while (::getrandom(&one, 1, 0) != 1) {
    }
    announcer.say("the random generator is ready");
}

Result<void> set_host_name(std::string const& name)
{
    if (::sethostname(name.data(), name.size()) != 0) return fail_os("set the host name");
    return {};
}

}  // namespace ocu::init
