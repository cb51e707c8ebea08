// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// A session's life as a table: what each happening means in each stage. Pure; the thread (sandbox.cpp) carries the acts out.
//
//   preparing -> equipping -> (awaiting_exec | awaiting_mount) -> starting -> up -> ending -> removing -> gone
//
// Equipping needs two things in either order: the broker serves the file mount, and the exec helper is confined. From every stage
// before it, the way to `ending` is the same, so nothing that a session had can be forgotten on some path (T-13). There is no way back.

#include <array>
#include <cstddef>
#include <cstdint>

namespace ocu::sandbox {

enum class Stage : std::uint8_t {
    preparing,       // launcher was asked for lane, mount and channel
    equipping,       // edge, storage and an exec helper have been given theirs
    awaiting_exec,   // the mount is served
    awaiting_mount,  // the exec helper is confined
    starting,        // launcher was asked to start the guest; its agent has not answered yet
    up,
    ending,          // cut off from everything; launcher was asked to kill
    removing,        // nothing runs; launcher was asked to destroy
    gone,
    unset,
};

enum class Happening : std::uint8_t {
    prepared,
    launch_failed,
    mount_ready,
    mount_lost,
    exec_reported,
    exec_ready,
    guest_gone,
    end_asked,
    deadline,
    killed,
    destroyed,
    destroy_failed,
    retry_due,
    launcher_lost,
    launcher_back,
    kLast = launcher_back,
};

enum class Act : std::uint8_t {
    nothing,
    equip,        // LaneAttach, MountAttach, spawn exec
    start,        // launcher: Start
    announce,     // SessionUp; run what waited
    end,          // detach everything, fail the calls, launcher: Kill
    dead,         // SessionDead; launcher: Destroy
    finish,       // SessionDown; forget
    kill_again,   // launcher: Kill
    remove_again, // launcher: Destroy
    retry_later,
};

struct Step {
    Stage next = Stage::unset;
    Act act = Act::nothing;
    bool operator==(Step const&) const = default;
};

// What happens next. `gone` has no row: a session that is gone is forgotten.
Step step_of(Stage stage, Happening happening);

}  // namespace ocu::sandbox
