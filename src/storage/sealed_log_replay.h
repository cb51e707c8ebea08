// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Opening a sealed log: everything is read and judged before anything is changed. docs/formats/sealed-log.md, "Opening".
// Threading: as SealedLog. Used by SealedLog::open() alone.

#include <set>

#include "storage/sealed_log.h"

namespace ocu::storage {

class SealedLogReplay {
public:
    explicit SealedLogReplay(SealedLog& log) : log_(log) {}

    // Fills the log, which is new. Errors: as SealedLog::open().
    std::expected<SealedLog::Cut, SealedLog::Damage> run(SealedLog::Apply const& apply);

private:
    using Damage = SealedLog::Damage;
    using Verdict = std::expected<void, Damage>;

    // The first thing that does not fit.
    struct Stop {
        SegmentNumber segment;
        std::uint64_t offset;
        std::uint64_t number;  // at most, of the record that should be there
        Literal what;
    };
    struct Entry {  // of the journal
        RecordKind kind;
        std::uint64_t number;
        std::uint64_t begun;  // the beginning that a part or an end belongs to
        SealedLog::Spot spot;
        std::uint32_t bytes;
        std::vector<SegmentNumber> named;
    };

    Verdict scan(Segments::Found const& found);
    std::expected<std::optional<SegmentHead>, Damage> scan_head(Segments::Found const& found);
    void scan_records(SealedLog::Segment& segment, std::uint64_t bytes);
    void look_beyond(SealedLog::Segment const& segment, std::uint64_t bytes);
    bool take(SealedLog::Segment& segment, RecordHead const& head, std::uint32_t offset, std::span<std::byte const> record);
    std::span<std::byte> window(SegmentNumber segment, std::uint64_t offset, std::size_t bytes, std::uint64_t end);
    void stop_at(Stop stop);
    std::uint64_t next_number_before(SegmentNumber segment) const;

    std::optional<std::size_t> last_snapshot() const;
    std::set<SegmentNumber> removed() const;
    std::optional<SegmentNumber> missing(SegmentNumber last) const;
    Verdict judge();
    Verdict apply_journal(SealedLog::Apply const& apply);
    void forget_beyond(Stop const& stop);
    void settle_memory();
    void settle_journal();
    Answer<void> settle_disk();

    SealedLog& log_;
    std::vector<Segments::Found> found_;
    std::vector<Entry> journal_;
    std::set<SegmentNumber> ended_;
    std::optional<Stop> stop_;
    std::uint64_t synced_ = 0;
    SegmentNumber last_ = 0;  // that stays, or went by the journal's word
    std::set<SegmentNumber> leftover_;
    SealedLog::Cut cut_;
    std::vector<SegmentNumber> to_remove_;  // in this order
    SegmentNumber window_segment_ = 0;
    std::uint64_t window_offset_ = 0;
    std::size_t window_bytes_ = 0;
    std::vector<std::byte> window_;
};

}  // namespace ocu::storage
