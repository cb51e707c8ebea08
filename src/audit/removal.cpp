// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/removal.h"

#include <set>

#include "audit/layout.h"
#include "audit/reading.h"
#include "audit/recover.h"

namespace ocu::audit {

namespace {

using proto::RetentionHold;

// The folders on the way to a file, without the directory itself.
void add_folders(std::set<std::string>& out, std::string const& path)
{
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) out.insert(path.substr(0, slash));
}

}  // namespace

void Removal::resume(std::uint64_t first_segment, std::uint64_t first_record, std::optional<RetentionNote> note)
{
    first_segment_ = first_segment;
    first_record_ = first_record;
    note_ = std::move(note);
}

Result<SegmentHeader> Removal::header_of(std::uint64_t segment)
{
    return parse_header(OCU_TRY(disk_->read_file(directory_, segment_path(segment), kSegmentBytesMax)));
}

// Every record of it: that it checks, that its hash stays behind in its tile, and when it was.
Result<Removal::Judged> Removal::judge(std::uint64_t segment)
{
    auto const bytes = OCU_TRY(disk_->read_file(directory_, segment_path(segment), kSegmentBytesMax));
    auto const header = OCU_TRY(parse_header(bytes));
    Judged out{header.first_index, 0, header.chains};
    std::vector<Digest> tile;
    FrameReader reader(bytes);
    for (;;) {
        auto const frame = OCU_TRY(reader.next());
        if (!frame) break;
        if (tile.empty() || out.end % kTileWidth == 0) tile = OCU_TRY(read_tile(*disk_, directory_, 0, out.end / kTileWidth, kTileWidth));
        if (tile[out.end % kTileWidth] != frame->leaf) return fail(Fault::malformed, "record is not the one in its tile");
        auto const mark = OCU_TRY(read_mark(frame->record));
        auto const read = read_record(frame->record);
        if (!read || mark.link != out.chains.next(mark.source)) return fail(Fault::malformed, "record does not continue its source's chain");
        out.chains.advance(mark.source, frame->record);
        out.newest_ms = std::max<std::int64_t>(out.newest_ms, read->time.time_since_epoch().count());
        ++out.end;
    }
    if (!reader.tail().empty()) return fail(Fault::malformed, "bytes after the end of a segment");
    return out;
}

Result<RemovalPlan> Removal::plan(RemovalPolicy const& policy, std::uint64_t bound, std::uint64_t end)
{
    if (policy.days < proto::kRetentionDaysFloor || policy.days > proto::kRetentionDaysMax) return fail(Fault::denied, "retention below its floor");
    if (policy.hot_days != 0 && (policy.hot_days < proto::kHotDaysFloor || policy.hot_days > policy.days)) return fail(Fault::denied, "hot days below their floor");
    OCU_CHECK(carry_out());
    auto const youngest = policy.youngest_ms();
    RemovalPlan out;
    out.newest_ms = note_ ? note_->terms.newest_ms : 0;
    for (auto segment = first_segment_; segment + kSegmentsKept < end && segment - first_segment_ < kRemovedAtOnceMax; ++segment) {
        bool const known = segment == first_segment_ && oldest_;
        if (known && oldest_->newest_ms > youngest) break;  // nothing is read, most of the time
        auto const next = OCU_TRY(header_of(segment + 1));
        if (next.first_index > bound) break;
        auto const judged = known ? *oldest_ : OCU_TRY(judge(segment));
        if (segment == first_segment_) oldest_ = judged;
        if (next != SegmentHeader{judged.end, judged.chains}) return fail(Fault::malformed, "segment does not continue the one before it");
        if (std::max(judged.newest_ms, out.newest_ms) > youngest) break;
        if (judged.end > policy.copied) {
            out.hold = RetentionHold::sink;
            break;
        }
        if (segment >= policy.cold) {  // T-44
            out.hold = RetentionHold::cold;
            break;
        }
        out.removed = judged.end;
        out.segment = segment + 1;
        out.newest_ms = std::max(judged.newest_ms, out.newest_ms);
        out.chains = judged.chains;
    }
    return out;
}

// Tiles could be made again from the records, until these go: from then on they are all that is left, and so is the bundle in which the
// first record that is kept has its place.
Result<void> Removal::sync_tiles(std::uint64_t first, std::uint64_t end)
{
    std::set<std::string> folders;
    for (auto i = first / kTileWidth; i <= end / kTileWidth; ++i) add_folders(folders, tile_path(0, i));
    add_folders(folders, entries_path(end / kTileWidth, kTileWidth));
    for (auto const& folder : folders) OCU_CHECK(disk_->sync_folder(directory_, folder));
    return {};
}

Result<void> Removal::remove(RetentionNote const& note, std::string_view text)
{
    OCU_CHECK(sync_tiles(first_record_, note.terms.removed));
    OCU_CHECK(replace_file(*disk_, directory_, std::string(kRetentionPath), text));
    OCU_CHECK(disk_->sync_folder(directory_, "."));
    note_ = note;
    return carry_out();
}

// Those of which no record is kept. One that also has records which are kept goes with the next segment.
Result<void> Removal::remove_bundles(std::uint64_t first, std::uint64_t end)
{
    std::set<std::string> folders;
    for (auto i = first / kTileWidth; i < end / kTileWidth; ++i) {
        auto const path = entries_path(i, kTileWidth);
        OCU_CHECK(disk_->remove_file(directory_, path));
        OCU_CHECK(disk_->remove_folder(directory_, path + ".p"));  // of a crash, long ago
        folders.insert(path.substr(0, path.rfind('/')));
    }
    for (auto const& folder : folders) OCU_CHECK(disk_->sync_folder(directory_, folder));
    return {};
}

Result<void> Removal::carry_out()
{
    while (note_ && first_segment_ < note_->terms.segment) {
        auto const first = OCU_TRY(header_of(first_segment_)).first_index;
        auto const end = OCU_TRY(header_of(first_segment_ + 1)).first_index;
        OCU_CHECK(remove_bundles(first, end));
        OCU_CHECK(disk_->remove_file(directory_, segment_path(first_segment_)));
        OCU_CHECK(disk_->sync_folder(directory_, "journal"));
        ++first_segment_;
        first_record_ = end;
        oldest_.reset();
    }
    return {};
}

}  // namespace ocu::audit
