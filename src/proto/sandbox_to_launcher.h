// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The sandbox thread asks, the launcher does. Numbers and enums only: no path, command or text can be said to the one process that has
// the right to mount (T-14). Everything that a slot is (directories, ids, cgroup, container name) follows from its number, so that a
// restarted launcher can kill and destroy what its predecessor made.
//
//   Prepare -> Prepared | Failed{prepare}     lane, file mount and channel exist; nothing of the guest runs
//   Start   -> Started  | Failed{start}       needs a served file mount: send it after MountReady only
//   Kill    -> Killed                         in any state, also while starting: no process of the guest is left
//   Destroy -> Destroyed | Failed{destroy}    in any state; kills first; nothing is left on the host, the slot may be used again
//   Measure -> Measured                       in any state: what its cgroup has used
//   Pause, Resume                             in any state, and no answer: its cgroup is frozen, or is not. Kill thaws it
//   Measured                                  also unasked, before Killed: the last there will be
//   Exited                                    unasked: the guest's first process has ended

#include <array>

#include "base/id.h"
#include "proto/control_to_sandbox.h"
#include "proto/type.h"
#include "wire/link.h"

namespace ocu::proto {

struct LauncherPrepare {
    static constexpr Type kType = Type::launcher_prepare;
    Slot slot;
    Tier tier{};
    static void fields(auto& wire, auto& m) { wire(m.slot, m.tier); }
};

// With descriptors, in this order. The last keeps the lane catching: closing it, or both sockets, ends the lane.
enum class PreparedDescriptor : std::uint8_t { fuse, tcp_listener, dns_socket, channel, monitor, lane_program, kLast = lane_program };
inline constexpr std::uint16_t kPreparedDescriptors = static_cast<std::uint16_t>(PreparedDescriptor::kLast) + 1;

struct LauncherPrepared {
    static constexpr Type kType = Type::launcher_prepared;
    Slot slot;
    static void fields(auto& wire, auto& m) { wire(m.slot); }
};

struct LauncherStart {
    static constexpr Type kType = Type::launcher_start;
    Slot slot;
    static void fields(auto& wire, auto& m) { wire(m.slot); }
};

struct LauncherStarted {
    static constexpr Type kType = Type::launcher_started;
    Slot slot;
    static void fields(auto& wire, auto& m) { wire(m.slot); }
};

struct LauncherKill {
    static constexpr Type kType = Type::launcher_kill;
    Slot slot;
    static void fields(auto& wire, auto& m) { wire(m.slot); }
};

struct LauncherKilled {
    static constexpr Type kType = Type::launcher_killed;
    Slot slot;
    static void fields(auto& wire, auto& m) { wire(m.slot); }
};

struct LauncherDestroy {
    static constexpr Type kType = Type::launcher_destroy;
    Slot slot;
    static void fields(auto& wire, auto& m) { wire(m.slot); }
};

struct LauncherDestroyed {
    static constexpr Type kType = Type::launcher_destroyed;
    Slot slot;
    static void fields(auto& wire, auto& m) { wire(m.slot); }
};

struct LauncherExited {
    static constexpr Type kType = Type::launcher_exited;
    Slot slot;
    static void fields(auto& wire, auto& m) { wire(m.slot); }
};

struct LauncherMeasure {
    static constexpr Type kType = Type::launcher_measure;
    Slot slot;
    static void fields(auto& wire, auto& m) { wire(m.slot); }
};

struct LauncherPause {
    static constexpr Type kType = Type::launcher_pause;
    Slot slot;
    static void fields(auto& wire, auto& m) { wire(m.slot); }
};

struct LauncherResume {
    static constexpr Type kType = Type::launcher_resume;
    Slot slot;
    static void fields(auto& wire, auto& m) { wire(m.slot); }
};

// What the kernel has counted for the slot's cgroup; what it does not say is not known.
struct LauncherMeasured {
    static constexpr Type kType = Type::launcher_measured;
    Slot slot;
    bool cpu_known = false;
    bool memory_known = false;
    std::uint64_t cpu_us = 0;        // since the cgroup was made
    std::uint64_t memory_bytes = 0;  // now
    static void fields(auto& wire, auto& m) { wire(m.slot, m.cpu_known, m.memory_known, m.cpu_us, m.memory_bytes); }
};

enum class LaunchStage : std::uint8_t { prepare, start, destroy, kLast = destroy };

struct LauncherFailed {
    static constexpr Type kType = Type::launcher_failed;
    Slot slot;
    LaunchStage stage{};
    static void fields(auto& wire, auto& m) { wire(m.slot, m.stage); }
};

namespace launcher_detail {
template <class Message>
constexpr wire::Permit permit(std::uint16_t descriptors = 0, std::uint32_t body_bytes_max = 16)
{
    return {static_cast<std::uint16_t>(Message::kType), descriptors, body_bytes_max};
}
}  // namespace launcher_detail

inline constexpr std::array kSandboxToLauncher{
    launcher_detail::permit<LauncherPrepare>(),
    launcher_detail::permit<LauncherStart>(),
    launcher_detail::permit<LauncherKill>(),
    launcher_detail::permit<LauncherDestroy>(),
    launcher_detail::permit<LauncherMeasure>(),
    launcher_detail::permit<LauncherPause>(),
    launcher_detail::permit<LauncherResume>(),
};

inline constexpr std::array kLauncherToSandbox{
    launcher_detail::permit<LauncherPrepared>(kPreparedDescriptors),
    launcher_detail::permit<LauncherStarted>(),
    launcher_detail::permit<LauncherKilled>(),
    launcher_detail::permit<LauncherDestroyed>(),
    launcher_detail::permit<LauncherMeasured>(0, 32),
    launcher_detail::permit<LauncherExited>(),
    launcher_detail::permit<LauncherFailed>(),
};

}  // namespace ocu::proto
