// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/verify.h"

#include <algorithm>
#include <deque>
#include <future>

#include "audit/reading.h"
#include "audit/recover.h"
#include "audit/verify_segment.h"
#include "audit/verify_signed.h"
#include "audit/verify_tiles.h"
#include "audit/verify_witnessed.h"

namespace ocu::audit {

std::string_view name_of(Problem problem)
{
    constexpr std::string_view kNames[] = {"journal_unreadable", "segment_header", "record_damaged", "record_malformed", "sequence_broken",
        "chain_broken", "log_truncated", "root_mismatch", "checkpoint_missing", "checkpoint_malformed", "key_missing", "key_malformed",
        "key_differs", "signature_bad", "tile_mismatch", "tile_missing", "bundle_mismatch", "head_mismatch", "stray_file",
        "witnessed_malformed", "cosignature_bad", "cosignature_missing", "witnessed_mismatch", "prefix_missing", "retention_malformed",
        "retention_signature_bad", "retention_mismatch"};
    static_assert(std::size(kNames) == static_cast<std::size_t>(Problem::kLast) + 1);
    return kNames[static_cast<std::size_t>(problem)];
}

namespace {

// Judges segments ahead of whoever joins them, `jobs` at once.
class Lookahead {
public:
    using Plan = std::function<SegmentPlan(std::uint64_t number)>;

    Lookahead(Disk& disk, int directory, SegmentRow const& row, std::size_t jobs, Plan plan)
        : disk_(disk), directory_(directory), segments_(row.end), jobs_(std::clamp<std::size_t>(jobs, 1, kVerifyJobsMax)), plan_(std::move(plan)),
          asked_(row.first)
    {
        ask();
    }

    LoadedSegment next()
    {
        auto loaded = ahead_.front().get();
        ahead_.pop_front();
        ask();
        return loaded;
    }

private:
    void ask()
    {
        while (asked_ < segments_ && ahead_.size() < jobs_) {
            auto const how = jobs_ == 1 ? std::launch::deferred : std::launch::async;
            ahead_.push_back(std::async(how, [this, number = asked_++] { return load_segment(disk_, directory_, plan_(number)); }));
        }
    }

    Disk& disk_;
    int directory_;
    std::uint64_t segments_;
    std::size_t jobs_;
    Plan plan_;
    std::uint64_t asked_;
    std::deque<std::future<LoadedSegment>> ahead_;  // their destructors wait
};

class Verifier {
public:
    Verifier(Disk& disk, int directory, VerifyOptions options)
        : disk_(disk), directory_(directory), options_(std::move(options))
    {}

    Result<Report> run()
    {
        AddFinding const add_finding = [this](Problem problem, std::uint64_t record, std::string where) { add(problem, record, std::move(where)); };
        heads_witnessed_ = read_witnessed(disk_, directory_, options_.key, options_.witnesses, add_finding);
        auto const known = read_signed(disk_, directory_, std::move(options_.key), add_finding);
        report_.checkpoint = known.checkpoint;
        report_.retention = known.retention;
        report_.key_from_directory = known.key_from_directory;
        read_heads();
        check_top();
        auto const segments = list_segments(disk_, directory_);
        if (!segments && segments.error().fault == Fault::os) return std::unexpected(segments.error());
        if (!segments) add(Problem::journal_unreadable, 0, "journal");
        covered_ = report_.checkpoint ? report_.checkpoint->size : 0;
        tiles_.emplace(disk_, directory_, covered_, add_finding);
        if (segments) {
            begin(*segments);
            join_all(*segments);
        }
        finish();
        return std::move(report_);
    }

private:
    void add(Problem problem, std::uint64_t record, std::string where)
    {
        ++report_.findings_count;
        if (report_.findings.size() < kFindingsMax) report_.findings.push_back({problem, record, std::move(where)});
    }

