// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/disk_watch.h"

#include <algorithm>

#include "control/limits.h"

namespace ocu::control {

namespace {

std::uint32_t percent_of(std::uint64_t used, std::uint64_t free)
{
    auto const all = static_cast<double>(used) + static_cast<double>(free);
    return all == 0 ? 0 : static_cast<std::uint32_t>(static_cast<double>(used) * 100 / all);
}

}  // namespace

DiskWatch::DiskWatch(std::uint32_t watermark_percent) { state_.watermark_percent = watermark_percent; }

DiskWatch::Turn DiskWatch::look(std::optional<DiskRoom> const& room)
{
    state_.known = room.has_value();
    if (!room) return Turn::none;  // an alarm that rings goes on
    state_.used_percent = std::max(percent_of(room->bytes_used, room->bytes_free), percent_of(room->files_used, room->files_free));
    state_.free_bytes = room->bytes_free;
    if (!state_.alarm && state_.used_percent >= state_.watermark_percent) {
        state_.alarm = true;
        return Turn::passed;
    }
    if (state_.alarm && state_.used_percent + kDiskClearPercent <= state_.watermark_percent) {
        state_.alarm = false;
        return Turn::cleared;
    }
    return Turn::none;
}

}  // namespace ocu::control
