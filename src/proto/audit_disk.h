// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// How full the disk under the log is, for whoever looks at the machine.

#include <cstdint>

namespace ocu::proto {

struct AuditDisk {
    bool known = false;  // false: it has not been looked at yet, or the system does not say
    bool alarm = false;  // it passed the watermark, and has not been clearly below it since
    std::uint32_t used_percent = 0;
    std::uint32_t watermark_percent = 0;  // the manifest's audit.watermark
    std::uint64_t free_bytes = 0;         // for the log's own writer

    static void fields(auto& wire, auto& m) { wire(m.known, m.alarm, m.used_percent, m.watermark_percent, m.free_bytes); }
};

}  // namespace ocu::proto
