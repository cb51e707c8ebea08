// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Every bound of the sandbox role and its launcher, and how they relate.

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ocu::sandbox {

using namespace std::chrono_literals;

// Guest ids: slot n has [kHostIdBase + n * kHostIdsPerSlot, ... + kHostIdsPerSlot) on the host, and no other slot has any of them.
inline constexpr std::uint32_t kHostIdBase = 1'000'000;
inline constexpr std::uint32_t kHostIdsPerSlot = 65'536;
inline constexpr std::uint32_t kGuestUser = 1000;  // inside; commands run as this one
inline constexpr std::size_t kSlotsMax = 4096;
static_assert(kHostIdBase + kSlotsMax * kHostIdsPerSlot < 0x7fff'ffffu, "ids of the last slot are valid");

// Session, seen from the sandbox thread.
inline constexpr std::chrono::milliseconds kStartDeadline = 45s;        // create to up, else session_failed
inline constexpr std::chrono::milliseconds kDestroyRetry = 1s;          // after the launcher said that it could not
inline constexpr std::chrono::milliseconds kStopDeadline = 5s;          // sessions that are still ending when the role stops
inline constexpr std::chrono::milliseconds kProgressGap = 500ms;        // between two reports of one session; its helper's own is longer
inline constexpr std::chrono::milliseconds kProgramsGap = 100ms;        // between two records of what ran; its helper's own is longer
inline constexpr std::chrono::milliseconds kRestAfter = 2s;             // nothing of a guest runs, until it is stopped
inline constexpr std::size_t kCallsWaitingMax = 64;                     // of one session, before it is up

// Launcher.
inline constexpr std::chrono::milliseconds kRuntimeDeadline = 40s;      // one runtime command; gVisor on an emulated processor needs ten
inline constexpr std::chrono::milliseconds kKillRound = 1ms;            // between two looks at a dying cgroup
inline constexpr std::chrono::milliseconds kKillWarning = 5s;           // a kill that takes this long is said aloud
inline constexpr std::chrono::milliseconds kRemoveDeadline = 10s;       // empty cgroups that the kernel will not let go of
inline constexpr std::chrono::milliseconds kLastCleanDeadline = 8s;     // after the core is gone
inline constexpr std::size_t kAgentBytesMax = 64u << 20;                // the file that is copied for all guests
inline constexpr std::size_t kLogShownBytesMax = 400;
inline constexpr std::uint32_t kRuncTasks = 64;                         // threads of the runtime itself while it starts a guest
inline constexpr std::uint32_t kGvisorTasks = 256;                      // of the sentry and gofer, whatever the guest does
inline constexpr std::uint32_t kGvisorTasksPerGuestTask = 3;            // host tasks for each guest task (systrap)
inline constexpr std::uint64_t kRuntimeMemoryBytes = 64ull << 20;       // beyond the guest's own, for the runtime's processes
inline constexpr std::uint64_t kGuestOpenFilesMax = 16'384;
inline constexpr std::uint32_t kGuestTerminalsMax = 64;                 // of the machine's 4096
inline constexpr std::size_t kLimitedDisksMax = 32;
inline constexpr std::uint64_t kGuestSocketBytesMax = 32ull << 20;  // in socket buffers, where the kernel does not count them as memory
static_assert(kRuntimeDeadline < kStartDeadline, "the launcher says why before the session gives up");

}  // namespace ocu::sandbox
