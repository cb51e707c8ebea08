// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/lifecycle.h"

#include "base/assert.h"

namespace ocu::sandbox {

namespace {

constexpr std::size_t kStages = static_cast<std::size_t>(Stage::gone);
constexpr std::size_t kHappenings = static_cast<std::size_t>(Happening::kLast) + 1;
using Row = std::array<Step, kHappenings>;

constexpr Step stay(Stage stage) { return {stage, Act::nothing}; }
constexpr Step kEnd{Stage::ending, Act::end};

// Late answers of the launcher to questions of an earlier stage, and its coming back, mean nothing to a session that is coming up.
constexpr Row coming_up(Stage self, Step prepared, Step mount_ready, Step exec_reported, Step exec_ready)
{
    return {
        prepared,       // prepared
        kEnd,           // launch_failed
        mount_ready,    // mount_ready
        kEnd,           // mount_lost
        exec_reported,  // exec_reported
        exec_ready,     // exec_ready
        kEnd,           // guest_gone
        kEnd,           // end_asked
        kEnd,           // deadline
        stay(self),     // killed
        stay(self),     // destroyed
        stay(self),     // destroy_failed
        stay(self),     // retry_due
        kEnd,           // launcher_lost: it cannot be started any more
        stay(self),     // launcher_back
    };
}

constexpr Row going(Stage self, Step killed, Step destroyed, Step destroy_failed, Step retry_due, Step launcher_back)
{
    Row row{};
    row.fill(stay(self));  // it is being taken away: what still comes in from the days before means nothing
    row[static_cast<std::size_t>(Happening::killed)] = killed;
    row[static_cast<std::size_t>(Happening::destroyed)] = destroyed;
    row[static_cast<std::size_t>(Happening::destroy_failed)] = destroy_failed;
    row[static_cast<std::size_t>(Happening::retry_due)] = retry_due;
    row[static_cast<std::size_t>(Happening::launcher_back)] = launcher_back;
    return row;
}

constexpr std::array<Row, kStages> kTable{
    coming_up(Stage::preparing, {Stage::equipping, Act::equip}, kEnd, kEnd, kEnd),
    coming_up(Stage::equipping, kEnd, stay(Stage::awaiting_exec), stay(Stage::awaiting_mount), kEnd),
    coming_up(Stage::awaiting_exec, kEnd, kEnd, {Stage::starting, Act::start}, kEnd),
    coming_up(Stage::awaiting_mount, kEnd, {Stage::starting, Act::start}, kEnd, kEnd),
    coming_up(Stage::starting, kEnd, kEnd, kEnd, {Stage::up, Act::announce}),
    // up
    Row{
        kEnd,                 // prepared
        kEnd,                 // launch_failed: the agent answered, yet its runtime says that it failed
        kEnd,                 // mount_ready
        kEnd,                 // mount_lost
        kEnd,                 // exec_reported
        kEnd,                 // exec_ready
        kEnd,                 // guest_gone
        kEnd,                 // end_asked
        stay(Stage::up),      // deadline
        stay(Stage::up),      // killed
        stay(Stage::up),      // destroyed
        stay(Stage::up),      // destroy_failed
        stay(Stage::up),      // retry_due
        stay(Stage::up),      // launcher_lost: running sandboxes go on
        stay(Stage::up),      // launcher_back
    },
    going(Stage::ending, {Stage::removing, Act::dead}, stay(Stage::ending), stay(Stage::ending), stay(Stage::ending),
        {Stage::ending, Act::kill_again}),
    going(Stage::removing, stay(Stage::removing), {Stage::gone, Act::finish}, {Stage::removing, Act::retry_later},
        {Stage::removing, Act::remove_again}, {Stage::removing, Act::remove_again}),
};

consteval bool complete()
{
    for (auto const& row : kTable)
        for (auto const& step : row)
            if (step.next == Stage::unset) return false;
    return true;
}
static_assert(complete(), "every stage knows every happening");

consteval bool only_forward()
{
    for (std::size_t stage = 0; stage < kStages; ++stage)
        for (auto const& step : kTable[stage])
            if (static_cast<std::size_t>(step.next) < stage) return false;
    return true;
}
static_assert(only_forward(), "SX-6: a session never goes back to an earlier stage, so a sandbox is never used again");

}  // namespace

Step step_of(Stage stage, Happening happening)
{
    OCU_ASSERT(static_cast<std::size_t>(stage) < kStages);
    return kTable[static_cast<std::size_t>(stage)][static_cast<std::size_t>(happening)];
}

}  // namespace ocu::sandbox
