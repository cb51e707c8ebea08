// SPDX-License-Identifier: GPL-3.0-or-later
#include <fcntl.h>
#include <linux/mount.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <string>

#include "appliance/profiles/mounter.h"
#include "appliance/profiles/stick.h"
#include "helper/frame.h"
#include "proto/stick_to_init.h"
#include "stick/device_cell.h"
#include "stick/helpers.h"
#include "stick/mount_plan.h"

namespace ocu::stick {

namespace {

// The volume in the cell, as a mount that is attached nowhere. The kernel waits here for the device, however long it takes.
Result<UniqueFd> mount_volume(MountPlan const& plan, std::string const& device)
{
    UniqueFd const context(static_cast<int>(::syscall(SYS_fsopen, plan.type, FSOPEN_CLOEXEC)));
    if (!context) return fail_os("fsopen");
    if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "source", device.c_str(), 0) != 0) return fail_os("source");
    for (auto const& [key, value] : plan.options) {
        bool const flag = value.empty();
        if (::syscall(SYS_fsconfig, context.get(), flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, key.c_str(),
                flag ? nullptr : value.c_str(), 0) != 0)
            return fail_os("option");
    }
    if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return fail_os("mount");
    UniqueFd mount(static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, plan.attributes)));
    if (!mount) return fail_os("fsmount");
    return mount;
}

Result<UniqueFd> mount_as_told(proto::MounterConfig const& config)
{
    auto const plan = OCU_TRY(plan_mount(config.format, config.access, helper::kHelperUidBase + profiles::kStick.user_offset));
    return mount_volume(plan, config.device.str());
}

}  // namespace

// Entered by re-execution: `ocu-appliance helper mounter`. The device is not touched before the process is confined: the cell holds its
// node only, and the kernel reads the volume's first byte in mount_volume().
Result<void> mounter_main(helper::Helper& helper)
{
    auto const config = OCU_TRY(helper.receive_config<proto::MounterConfig>());
    if (helper.descriptors().size() != 1) return fail(Fault::malformed, "no device");
    auto const cell = OCU_TRY(make_device_cell(helper.descriptors().front().get(), config.device.str()));
    helper.descriptors().clear();
    OCU_CHECK(helper.keep_out_of_swap_and_cores(profiles::kMounter));
    OCU_CHECK(helper.confine(profiles::kMounter));
    if (::fchdir(cell.get()) != 0) return fail_os("enter the cell");
    auto const link = OCU_TRY(helper.report_ready());
    auto const mount = mount_as_told(config);
    if (!mount) {
        proto::VolumeRefused const refused{mount.error().fault == Fault::denied ? EROFS : mount.error().os_errno};
        return helper::write_frame(link.get(), static_cast<std::uint16_t>(refused.kType), wire::encode(refused), {});
    }
    std::array const descriptors{mount->get()};
    OCU_CHECK(helper::write_frame(
        link.get(), static_cast<std::uint16_t>(proto::VolumeMounted::kType), wire::encode(proto::VolumeMounted{}), descriptors));
    // Whoever closes a mount's last descriptor unmounts it, and waits for the device to be done. That is not to be the first process: this
    // one stays until the other end has let go of the mount and of the link.
    pollfd entry{link.get(), POLLIN | POLLRDHUP, 0};
    while (::poll(&entry, 1, -1) < 0 && errno == EINTR) {
    }
    return {};
}

}  // namespace ocu::stick
