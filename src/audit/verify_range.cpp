// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/verify_range.h"

#include "audit/prove.h"
#include "audit/recover.h"
#include "audit/verify_segment.h"
#include "audit/verify_signed.h"

namespace ocu::audit {

namespace {

class RangeVerifier {
public:
    RangeVerifier(Disk& disk, int directory, Range range) : disk_(disk), directory_(directory), range_(range) {}

    Result<Report> run(std::optional<VerifierKey> key)
    {
        if (range_.first > range_.last) return fail(Fault::malformed, "the range ends before it begins");
        auto const add_finding = [this](Problem problem, std::uint64_t record, std::string where) { add(problem, record, std::move(where)); };
        auto const known = read_signed(disk_, directory_, std::move(key), add_finding);
        report_.key_from_directory = known.key_from_directory;
        report_.checkpoint = known.checkpoint;
        if (!report_.checkpoint || range_.last >= report_.checkpoint->size)
            return fail(Fault::not_found, "the checkpoint does not cover the range");
        report_.root = report_.checkpoint->root;
        tiles_.emplace(disk_, directory_, report_.checkpoint->size);
        auto const row = OCU_TRY(list_segments(disk_, directory_));
        OCU_CHECK(is_kept(row));
        for (auto number = OCU_TRY(segment_with(row)); number < row.end && next_ <= range_.last; ++number) OCU_CHECK(segment(number));
        if (next_ <= range_.last) add(Problem::log_truncated, std::max(next_, range_.first), "journal");
        return std::move(report_);
    }

private:
    void add(Problem problem, std::uint64_t record, std::string where)
    {
        ++report_.findings_count;
        if (report_.findings.size() < kFindingsMax) report_.findings.push_back({problem, record, std::move(where)});
    }

    // Of records that were removed by age there is nothing to check but that they were: the whole log says whether that was right.
    Result<void> is_kept(SegmentRow const& row)
    {
        if (row.first == 0) return {};
        auto const bytes = OCU_TRY(disk_.read_file(directory_, segment_path(row.first), kSegmentBytesMax));
        if (auto const header = parse_header(bytes); header && header->first_index > range_.first)
            return fail(Fault::not_found, "the range begins before the first record that is kept: older ones were removed");
        return {};
    }

    // The last segment that says it begins at the first record of the range, or before. A header that lies leads to another segment, whose
    // records are then not those of the tree.
    Result<std::uint64_t> segment_with(SegmentRow const& row)
    {
        auto low = row.first, high = row.end;
        while (high - low > 1) {
            auto const middle = low + (high - low) / 2;
            auto const bytes = OCU_TRY(disk_.read_file(directory_, segment_path(middle), kSegmentBytesMax));
            auto const header = parse_header(bytes);
            if (!header) return fail(Fault::malformed, "a segment's header is damaged: verify the whole log");
            (header->first_index <= range_.first ? low : high) = middle;
        }
        return low;
    }

    Result<void> segment(std::uint64_t number)
    {
        SegmentPlan const plan{segment_path(number), report_.checkpoint->size, false, &no_heads_};
        auto loaded = load_segment(disk_, directory_, plan);
        if (!loaded.bytes) return add(Problem::journal_unreadable, next_, plan.path), Result<void>{};
        SegmentHeader const here = before_ ? SegmentHeader{next_, *before_} : loaded.header.value_or(SegmentHeader{});
        if (loaded.header != here) {
            add(Problem::segment_header, here.first_index, plan.path);
            loaded.verdict = judge_segment(*loaded.bytes, here, plan);
        }
        for (auto& finding : loaded.verdict.findings)
            if (finding.record >= range_.first && finding.record <= range_.last) add(finding.problem, finding.record, std::move(finding.where));
        next_ = here.first_index;
        for (auto const& record : loaded.verdict.records) {
            if (next_ > range_.last) break;
            if (next_ >= range_.first) OCU_CHECK(place(record, plan.path));
            ++next_;
        }
        before_ = loaded.verdict.chains;
        return {};
    }

    // One proof binds the whole lowest tile, since the path from one of its hashes is made of all the others.
    Result<bool> tile_is_under_root()
    {
        auto const size = report_.checkpoint->size;
        auto const leaf = OCU_TRY(tiles_->subtree(0, next_));
        auto const way = OCU_TRY(prove_inclusion(next_, size, tiles_->function()));
        return check_inclusion(leaf, next_, size, way, report_.checkpoint->root);
    }

    Result<void> bind_tile()
    {
        bound_ = next_ / kTileWidth;
        auto const bound = tile_is_under_root();
        if (!bound && bound.error().fault == Fault::os) return std::unexpected(bound.error());
        if (!bound)
            add(Problem::tile_missing, next_, "tile");
        else if (!*bound)
            add(Problem::root_mismatch, next_, std::string(kCheckpointPath));
        return {};
    }

    // Each record is held against its hash in a tile that is known to be under the root.
    Result<void> place(JudgedRecord const& record, std::string const& path)
    {
        if (bound_ != next_ / kTileWidth) OCU_CHECK(bind_tile());
        ++report_.records;
        auto const hash = tiles_->subtree(0, next_);
        if (!hash || *hash != record.leaf) add(Problem::tile_mismatch, next_, path);
        return {};
    }

    Disk& disk_;
    int directory_;
    Range range_;
    Report report_;
    SourceHeads const no_heads_{};
    std::optional<TileHashes> tiles_;
    std::optional<Chains> before_;        // what the segment before left
    std::optional<std::uint64_t> bound_;  // the tile that is known to be under the root
    std::uint64_t next_ = 0;
};

}  // namespace

Result<Report> verify_range(Disk& disk, int directory, Range range, std::optional<VerifierKey> key)
{
    return RangeVerifier(disk, directory, range).run(std::move(key));
}

}  // namespace ocu::audit
