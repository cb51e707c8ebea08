// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/mounts.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "sandbox/files.h"
#include "sandbox/limits.h"

// <sys/mount.h> and <linux/mount.h> cannot be included together in every C library; these three are all that is needed of the former.
extern "C" int mount(char const*, char const*, char const*, unsigned long, void const*) noexcept;
extern "C" int umount2(char const*, int) noexcept;

namespace ocu::sandbox {

namespace {

constexpr int kForce = 1;   // MNT_FORCE
constexpr int kDetach = 2;  // MNT_DETACH
constexpr unsigned long kReadOnly = 1;
constexpr unsigned long kNoSuid = 2;
constexpr unsigned long kNoDev = 4;
constexpr unsigned long kRemount = 32;
constexpr unsigned long kBind = 4096;
constexpr int kLoopTries = 16;  // another process may take the free device first

Result<std::string> attach_loop_device(int backing)
{
    UniqueFd const control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    if (!control) return fail_os("open loop control");
    for (int tries = 0; tries < kLoopTries; ++tries) {
        int const number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
        if (number < 0) return fail_os("no free loop device");
        auto path = "/dev/loop" + std::to_string(number);
        UniqueFd device(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!device) return fail_os("open loop device");
        loop_config config{};
        config.fd = static_cast<std::uint32_t>(backing);
        config.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR;
        if (::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) {
            // Autoclear frees it when its last user goes: keep it open until it is mounted, by leaving the number with the caller.
            (void)device.release();
            return path;
        }
        if (errno != EBUSY) return fail_os("set up loop device");
    }
    return fail(Fault::over_limit, "no loop device could be had");
}

Result<void> write_maps(pid_t pid, std::uint32_t host_id)
{
    auto const map = "0 " + std::to_string(host_id) + " " + std::to_string(kHostIdsPerSlot);
    auto const process = "/proc/" + std::to_string(pid);
    OCU_CHECK(write_existing(process + "/uid_map", map));
    return write_existing(process + "/gid_map", map);
}

}  // namespace

bool unmount(std::string const& target)
{
    // A predecessor may have been ended between mounting twice; each call takes the topmost away.
    for (int layer = 0; layer < 8; ++layer)
        if (::umount2(target.c_str(), kDetach) != 0) return errno == EINVAL || errno == ENOENT;
    return false;
}

bool abort_and_unmount(std::string const& target)
{
    (void)::umount2(target.c_str(), kForce | kDetach);
    return unmount(target);
}

Result<void> mount_image_file(int file, std::string const& target)
{
    constexpr unsigned long kFlags = kReadOnly | kNoSuid | kNoDev;
    // By descriptor: the guest reads the source's name in its mount table, and where this host keeps things is not its business.
    auto const name = "/proc/self/fd/" + std::to_string(file);
    if (::mount(name.c_str(), target.c_str(), "erofs", kFlags, nullptr) == 0) return {};
    if (errno != ENOTBLK) return fail_os("mount image");
    auto const device = OCU_TRY(attach_loop_device(file));
    if (::mount(device.c_str(), target.c_str(), "erofs", kFlags, nullptr) != 0) return fail_os("mount image through a loop device");
    return {};
}

Result<void> mount_image(std::string const& source, std::string const& target)
{
    struct stat what{};
    if (::stat(source.c_str(), &what) != 0) return fail_os("guest image");
    if (!S_ISDIR(what.st_mode)) {
        UniqueFd const image(::open(source.c_str(), O_RDONLY | O_CLOEXEC));
        if (!image) return fail_os("open guest image");
        return mount_image_file(image.get(), target);
    }
    if (::mount(source.c_str(), target.c_str(), nullptr, kBind, nullptr) != 0) return fail_os("bind guest image");
    if (::mount(nullptr, target.c_str(), nullptr, kBind | kRemount | kReadOnly | kNoSuid | kNoDev, nullptr) != 0)
        return fail_os("make guest image read-only");
    return {};
}

Result<UniqueFd> mount_files(std::string const& target)
{
    UniqueFd connection(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
    if (!connection) return fail_os("open /dev/fuse");
    // allow_other: the guest's ids are not ours. default_permissions: the kernel compares owner and mode, so the broker need not.
    auto const options = "fd=" + std::to_string(connection.get()) + ",rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions";
    if (::mount("ocu-files", target.c_str(), "fuse", kNoSuid | kNoDev, options.c_str()) != 0) return fail_os("mount files");
    return connection;
}

Result<UniqueFd> make_id_map(std::uint32_t host_id)
{
    auto const pid = static_cast<pid_t>(::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, 0L));
    if (pid < 0) return fail_os("user namespace for the id map");
    if (pid == 0) {
        // It owns the namespace for the moment that it takes to open it.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) ::pause();
    }
    auto const open_mapped = [&]() -> Result<UniqueFd> {
        OCU_CHECK(write_maps(pid, host_id));
        UniqueFd namespace_fd(::open(("/proc/" + std::to_string(pid) + "/ns/user").c_str(), O_RDONLY | O_CLOEXEC));
        if (!namespace_fd) return fail_os("open user namespace");
        return namespace_fd;
    };
    auto map = open_mapped();
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return map;
}

Result<void> mount_mapped(std::string const& image, std::string const& target, int id_map)
{
    UniqueFd const tree(static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, image.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
    if (!tree) return fail_os("clone image mount");
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<std::uint64_t>(id_map);
    if (::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0)
        return fail_os("map ids of image");
    if (::syscall(SYS_move_mount, tree.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) return fail_os("place image");
    return {};
}

Result<void> bind_namespace(int descriptor, std::string const& target)
{
    OCU_CHECK(write_new(target, "", 0600));
    auto const source = "/proc/self/fd/" + std::to_string(descriptor);
    if (::mount(source.c_str(), target.c_str(), nullptr, kBind, nullptr) != 0) return fail_os("bind network namespace");
    return {};
}

}  // namespace ocu::sandbox
