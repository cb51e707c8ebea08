// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/journal_walk.h"

#include "audit/layout.h"
#include "audit/limits.h"

namespace ocu::audit {

// False: there is no such segment.
Result<bool> JournalWalk::load()
{
    auto read = disk_.read_file(directory_, segment_path(segment_), kSegmentBytesMax);
    if (!read && read.error().fault == Fault::not_found) return false;
    bytes_ = OCU_TRY(std::move(read));
    OCU_TRY(parse_header(bytes_));
    return true;
}

// A frame that does not check is one that is being written, or the torn end of a log that was not opened again.
Result<std::optional<std::string>> JournalWalk::next_here()
{
    if (bytes_.empty()) return std::nullopt;
    FrameReader reader(bytes_, offset_);
    auto const frame = reader.next();
    if (!frame || !*frame) return std::nullopt;
    offset_ = reader.offset();
    return std::string((*frame)->record);
}

Result<std::optional<std::string>> JournalWalk::next()
{
    for (;;) {
        if (auto record = OCU_TRY(next_here())) return record;
        // Whether there is a later segment is asked first: once there is, this one grows no more.
        auto const later = disk_.open(directory_, segment_path(segment_ + 1), Open::existing_to_read);
        if (!later && later.error().fault != Fault::not_found) return std::unexpected(later.error());
        if (!OCU_TRY(load())) return std::nullopt;
        if (auto record = OCU_TRY(next_here())) return record;
        if (!later) return std::nullopt;
        FrameReader reader(bytes_, offset_);
        if (!reader.next()) return fail(Fault::malformed, "a record does not check: audit verify says which");
        ++segment_;
        offset_ = kSegmentHeaderBytes;
        bytes_.clear();
    }
}

}  // namespace ocu::audit
