// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/stick/mount_plan. What every mount of a stick carries, whatever the stick says.

#include <catch2/catch_test_macros.hpp>

#include <linux/mount.h>

#include <algorithm>

#include "stick/mount_plan.h"

namespace test_mount_plan {

using namespace ocu;
using proto::VolumeAccess;
using proto::VolumeFormat;

bool has(stick::MountPlan const& plan, std::string const& key, std::string const& value)
{
    return std::ranges::find(plan.options, std::pair(key, value)) != plan.options.end();
}

}  // namespace test_mount_plan

using namespace test_mount_plan;

TEST_CASE(
    "mount_plan: given any format and access, when planned, then nothing on it is set-user-id, a device, a program or a symbolic link",
    "[stick][T-18]")
{
    for (auto const format : {VolumeFormat::fat, VolumeFormat::ext4, VolumeFormat::iso9660})
        for (auto const access : {VolumeAccess::read, VolumeAccess::write}) {
            auto const plan = stick::plan_mount(format, access, 884'012);
            if (!plan) continue;  // ISO 9660 for writing: below
            for (unsigned const flag : {MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSYMFOLLOW})
                CHECK((plan->attributes & flag) == flag);
            CHECK(((plan->attributes & MOUNT_ATTR_RDONLY) != 0) == (access == VolumeAccess::read));
            CHECK(has(*plan, "ro", "") == (access == VolumeAccess::read));
        }
}

TEST_CASE("mount_plan: given ext4, when planned, then errors never stop the machine, and no journal is replayed to read", "[stick][T-18]")
{
    auto const read = stick::plan_mount(VolumeFormat::ext4, VolumeAccess::read, 1).value();
    auto const write = stick::plan_mount(VolumeFormat::ext4, VolumeAccess::write, 1).value();
    CHECK(has(read, "errors", "remount-ro"));
    CHECK(has(write, "errors", "remount-ro"));
    CHECK(has(read, "noload", ""));
    CHECK_FALSE(has(write, "noload", ""));
}

TEST_CASE("mount_plan: given formats without owners, when planned, then their files are the reader's and nobody else's", "[stick][T-18]")
{
    auto const fat = stick::plan_mount(VolumeFormat::fat, VolumeAccess::write, 77).value();
    CHECK(has(fat, "uid", "77"));
    CHECK(has(fat, "fmask", "0177"));
    CHECK(has(fat, "dmask", "0077"));
    CHECK(has(fat, "errors", "remount-ro"));
    auto const iso = stick::plan_mount(VolumeFormat::iso9660, VolumeAccess::read, 77).value();
    CHECK(has(iso, "uid", "77"));
    CHECK(has(iso, "mode", "0400"));
    CHECK(has(iso, "overriderockperm", ""));
}

TEST_CASE("mount_plan: given no format, or ISO 9660 for writing, when planned, then it is refused", "[stick]")
{
    CHECK(stick::plan_mount(VolumeFormat::none, VolumeAccess::read, 1).error().fault == Fault::malformed);
    CHECK(stick::plan_mount(VolumeFormat::iso9660, VolumeAccess::write, 1).error().fault == Fault::denied);
}
