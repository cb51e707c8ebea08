// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a session's cgroup has used in all, from single readings of it. Pure.

#include <cstdint>

#include "base/clock.h"
#include "proto/sandbox_to_launcher.h"
#include "proto/session_meter.h"

namespace ocu::sandbox {

class Meter {
public:
    // Memory is charged by what the reading before said, for as long as it was the newest. A counter that goes back is not believed.
    void take(proto::LauncherMeasured const& measured, Monotonic now);
    proto::SessionUsed told(SessionId session, proto::Telling telling) const;

private:
    std::uint64_t cpu_us_ = 0;
    std::uint64_t memory_kib_ms_ = 0;
    std::uint64_t memory_bytes_ = 0;
    Monotonic since_{};
    bool begun_ = false;  // memory has been read once
    bool cpu_known_ = false;
    bool memory_known_ = false;
};

}  // namespace ocu::sandbox
