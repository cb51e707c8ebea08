// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/verify.h"

#include <algorithm>
#include <deque>
#include <future>

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
        "witnessed_malformed", "cosignature_bad", "cosignature_missing", "witnessed_mismatch"};
    static_assert(std::size(kNames) == static_cast<std::size_t>(Problem::kLast) + 1);
    return kNames[static_cast<std::size_t>(problem)];
}

namespace {

// Judges segments ahead of whoever joins them, `jobs` at once.
class Lookahead {
public:
    using Plan = std::function<SegmentPlan(std::uint64_t number)>;

    Lookahead(Disk& disk, int directory, std::uint64_t segments, std::size_t jobs, Plan plan)
        : disk_(disk), directory_(directory), segments_(segments), jobs_(std::clamp<std::size_t>(jobs, 1, kVerifyJobsMax)), plan_(std::move(plan))
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
    std::uint64_t asked_ = 0;
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
        report_.key_from_directory = known.key_from_directory;
        read_heads();
        check_top();
        auto const segments = count_segments(disk_, directory_);
        if (!segments && segments.error().fault == Fault::os) return std::unexpected(segments.error());
        if (!segments) add(Problem::journal_unreadable, 0, "journal");
        covered_ = report_.checkpoint ? report_.checkpoint->size : 0;
        tiles_.emplace(disk_, directory_, covered_, add_finding);
        if (segments) join_all(*segments);
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
        constexpr std::array<std::string_view, 7> kTop{"checkpoint", "journal", "keys", "sources", "tile", "tmp", kWitnessedFolder};
        auto const names = disk_.list(directory_, ".");
        for (auto const& name : names ? *names : std::vector<std::string>{})
            if (std::ranges::find(kTop, name) == kTop.end() && !is_of_file_system(name)) add(Problem::stray_file, 0, name);
        auto const keys = disk_.list(directory_, "keys");
        for (auto const& name : keys ? *keys : std::vector<std::string>{}) {
            auto const text = disk_.read_file(directory_, "keys/" + name, kNoteBytesMax);
            if (!text || !parse_key(*text)) add(Problem::key_malformed, 0, "keys/" + name);
        }
    }

    void join_all(std::uint64_t segments)
    {
        auto const plan_of = [this, segments](std::uint64_t number) {
            return SegmentPlan{segment_path(number), covered_, number + 1 == segments, &heads_};
        };
        Lookahead ahead(disk_, directory_, segments, options_.jobs, plan_of);
        for (std::uint64_t number = 0; number < segments; ++number) {
            join(ahead.next(), plan_of(number));
            if (options_.progress) options_.progress(number + 1, segments);
        }
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
        while (next_witnessed_ < heads_witnessed_.size() && heads_witnessed_[next_witnessed_].checkpoint.size <= report_.records) join_witnessed(index);
    }

    // T-41: whoever wrote the log anew, with its key, did not have the witness's.
    void join_witnessed(std::uint64_t index)
    {
        auto& head = heads_witnessed_[next_witnessed_++];
        if (tiles_->tree().root() != head.checkpoint.root) return add(Problem::witnessed_mismatch, index, witnessed_path(head.witness));
        report_.witnessed.push_back(std::move(head));
    }

    void finish()
    {
        for (; next_witnessed_ < heads_witnessed_.size(); ++next_witnessed_)
            add(Problem::witnessed_mismatch, report_.records, witnessed_path(heads_witnessed_[next_witnessed_].witness));
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