    void read_heads()
    {
        constexpr std::size_t kHeadBytesMax = 256;
        auto const names = disk_.list(directory_, "sources");
        if (!names) return;
        for (auto const& name : *names) {
            std::size_t source = 0;
            while (source < kSources && head_path(proto::name_of(static_cast<proto::Source>(source))) != "sources/" + name) ++source;
            if (source == kSources) {
                add(Problem::stray_file, 0, "sources/" + name);
                continue;
            }
            auto const text = disk_.read_file(directory_, "sources/" + name, kHeadBytesMax);
            auto const head = text ? parse_head(*text) : fail(Fault::malformed, "unreadable");
            if (!head)
                add(Problem::head_mismatch, 0, "sources/" + name);
            else
                heads_[source] = *head;
        }
    }

    // What ext4 makes in its root, for a log that has a disk of its own: with nothing in it.
    bool is_of_file_system(std::string const& name) const
    {
        if (name != "lost+found") return false;
        auto const inside = disk_.list(directory_, name);
        return inside && inside->empty();
    }

    void check_top()
    {
        constexpr std::array<std::string_view, 9> kTop{"checkpoint", kColdPath, "journal", "keys", kRetentionPath, "sources", "tile", "tmp", kWitnessedFolder};
        auto const names = disk_.list(directory_, ".");
        for (auto const& name : names ? *names : std::vector<std::string>{})
            if (std::ranges::find(kTop, name) == kTop.end() && !is_of_file_system(name)) add(Problem::stray_file, 0, name);
        auto const keys = disk_.list(directory_, "keys");
        for (auto const& name : keys ? *keys : std::vector<std::string>{}) {
            auto const text = disk_.read_file(directory_, "keys/" + name, kNoteBytesMax);
            if (!text || !parse_key(*text)) add(Problem::key_malformed, 0, "keys/" + name);
        }
    }

    // T-38: a log whose beginning is gone is one thing with the key's word for it, and another without.
    void begin(SegmentRow const& row)
    {
        if (row.first == 0) return;
        auto const& retention = report_.retention;
        bool const allowed = retention && row.first <= retention->terms.segment;
        SegmentHeader start;
        if (allowed && row.first == retention->terms.segment) {
            start = {retention->terms.removed, retention->chains};
        } else {
            // Where it says that it begins: its records have to be those of the tree, and the chains are held against the terms further on.
            auto const bytes = disk_.read_file(directory_, segment_path(row.first), kSegmentBytesMax);
            auto const header = bytes ? parse_header(*bytes) : fail(Fault::malformed, "unreadable");
            if (header) start = *header;
        }
        if (!allowed) add(Problem::prefix_missing, retention ? retention->terms.removed : 0, "journal");
        report_.first_record = report_.records = start.first_index;
        report_.chains = start.chains;
        tiles_->begin_at(start.first_index, retention ? retention->terms.removed : 0, [this] { look_for_witnessed(); });
        for (std::size_t source = 0; source < kSources; ++source) {
            auto const& next = start.chains.all()[source];
            auto const& head = heads_[source];
            if (head && head->sequence + 1 == next.sequence && head->hash == next.previous) head_seen_[source] = true;
        }
    }

    void join_all(SegmentRow const& row)
    {
        auto const plan_of = [this, end = row.end](std::uint64_t number) {
            return SegmentPlan{segment_path(number), covered_, number + 1 == end, &heads_};
        };
        Lookahead ahead(disk_, directory_, row, options_.jobs, plan_of);
        for (auto number = row.first; number < row.end; ++number) {
            check_kept(number);
            join(ahead.next(), plan_of(number));
            if (options_.progress) options_.progress(number - row.first + 1, row.count());
        }
    }

    // The terms name the first segment that is kept, and what came before it, whether or not that is still there.
    void check_kept(std::uint64_t number)
    {
        auto const& retention = report_.retention;
        if (!retention || number != retention->terms.segment) return;
        if (report_.records != retention->terms.removed || report_.chains != retention->chains)
            add(Problem::retention_mismatch, report_.records, std::string(kRetentionPath));
    }

