// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: appliance/init/sticks, what it does without a helper. The rest runs with real ones: tests/process/stick.

#include <catch2/catch_test_macros.hpp>

#include <optional>
#include <string>

#include "appliance/init/sticks.h"

TEST_CASE("sticks: given kernel names, when judged, then disks, partitions and drives may be sticks, and virtual devices may not",
    "[stick][T-18]")
{
    using ocu::init::may_be_a_stick;
    for (std::string_view const name : {"sda", "sdb1", "nvme0n1p2", "mmcblk0p1", "vda", "sr0", "mdx"}) CHECK(may_be_a_stick(name));
    for (std::string_view const name : {"", "loop0", "ram1", "zram0", "md127", "dm-0", "../sda", "sd a", "SDA", "sda/1", "."})
        CHECK_FALSE(may_be_a_stick(name));
    CHECK_FALSE(may_be_a_stick(std::string(33, 'a')));
}

TEST_CASE("sticks: given reports that cannot be, when one is to be written, then it is answered once, from the loop, without a helper",
    "[stick][T-18]")
{
    using namespace ocu;
    wire::Loop loop;
    ManualClock clock;
    init::Sticks sticks(loop, clock, {});
    init::Candidate on{.device = "sda1", .format = proto::VolumeFormat::ext4, .manifest = {}, .signature = {}, .public_key = {}};
    auto const told = [&](std::vector<init::ReportFile> files) {
        std::optional<std::string> answer;
        sticks.write_report(on, std::move(files), [&answer](std::string_view failure) { answer = failure; });
        CHECK_FALSE(answer.has_value());
        loop.run_one();
        REQUIRE(answer.has_value());
        return *answer;
    };
    CHECK(told({}) == "a report has 1 to 64 files");
    CHECK(told(std::vector<init::ReportFile>(65, {"a", "b"})) == "a report has 1 to 64 files");
    CHECK(told({{"a/b", ""}}) == "a report's file has a name that is not plain");
    CHECK(told({{"a", std::string(proto::kReportFileBytesMax + 1, 'x')}}) == "the report is too large");
    CHECK(told(std::vector<init::ReportFile>(17, {"a", std::string(proto::kReportFileBytesMax, 'x')})) == "the report is too large");
    on.format = proto::VolumeFormat::iso9660;
    CHECK(told({{"a", "b"}}) == "the stick is read-only");
    on.device = "loop0";
    on.format = proto::VolumeFormat::ext4;
    CHECK(told({{"a", "b"}}) == "not a stick");
    CHECK(sticks.busy() == 0);
}
