// SPDX-License-Identifier: GPL-3.0-or-later
// Unit: src/sandbox/lifecycle. Walks a session's table: the ways up, and that from everywhere there is the same way down.

#include "sandbox/lifecycle.h"

#include <catch2/catch_test_macros.hpp>
#include <vector>

namespace test_lifecycle {

using namespace ocu::sandbox;

Stage after(std::vector<Happening> const& happenings)
{
    Stage stage = Stage::preparing;
    for (auto const each : happenings) stage = step_of(stage, each).next;
    return stage;
}

constexpr Stage kComingUp[] = {Stage::preparing, Stage::equipping, Stage::awaiting_exec, Stage::awaiting_mount, Stage::starting};

}  // namespace test_lifecycle

TEST_CASE("lifecycle: given a prepared session, when mount and exec come in either order, then the guest is started once both are there",
    "[sandbox][CT-1]")
{
    using namespace test_lifecycle;
    CHECK(after({Happening::prepared, Happening::mount_ready}) == Stage::awaiting_exec);
    CHECK(after({Happening::prepared, Happening::exec_reported}) == Stage::awaiting_mount);
    CHECK(step_of(Stage::awaiting_exec, Happening::exec_reported) == Step{Stage::starting, Act::start});
    CHECK(step_of(Stage::awaiting_mount, Happening::mount_ready) == Step{Stage::starting, Act::start});
    CHECK(step_of(Stage::starting, Happening::exec_ready) == Step{Stage::up, Act::announce});
}

TEST_CASE("lifecycle: given any stage before the end, when the session is to end or something of it is lost, then it is ended",
    "[sandbox][T-13][T-17]")
{
    using namespace test_lifecycle;
    for (Stage const stage : kComingUp)
        for (Happening const happening : {Happening::end_asked, Happening::deadline, Happening::guest_gone, Happening::mount_lost,
                 Happening::launch_failed, Happening::launcher_lost})
            CHECK(step_of(stage, happening) == Step{Stage::ending, Act::end});
    for (Happening const happening : {Happening::end_asked, Happening::guest_gone, Happening::mount_lost})
        CHECK(step_of(Stage::up, happening) == Step{Stage::ending, Act::end});
}

TEST_CASE("lifecycle: given a running session, when the launcher is lost, then it goes on", "[sandbox][T-14]")
{
    using namespace test_lifecycle;
    CHECK(step_of(Stage::up, Happening::launcher_lost) == Step{Stage::up, Act::nothing});
    CHECK(step_of(Stage::up, Happening::deadline) == Step{Stage::up, Act::nothing});
}

TEST_CASE(
    "lifecycle: given an ending session, when the launcher comes back, then what it was asked is asked again", "[sandbox][CT-1][T-13]")
{
    using namespace test_lifecycle;
    CHECK(step_of(Stage::ending, Happening::launcher_back) == Step{Stage::ending, Act::kill_again});
    CHECK(step_of(Stage::removing, Happening::launcher_back) == Step{Stage::removing, Act::remove_again});
    CHECK(step_of(Stage::removing, Happening::destroy_failed) == Step{Stage::removing, Act::retry_later});
    CHECK(step_of(Stage::removing, Happening::retry_due) == Step{Stage::removing, Act::remove_again});
}

TEST_CASE("lifecycle: given an ending session, when anything from before arrives late, then it means nothing", "[sandbox][SX-6][T-13]")
{
    using namespace test_lifecycle;
    for (Happening const happening : {Happening::prepared, Happening::mount_ready, Happening::exec_reported, Happening::exec_ready,
             Happening::end_asked, Happening::guest_gone, Happening::deadline}) {
        CHECK(step_of(Stage::ending, happening) == Step{Stage::ending, Act::nothing});
        CHECK(step_of(Stage::removing, happening) == Step{Stage::removing, Act::nothing});
    }
    CHECK(step_of(Stage::ending, Happening::killed) == Step{Stage::removing, Act::dead});
    CHECK(step_of(Stage::removing, Happening::destroyed) == Step{Stage::gone, Act::finish});
}

TEST_CASE("lifecycle: given a guest that answers out of turn, when it does, then the session is ended", "[sandbox][T-07]")
{
    using namespace test_lifecycle;
    for (Stage const stage : {Stage::preparing, Stage::equipping, Stage::awaiting_exec, Stage::awaiting_mount, Stage::up})
        CHECK(step_of(stage, Happening::exec_ready).act == Act::end);
}
