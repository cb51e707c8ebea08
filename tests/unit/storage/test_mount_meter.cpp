// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/storage/mount_meter. Two sides of one page: what is counted on one is read on the other, and only a page that cannot shrink is taken.

#include "storage/mount_meter.h"

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace test_mount_meter {

using namespace ocu;
using storage::MountBytes;
using storage::MountMeter;

TEST_CASE("mount_meter: given a page on both sides, when one counts, then the other reads it, also after the first is gone", "[storage][AU-1][T-37]")
{
    auto const page = MountMeter::make_page().value();
    auto const reader = MountMeter::map(page.get(), MountMeter::Side::reads).value();
    CHECK(reader.bytes() == MountBytes{0, 0});
    {
        auto writer = MountMeter::map(page.get(), MountMeter::Side::counts).value();
        writer.read(5);
        writer.read(6);
        writer.written(7);
        auto moved = std::move(writer);
        moved.written(1);
        CHECK(reader.bytes() == MountBytes{11, 8});
    }
    CHECK(reader.bytes() == MountBytes{11, 8});
    CHECK(MountMeter().bytes() == MountBytes{0, 0});
}

TEST_CASE("mount_meter: given a page that its broker has, when it would take it away from under the reader, then it cannot", "[storage][T-14][T-37]")
{
    auto const page = MountMeter::make_page().value();
    CHECK(::ftruncate(page.get(), 0) == -1);
    CHECK(::ftruncate(page.get(), 1 << 20) == -1);
}

TEST_CASE("mount_meter: given what is no such page, when it is to be mapped, then it is refused", "[storage][T-37]")
{
    UniqueFd const open_ended(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    REQUIRE(::ftruncate(open_ended.get(), 4096) == 0);
    UniqueFd const small(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    REQUIRE(::fcntl(small.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0);
    UniqueFd const file(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (int const each : {open_ended.get(), small.get(), file.get()}) {
        auto const mapped = MountMeter::map(each, MountMeter::Side::counts);
        REQUIRE_FALSE(mapped.has_value());
        CHECK(mapped.error().fault == Fault::malformed);
    }
    CHECK_FALSE(MountMeter::map(-1, MountMeter::Side::reads).has_value());
}

}  // namespace test_mount_meter
