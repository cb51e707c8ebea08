// SPDX-License-Identifier: GPL-3.0-or-later
#include "stick/mount_plan.h"

#include <linux/mount.h>

namespace ocu::stick {

using proto::VolumeAccess;
using proto::VolumeFormat;

Result<MountPlan> plan_mount(VolumeFormat format, VolumeAccess access, std::uint32_t reader)
{
    auto const user = std::to_string(reader);
    MountPlan plan;
    plan.attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW;
    if (access == VolumeAccess::read) {
        plan.attributes |= MOUNT_ATTR_RDONLY;
        plan.options.emplace_back("ro", "");
    }
    switch (format) {
    case VolumeFormat::none: return fail(Fault::malformed, "no file system to mount");
    case VolumeFormat::fat:
        plan.type = "vfat";
        plan.options.insert(plan.options.end(),
            {{"uid", user}, {"gid", user}, {"fmask", "0177"}, {"dmask", "0077"}, {"errors", "remount-ro"}, {"tz", "UTC"}});
        break;
    case VolumeFormat::ext4:
        plan.type = "ext4";
        // A superblock may say that errors are to stop the kernel: its author does not decide that here. And to read, no journal is
        // replayed: a dirty one would be written back to the stick, and is one more structure that a stranger made.
        plan.options.emplace_back("errors", "remount-ro");
        if (access == VolumeAccess::read) plan.options.emplace_back("noload", "");
        break;
    case VolumeFormat::iso9660:
        if (access == VolumeAccess::write) return fail(Fault::denied, "ISO 9660 is read-only");
        plan.type = "iso9660";
        plan.options.insert(
            plan.options.end(), {{"uid", user}, {"gid", user}, {"mode", "0400"}, {"dmode", "0500"}, {"overriderockperm", ""}});
        break;
    }
    return plan;
}

}  // namespace ocu::stick
