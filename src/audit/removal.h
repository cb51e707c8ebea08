// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Records that are older than policy keeps them (AU-7): which segments may go, and how they go so that at every moment what is left verifies.
//
//   each is read and held against its tile  ->  the tiles are synced  ->  a signed retention checkpoint is on disk  ->  its bundles, then it;
//   one at a time, the oldest first, synced after each
//
// Whoever is killed on the way has left segments that may go: carry_out() removes them. Nothing is removed that the checkpoint on disk does
// not let go. Threading: the log's.

#include <limits>

#include "audit/disk.h"
#include "audit/journal.h"
#include "audit/retention_note.h"
#include "base/clock.h"

namespace ocu::audit {

struct RemovalPolicy {
    std::uint32_t days = 0;    // not below proto::kRetentionDaysFloor
    WallTime now{};            // of a clock that is believed
    std::uint64_t copied = 0;  // every sink has the records before it
    std::uint64_t cold = std::numeric_limits<std::uint64_t>::max();  // the cold tier has the segments before it; all there can be: there is none
    std::uint32_t hot_days = 0;  // after so long what the cold tier has may go; 0: after `days`

    std::int64_t youngest_ms() const
    {
        return now.time_since_epoch().count() - static_cast<std::int64_t>(hot_days != 0 ? hot_days : days) * proto::kDayMs;
    }
};

struct RemovalPlan {
    proto::RetentionHold hold = proto::RetentionHold::nothing_due;  // why no more goes
    std::uint64_t removed = 0;   // records; 0: nothing goes
    std::uint64_t segment = 0;   // the first that is kept
    std::int64_t newest_ms = 0;  // of all that were ever removed
    Chains chains;               // before the first record that is kept

    proto::RetentionTerms terms(std::uint64_t event, RemovalPolicy const& policy) const
    {
        return {removed, segment, event, policy.days, newest_ms, policy.now.time_since_epoch().count(), policy.hot_days};
    }
};

class Removal {
public:
    Removal(Disk& disk, int directory) : disk_(&disk), directory_(directory) {}

    // As the log was found.
    void resume(std::uint64_t first_segment, std::uint64_t first_record, std::optional<RetentionNote> note);

    // `end`: one after the last segment; kSegmentsKept of them stay. `bound`: no record from it on goes. Reads at most kRemovedAtOnceMax segments, and
    // only what it did not judge before. Errors: denied (a policy below the floor), malformed (a segment or its tile does not check), os.
    Result<RemovalPlan> plan(RemovalPolicy const& policy, std::uint64_t bound, std::uint64_t end);
    // `text`: the note, signed. Errors: os; then what is left verifies, and carry_out() can be tried again.
    Result<void> remove(RetentionNote const& note, std::string_view text);
    Result<void> carry_out();

    std::uint64_t first_segment() const { return first_segment_; }
    std::uint64_t first_record() const { return first_record_; }

private:
    struct Judged {
        std::uint64_t end = 0;       // one after its last record
        std::int64_t newest_ms = 0;
        Chains chains;               // after its last record
    };
    Result<Judged> judge(std::uint64_t segment);
    Result<void> sync_tiles(std::uint64_t first, std::uint64_t end);
    Result<void> remove_bundles(std::uint64_t first, std::uint64_t end);
    Result<SegmentHeader> header_of(std::uint64_t segment);

    Disk* disk_;
    int directory_;
    std::uint64_t first_segment_ = 0;
    std::uint64_t first_record_ = 0;
    std::optional<RetentionNote> note_;  // as it is on disk
    std::optional<Judged> oldest_;       // of first_segment_
};

}  // namespace ocu::audit
