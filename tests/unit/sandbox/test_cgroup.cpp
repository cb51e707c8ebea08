// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/sandbox/cgroup. Checks which hierarchies are found in a mount table.

#include "sandbox/cgroup.h"

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <fstream>

#include "support/temporary_folder.h"

namespace test_cgroup {

using namespace ocu::sandbox;

constexpr char kHybrid[] =
    "22 19 0:21 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "23 22 0:22 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:3 - cgroup cgroup rw,cpu,cpuacct\n"
    "24 22 0:23 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
    "25 22 0:24 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

}  // namespace test_cgroup

TEST_CASE("cgroup: given a hybrid mount table, when it is read, then every hierarchy is found with its controllers", "[sandbox][SX-2]")
{
    using namespace test_cgroup;
    auto const trees = parse_cgroup_trees(kHybrid);
    REQUIRE(trees.size() == 3);
    CHECK(trees[0].mount == "/sys/fs/cgroup/cpu,cpuacct");
    CHECK(trees[0].controllers == std::vector<std::string>{"rw", "cpu", "cpuacct"});
    CHECK_FALSE(trees[1].unified);
    CHECK(trees[2].unified);
}

TEST_CASE("cgroup: given a pure mount table, when it is read, then there is one hierarchy", "[sandbox][SX-2]")
{
    using namespace test_cgroup;
    auto const trees = parse_cgroup_trees("30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n");
    REQUIRE(trees.size() == 1);
    CHECK(trees[0].unified);
    CHECK(trees[0].mount == "/sys/fs/cgroup");
}

TEST_CASE("cgroup: given parts of hierarchies and broken lines, when they are read, then they are passed over", "[sandbox][T-06]")
{
    using namespace test_cgroup;
    CHECK(parse_cgroup_trees("30 23 0:26 /docker/abc /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n").empty());
    CHECK(parse_cgroup_trees("").empty());
    CHECK(parse_cgroup_trees("nonsense\n1 2 - cgroup2\n - - -\n").empty());
}

TEST_CASE("cgroup: given counts as the kernel writes them, when they are read, then numbers, and nothing for what is none", "[sandbox][AU-1][T-37]")
{
    using namespace test_cgroup;
    CHECK(parse_cpu_stat("usage_usec 1830412\nuser_usec 1\nsystem_usec 2\n") == 1'830'412u);
    CHECK(parse_cpu_stat("user_usec 1\nusage_usec 0\n") == 0u);
    CHECK_FALSE(parse_cpu_stat("").has_value());
    CHECK_FALSE(parse_cpu_stat("usage_usec \n").has_value());
    CHECK_FALSE(parse_cpu_stat("usage_usec -4\n").has_value());
    CHECK(parse_count("4096\n") == 4'096u);
    CHECK_FALSE(parse_count("").has_value());
    CHECK_FALSE(parse_count("4096 x\n").has_value());
    CHECK_FALSE(parse_count("99999999999999999999999\n").has_value());
}

TEST_CASE_METHOD(ocu::test::TemporaryFolder, "cgroup: given what the kernel shows as block devices, when disks are looked for, then those that have a size and are not memory",
    "[sandbox][SX-2][T-06]")
{
    using namespace test_cgroup;
    auto const device = [&](std::string const& name, std::string const& size, std::string const& number) {
        auto const path = std::filesystem::path(folder) / name;
        std::filesystem::create_directories(path);
        std::ofstream(path / "size") << size;
        std::ofstream(path / "dev") << number;
    };
    device("vda", "536870912\n", "254:0\n");
    device("dm-0", "8\n", "253:0\n");
    device("loop0", "0\n", "7:0\n");
    device("zram0", "4096\n", "252:0\n");
    device("ram3", "4096\n", "1:3\n");
    device("cut", "4096\n", "");
    auto disks = disks_below(folder);
    std::ranges::sort(disks);
    CHECK(disks == std::vector<std::string>{"253:0", "254:0"});
    CHECK(disks_below(folder + "/none").empty());
}
