// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What the writer does before it takes the first event: reads where the log ends, cuts a torn tail, and refuses a damaged log.
// With a checkpoint on disk it reads only the tail of the journal; without one, all of it.

#include <optional>

#include "audit/derived.h"
#include "audit/disk.h"
#include "audit/note.h"
#include "audit/retention_note.h"

namespace ocu::audit {

struct Repair {
    std::uint64_t bytes = 0;  // 0: nothing was cut
    Digest digest{};          // of what was cut
};

struct Recovered {
    Chains chains;
    std::uint64_t first_segment = 0;  // that is there
    std::uint64_t first_record = 0;   // the first in it
    std::uint64_t segments = 0;       // the number that the next one gets; 0: a new log
    std::optional<RetentionNote> retention;
    UniqueFd last_segment;
    std::size_t last_segment_bytes = 0;
    std::size_t end_offset = 0;       // where the next frame of the last segment goes
    std::uint64_t checkpoint_size = 0;
    std::optional<VerifierKey> key;   // as in keys/
    Repair repair;
};

// Fills `derived`. Errors: malformed (this log was altered or is damaged: nothing was written), os.
Result<Recovered> recover(Disk& disk, int directory, Derived& derived);

// Segments that are there, in a row. What was removed by age is missing at the front: whether it may is not looked at.
struct SegmentRow {
    std::uint64_t first = 0;
    std::uint64_t end = 0;  // one after the last; equal to `first`: there is none

    std::uint64_t count() const { return end - first; }
};
// Errors: malformed if one is missing between two, or a file is none.
Result<SegmentRow> list_segments(Disk& disk, int directory);
Result<std::optional<VerifierKey>> read_key(Disk& disk, int directory);
// Signed by the key in use, or by one that was in use earlier: a crash may fall between a change of keys and the next checkpoint.
Result<void> check_with_any_key(Disk& disk, int directory, SignedText const& note);
Result<std::optional<Note>> read_checkpoint(Disk& disk, int directory);
// A tile of `width` hashes: the partial file, or the beginning of the full one.
Result<std::vector<Digest>> read_tile(Disk& disk, int directory, unsigned level, std::uint64_t index, std::size_t width);

}  // namespace ocu::audit