    // The tree that the terms were signed with is this one, and they are on record in it.
    void check_retention(std::uint64_t index, std::string_view record)
    {
        if (!report_.retention) return;
        auto const& checkpoint = report_.retention->checkpoint;
        auto const& terms = report_.retention->terms;
        if (index == terms.event) {
            auto const read = read_record(record);
            if (!read || read->action != "audit_retention" || read->source != "audit" || read->number != static_cast<std::int64_t>(terms.removed))
                add(Problem::retention_mismatch, index, std::string(kRetentionPath));
        }
        if (index + 1 == checkpoint.size && tiles_->tree().root() != checkpoint.root)
            add(Problem::retention_mismatch, index, std::string(kRetentionPath));
    }

    void join(LoadedSegment loaded, SegmentPlan const& plan)
    {
        if (!loaded.bytes) return add(Problem::journal_unreadable, report_.records, plan.path);
        SegmentHeader const here{report_.records, report_.chains};
        if (loaded.header != here) {
            add(Problem::segment_header, report_.records, plan.path);
            loaded.verdict = judge_segment(*loaded.bytes, here, plan);
        }
        auto& verdict = loaded.verdict;
        for (auto& finding : verdict.findings) add(finding.problem, finding.record, std::move(finding.where));
        report_.findings_count += verdict.findings_count - verdict.findings.size();
        for (auto const& record : verdict.records) plant(record);
        report_.chains = verdict.chains;
        report_.torn_tail_bytes += verdict.torn_tail_bytes;
        for (std::size_t source = 0; source < kSources; ++source)
            if (verdict.head_seen[source]) head_seen_[source] = true;
    }

    void plant(JudgedRecord const& record)
    {
        auto const index = report_.records++;
        tiles_->add(record.bytes, record.leaf);
        if (report_.checkpoint && report_.records == covered_ && tiles_->tree().root() != report_.checkpoint->root)
            add(Problem::root_mismatch, index, std::string(kCheckpointPath));
        check_retention(index, record.bytes);
        look_for_witnessed();
    }

    // T-41: whoever wrote the log anew, with its key, did not have the witness's. After each leaf, of a record that was removed too.
    void look_for_witnessed()
    {
        for (; next_witnessed_ < heads_witnessed_.size() && heads_witnessed_[next_witnessed_].checkpoint.size <= tiles_->tree().size(); ++next_witnessed_) {
            auto& head = heads_witnessed_[next_witnessed_];
            if (tiles_->tree().root() != head.checkpoint.root)
                add(Problem::witnessed_mismatch, head.checkpoint.size, witnessed_path(head.witness));
            else
                report_.witnessed.push_back(std::move(head));
        }
    }

    void finish()
    {
        for (; next_witnessed_ < heads_witnessed_.size(); ++next_witnessed_)
            add(Problem::witnessed_mismatch, report_.records, witnessed_path(heads_witnessed_[next_witnessed_].witness));
        if (report_.retention && report_.records < report_.retention->checkpoint.size)
            add(Problem::log_truncated, report_.records, std::string(kRetentionPath));
        if (report_.records < covered_) add(Problem::log_truncated, report_.records, "journal");
        if (report_.checkpoint && covered_ == 0 && report_.checkpoint->root != empty_root())
            add(Problem::root_mismatch, 0, std::string(kCheckpointPath));
        for (std::size_t i = 0; i < kSources; ++i)
            if (heads_[i] && !head_seen_[i])
                add(Problem::head_mismatch, report_.records, head_path(proto::name_of(static_cast<proto::Source>(i))));
        tiles_->finish();
        report_.root = tiles_->tree().root();
    }

    Disk& disk_;
    int directory_;
    Report report_;
    std::uint64_t covered_ = 0;
    std::vector<WitnessedHead> heads_witnessed_;
    std::size_t next_witnessed_ = 0;
    SourceHeads heads_;
    std::array<bool, kSources> head_seen_{};
    std::optional<TileCheck> tiles_;
    VerifyOptions options_;
};

}  // namespace

Result<Report> verify(Disk& disk, int directory, VerifyOptions options) { return Verifier(disk, directory, std::move(options)).run(); }

}  // namespace ocu::audit
