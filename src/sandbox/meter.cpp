// SPDX-License-Identifier: GPL-3.0-or-later
#include "sandbox/meter.h"

#include <algorithm>

namespace ocu::sandbox {

void Meter::take(proto::LauncherMeasured const& measured, Monotonic now)
{
    cpu_known_ = measured.cpu_known;
    if (cpu_known_) cpu_us_ = std::max(cpu_us_, measured.cpu_us);
    if (begun_) {
        auto const held = std::chrono::duration_cast<std::chrono::milliseconds>(now - since_).count();
        memory_kib_ms_ += memory_bytes_ / 1024 * static_cast<std::uint64_t>(held);
    }
    since_ = now;
    memory_known_ = measured.memory_known;
    if (!memory_known_) return;
    begun_ = true;
    memory_bytes_ = measured.memory_bytes;
}

proto::SessionUsed Meter::told(SessionId session, proto::Telling telling) const
{
    return {session, cpu_us_, memory_kib_ms_ / 1000, cpu_known_, memory_known_, telling};
}

}  // namespace ocu::sandbox
