// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Whether the disk of the log fills (AU-7): long before it is full, and once for each time that it passes the watermark. Pure.

#include <cstdint>
#include <optional>

#include "proto/audit_disk.h"

namespace ocu::control {

// As the log's own writer has it: without what the file system keeps for root.
struct DiskRoom {
    std::uint64_t bytes_used = 0;
    std::uint64_t bytes_free = 0;
    std::uint64_t files_used = 0;
    std::uint64_t files_free = 0;  // both 0: the file system has no such limit
};

class DiskWatch {
public:
    enum class Turn : std::uint8_t { none, passed, cleared };

    explicit DiskWatch(std::uint32_t watermark_percent);

    // What this look changes. Passed at the watermark; cleared kDiskClearPercent below it, so that a disk at the mark does not ring at every look.
    Turn look(std::optional<DiskRoom> const& room);
    proto::AuditDisk const& state() const { return state_; }

private:
    proto::AuditDisk state_;
};

}  // namespace ocu::control
