// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One segment of the journal, judged by itself: its header says where every chain stands before its first record, so segments can be judged
// side by side and held against each other afterwards. Nothing is believed of that header: whoever joins the verdicts compares it with
// where the segment before it ended, and has the segment judged again if they differ. Pure.

#include <array>
#include <memory>
#include <optional>

#include "audit/journal.h"
#include "audit/layout.h"
#include "audit/verify.h"

namespace ocu::audit {

using SourceHeads = std::array<std::optional<SourceHead>, kSources>;

struct SegmentPlan {
    std::string path;
    std::uint64_t covered = 0;  // size of the signed tree
    bool last = false;          // only the last one can have a torn tail
    SourceHeads const* heads = nullptr;
};

struct JudgedRecord {
    std::string_view bytes;
    Digest leaf;
};

struct SegmentVerdict {
    SegmentHeader start;                   // what the segment was judged from
    std::vector<JudgedRecord> records;     // views into what was judged
    std::vector<Finding> findings;         // the first kFindingsMax
    std::uint64_t findings_count = 0;
    Chains chains;                         // after the last record
    std::uint64_t torn_tail_bytes = 0;
    std::array<bool, kSources> head_seen{};
};

SegmentVerdict judge_segment(std::string_view bytes, SegmentHeader const& start, SegmentPlan const& plan);

// A segment's bytes and what its own header claims, judged from that claim.
struct LoadedSegment {
    std::unique_ptr<std::string const> bytes;  // none: it could not be read
    std::optional<SegmentHeader> header;       // none: it is damaged
    SegmentVerdict verdict;                    // empty without a header
};

LoadedSegment load_segment(Disk& disk, int directory, SegmentPlan const& plan);

}  // namespace ocu::audit
