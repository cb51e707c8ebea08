// SPDX-License-Identifier: GPL-3.0-or-later
#include "stick/device_cell.h"

#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace ocu::stick {

Result<UniqueFd> make_device_cell(int device, std::string const& name)
{
    struct stat status{};
    if (::fstat(device, &status) != 0) return fail_os("fstat a device");
    if (!S_ISBLK(status.st_mode)) return fail(Fault::malformed, "not a block device");
    bool const plain = !name.empty() && std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
    if (!plain) return fail(Fault::malformed, "not a device's name");
    UniqueFd const context(static_cast<int>(::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
    if (!context) return fail_os("fsopen tmpfs");
    for (auto const& [key, value] : {std::pair{"size", "4k"}, std::pair{"nr_inodes", "2"}, std::pair{"mode", "555"}})
        if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, key, value, 0) != 0) return fail_os("fsconfig tmpfs");
    if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return fail_os("create tmpfs");
    // Devices work here: that is what it is for.
    UniqueFd cell(static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)));
    if (!cell) return fail_os("fsmount tmpfs");
    // Read only, for whoever may look into the cell: the label of a device is read by a helper that is no longer root.
    if (::mknodat(cell.get(), name.c_str(), S_IFBLK | 0444, status.st_rdev) != 0) return fail_os("mknod");
    if (::fchmodat(cell.get(), name.c_str(), 0444, 0) != 0) return fail_os("chmod");
    return cell;
}

}  // namespace ocu::stick
