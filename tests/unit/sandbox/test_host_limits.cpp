// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/sandbox/host_limits. Which limits a machine gives is told from its hierarchies, and what is missing is named.

#include "sandbox/host_limits.h"

#include <fstream>

#include "support/temporary_folder.h"

namespace test_host_limits {

using namespace ocu;
using namespace ocu::sandbox;

struct HostLimitsTest : test::TemporaryFolder {
    void put(std::string const& path, std::string const& text = "") const
    {
        auto const whole = std::filesystem::path(folder) / path;
        std::filesystem::create_directories(whole.parent_path());
        std::ofstream(whole) << text;
    }
    std::vector<CgroupTree> pure() const { return {{folder, {}, true}}; }
    // Version 1: one tree for each controller, below the folder.
    std::vector<CgroupTree> split(std::vector<std::string> const& controllers) const
    {
        std::vector<CgroupTree> trees;
        for (auto const& each : controllers) trees.push_back({folder + "/" + each, {"rw", each}, false});
        return trees;
    }
};

HostLimit of(std::vector<HostLimit> const& limits, Limit limit) { return limits.at(static_cast<std::size_t>(limit)); }

std::string refusal(std::vector<HostLimit> const& limits)
{
    auto const checked = check_limits(limits);
    return checked ? "" : std::string(checked.error().what.view());
}

TEST_CASE_METHOD(HostLimitsTest, "limits: given v2 with all of it, when it is examined, then every limit is given", "[sandbox][SX-2]")
{
    put("cgroup.controllers", "cpuset cpu io memory pids\n");
    for (auto const* const file : {"cgroup.procs", "cgroup.kill", "memory.max", "memory.swap.max"}) put(std::string("system/") + file);
    auto const limits = host_limits(pure());
    REQUIRE(limits.size() == 7);
    for (auto const& each : limits) CHECK(each.given == Given::yes);
    CHECK(refusal(limits).empty());
}

TEST_CASE_METHOD(HostLimitsTest, "limits: given v2 without a controller, when it is examined, then the refusal names it", "[sandbox][T-06]")
{
    for (auto const& [controllers, missing] : {std::pair("cpuset memory pids\n", "cpu"), std::pair("cpu pids\n", "memory"),
             std::pair("cpu memory\n", "pids"), std::pair("", "pids")}) {
        put("cgroup.controllers", controllers);
        CHECK(refusal(host_limits(pure())) == std::string("the cgroup controller ") + missing + " is missing");
    }
}

TEST_CASE_METHOD(HostLimitsTest, "limits: given v2 whose groups show less, when it is examined, then that is told", "[sandbox][T-06]")
{
    put("cgroup.controllers", "cpu memory pids\n");
    CHECK(of(host_limits(pure()), Limit::swap).given == Given::unseen);
    put("system/cgroup.procs");
    put("system/memory.max");
    auto const limits = host_limits(pure());
    CHECK(of(limits, Limit::swap).given == Given::no);
    CHECK(of(limits, Limit::kill).given == Given::no);
    CHECK(refusal(limits).empty());  // neither is needed
}

TEST_CASE_METHOD(HostLimitsTest, "limits: given v1, when it is examined, then each is told by its own tree", "[sandbox][SX-2]")
{
    auto const bare = host_limits(split({"cpu", "memory", "pids", "freezer"}));
    CHECK(refusal(bare).empty());
    CHECK(of(bare, Limit::swap).given == Given::no);
    CHECK(of(bare, Limit::sockets).given == Given::no);
    put("memory/memory.memsw.limit_in_bytes");
    put("memory/memory.kmem.tcp.limit_in_bytes");
    put("blkio/blkio.throttle.read_bps_device");
    auto const whole = host_limits(split({"cpu", "memory", "pids", "freezer", "blkio"}));
    for (auto const& each : whole) CHECK(each.given == Given::yes);
    CHECK(of(whole, Limit::kill).by == "freezer");
}

TEST_CASE_METHOD(HostLimitsTest, "limits: given v1 without something that is needed, when it is examined, then the refusal names it", "[sandbox][T-06]")
{
    CHECK(refusal(host_limits(split({"cpuset", "memory", "pids", "freezer"}))) == "the cgroup controller cpu is missing");
    CHECK(refusal(host_limits(split({"cpu", "pids", "freezer"}))) == "the cgroup controller memory is missing");
    CHECK(refusal(host_limits(split({"cpu", "memory", "freezer"}))) == "the cgroup controller pids is missing");
    CHECK(refusal(host_limits(split({"cpu", "memory", "pids"}))) == "neither cgroup v2 nor the cgroup controller freezer");
    auto hybrid = split({"cpu", "memory", "pids"});
    hybrid.push_back({folder + "/unified", {}, true});
    CHECK(refusal(host_limits(hybrid)).empty());
}

TEST_CASE_METHOD(HostLimitsTest, "limits: given a host that cannot limit disks, when a manifest demands it, then the refusal names it, and else it starts",
    "[sandbox][SX-2][T-06]")
{
    std::string const refused = "the cgroup controller of disks (io, blkio) is missing, and the manifest demands a limit of them";
    auto const old = split({"cpu", "memory", "pids", "freezer"});
    CHECK(of(host_limits(old), Limit::disk).given == Given::no);
    CHECK(refusal(host_limits(old)).empty());
    CHECK(refusal(host_limits(old, true)) == refused);
    put("cgroup.controllers", "cpu memory pids\n");
    CHECK(refusal(host_limits(pure())).empty());
    CHECK(refusal(host_limits(pure(), true)) == refused);
    put("cgroup.controllers", "cpu io memory pids\n");
    CHECK(refusal(host_limits(pure(), true)).empty());
}

}  // namespace test_host_limits
