// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/init/first_root.h"

#include <fcntl.h>
#include <linux/module.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <format>

#include "appliance/init/boot_medium.h"
#include "appliance/init/ending.h"
#include "appliance/init/verity.h"
#include "appliance/manifest/files.h"
#include "base/unique_fd.h"

namespace ocu::init {

namespace {

constexpr std::chrono::seconds kMediumPatience{60};
constexpr std::size_t kModuleListBytesMax = 64u << 10;
constexpr char kModules[] = "/modules/";
constexpr char kMedium[] = "/medium";
constexpr char kRootImage[] = "/medium/ocu/root.erofs";
constexpr char kNewRoot[] = "/newroot";
constexpr unsigned long kPlain = MS_NOSUID | MS_NODEV | MS_NOEXEC;

Result<void> mount_on(char const* source, char const* target, char const* type, unsigned long flags, char const* options = nullptr)
{
    if (::mkdir(target, 0755) != 0 && errno != EEXIST) return fail_os("make a directory in the first root");
    if (::mount(source, target, type, flags, options) != 0) return fail_os("mount in the first root");
    return {};
}

Result<void> mount_kernel_file_systems()
{
    OCU_CHECK(mount_on("proc", "/proc", "proc", kPlain));
    OCU_CHECK(mount_on("sysfs", "/sys", "sysfs", kPlain));
    // A kernel may have mounted it by itself.
    if (auto devices = mount_on("devtmpfs", "/dev", "devtmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755"); !devices)
        if (devices.error().os_errno != EBUSY) return devices;
    return {};
}

// Only where the distribution's own kernel is used: ours has what it needs inside. A module that does not load is said and passed over;
// what it was needed for will say so.
void load_modules(Announcer const& announcer)
{
    auto const list = manifest::read_file(std::string(kModules) + "order", kModuleListBytesMax);
    if (!list) return;
    std::string_view rest = *list;
    unsigned loaded = 0;
    while (!rest.empty()) {
        auto const end = rest.find('\n');
        std::string const name(rest.substr(0, end));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        if (name.empty() || name.find('/') != std::string::npos) continue;
        UniqueFd const file(::open((kModules + name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
        unsigned const packed = name.ends_with(".xz") ? MODULE_INIT_COMPRESSED_FILE : 0;
        if (file && (::syscall(SYS_finit_module, file.get(), "", packed) == 0 || errno == EEXIST))
            ++loaded;
        else
            announcer.say(std::format("module {} does not load (errno {})", name, errno));
    }
    announcer.say(std::format("{} kernel modules loaded", loaded));
}

// Mounted, and made for this kernel: then it stays.
bool take_medium(Announcer const& announcer, std::string const& device, VerityImage const& root)
{
    if (auto mounted = mount_on(("/dev/" + device).c_str(), kMedium, "iso9660", MS_RDONLY | kPlain); !mounted) {
        announcer.say("the medium in " + device, mounted.error());
        return false;
    }
    auto const right = check_tree_top(kRootImage, root);
    if (right) return true;
    announcer.say("the medium in " + device + " does not belong to this kernel", right.error());
    ::umount2(kMedium, 0);
    return false;
}

Result<void> enter_new_root()
{
    for (auto const* const each : {"/dev", "/proc", "/sys", kMedium})
        if (::mount(each, (kNewRoot + std::string(each)).c_str(), nullptr, MS_MOVE, nullptr) != 0) return fail_os("move a mount");
    if (::chdir(kNewRoot) != 0) return fail_os("enter the root");
    // The memory of the initramfs is only given back when its files are gone.
    (void)::unlink("/init");
    if (::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0) return fail_os("move the root");
    if (::chroot(".") != 0 || ::chdir("/") != 0) return fail_os("change the root");
    return {};
}

Result<void> prepare_root(Announcer const& announcer, CommandLine const& line)
{
    if (!line.root) return fail(Fault::malformed, "the signed command line names no root (ocu.root=)");
    auto const device = OCU_TRY(
        find_boot_medium(kMediumPatience, [&](std::string const& candidate) { return take_medium(announcer, candidate, *line.root); }));
    announcer.say("boot medium: " + device);
    auto const root = OCU_TRY(make_verity_device("root", kRootImage, *line.root));
    // Now, and not when somebody first needs the altered block. The device's own option makes it a panic; this is the second lock.
    auto const started = std::chrono::steady_clock::now();
    auto const bytes = OCU_TRY(read_whole_device(root));
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - started;
    announcer.say(std::format("root verified {} bytes in {:.1f} s", bytes, took.count()));
    OCU_CHECK(mount_on(root.c_str(), kNewRoot, "erofs", MS_RDONLY | MS_NODEV | MS_NOSUID));
    return enter_new_root();
}
}  // namespace

void run_first_root()
{
    Announcer announcer;
    if (auto const mounted = mount_kernel_file_systems(); !mounted) give_up(announcer, in_words("first root", mounted.error()), Power::off);
    auto const line = read_command_line();
    if (!line) give_up(announcer, in_words("first root", line.error()), Power::off);
    announcer = Announcer(line->consoles);
    announcer.say("first root: looking for the boot medium");
    load_modules(announcer);
    if (auto const ready = prepare_root(announcer, *line); !ready) give_up(announcer, in_words("first root", ready.error()), Power::off);
    char path[] = "/sbin/init";
    char command[] = "boot";
    char* arguments[] = {path, command, nullptr};
    char* environment[] = {nullptr};
    ::execve(path, arguments, environment);
    give_up(announcer, "the root has no /sbin/init that can be started", Power::off);
}

}  // namespace ocu::init
