// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/verify.h"

#include "audit/journal.h"
#include "audit/layout.h"
#include "audit/recover.h"
#include "audit/verify_tiles.h"

namespace ocu::audit {

std::string_view name_of(Problem problem)
{
    constexpr std::string_view kNames[] = {"journal_unreadable", "segment_header", "record_damaged", "record_malformed", "sequence_broken",
        "chain_broken", "log_truncated", "root_mismatch", "checkpoint_missing", "checkpoint_malformed", "key_missing", "key_malformed",
        "key_differs", "signature_bad", "tile_mismatch", "tile_missing", "bundle_mismatch", "head_mismatch", "stray_file"};
    static_assert(std::size(kNames) == static_cast<std::size_t>(Problem::kLast) + 1);
    return kNames[static_cast<std::size_t>(problem)];
}

namespace {

class Verifier {
public:
    Verifier(Disk& disk, int directory, std::optional<VerifierKey> key) : disk_(disk), directory_(directory), trusted_(std::move(key)) {}

    Result<Report> run()
    {
        read_signed();
        read_heads();
        check_top();
        auto const segments = count_segments(disk_, directory_);
        if (!segments && segments.error().fault == Fault::os) return std::unexpected(segments.error());
        if (!segments) add(Problem::journal_unreadable, 0, "journal");
        covered_ = report_.checkpoint ? report_.checkpoint->size : 0;
        tiles_.emplace(disk_, directory_, covered_,
            [this](Problem problem, std::uint64_t record, std::string where) { add(problem, record, std::move(where)); });
        for (std::uint64_t number = 0; segments && number < *segments; ++number) segment(number, number + 1 == *segments);
        finish();
        return std::move(report_);
    }

private:
    void add(Problem problem, std::uint64_t record, std::string where)
    {
        ++report_.findings_count;
        if (report_.findings.size() < kFindingsMax) report_.findings.push_back({problem, record, std::move(where)});
    }

    void read_signed()
    {
        auto const own = read_key(disk_, directory_);
        if (!own) add(Problem::key_malformed, 0, std::string(kKeyPath));
        report_.key_from_directory = !trusted_;
        bool const has_own = own && own->has_value();
        if (trusted_ && has_own && format_key(*trusted_) != format_key(**own)) add(Problem::key_differs, 0, std::string(kKeyPath));
        if (!trusted_ && has_own) trusted_ = **own;
        if (own && !trusted_) add(Problem::key_missing, 0, std::string(kKeyPath));

        auto const note = read_checkpoint(disk_, directory_);
        if (!note) return add(Problem::checkpoint_malformed, 0, std::string(kCheckpointPath));
        if (!*note) return add(Problem::checkpoint_missing, 0, std::string(kCheckpointPath));
        report_.checkpoint = (*note)->checkpoint;
        if (!trusted_ || check_note(**note, *trusted_)) return;
        if (report_.key_from_directory && check_with_any_key(disk_, directory_, **note)) return;
        add(Problem::signature_bad, 0, std::string(kCheckpointPath));
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

    void check_top()
    {
        constexpr std::array<std::string_view, 6> kTop{"checkpoint", "journal", "keys", "sources", "tile", "tmp"};
        auto const names = disk_.list(directory_, ".");
        for (auto const& name : names ? *names : std::vector<std::string>{})
            if (std::ranges::find(kTop, name) == kTop.end()) add(Problem::stray_file, 0, name);
        auto const keys = disk_.list(directory_, "keys");
        for (auto const& name : keys ? *keys : std::vector<std::string>{}) {
            auto const text = disk_.read_file(directory_, "keys/" + name, kNoteBytesMax);
            if (!text || !parse_key(*text)) add(Problem::key_malformed, 0, "keys/" + name);
        }
    }

    void segment(std::uint64_t number, bool last)
    {
        auto const path = segment_path(number);
        auto const bytes = disk_.read_file(directory_, path, kSegmentBytesMax);
        if (!bytes) return add(Problem::journal_unreadable, report_.records, path);
        auto const header = parse_header(*bytes);
        if (!header || *header != SegmentHeader{report_.records, report_.chains}) add(Problem::segment_header, report_.records, path);
        FrameReader reader(*bytes);
        for (;;) {
            auto frame = reader.next();
            if (!frame) {
                if (last && report_.records >= covered_) break;  // nothing signed is missing: a torn write
                add(Problem::record_damaged, report_.records, path);
                frame = reader.next_unchecked();
            }
            if (!frame || !*frame) break;
            record((*frame)->record, path);
        }
        auto const tail = reader.tail().size();
        if (tail == 0) return;
        if (last && report_.records >= covered_)
            report_.torn_tail_bytes = tail;
        else
            add(Problem::record_damaged, report_.records, path);
    }

    void record(std::string_view bytes, std::string const& path)
    {
        auto const index = report_.records++;
        if (auto const mark = read_mark(bytes))
            chain(*mark, bytes, index, path);
        else
            add(Problem::record_malformed, index, path);
        tiles_->add(bytes);
        if (report_.checkpoint && report_.records == covered_ && tiles_->tree().root() != report_.checkpoint->root)
            add(Problem::root_mismatch, index, std::string(kCheckpointPath));
    }

    void chain(ChainMark const& mark, std::string_view bytes, std::uint64_t index, std::string const& path)
    {
        auto const& next = report_.chains.next(mark.source);
        if (mark.link.sequence != next.sequence)
            add(Problem::sequence_broken, index, path);
        else if (mark.link.previous != next.previous)
            add(Problem::chain_broken, index, path);
        // Go on from what the record says, so that one gap is one finding.
        auto links = report_.chains.all();
        links[static_cast<std::size_t>(mark.source)].sequence = mark.link.sequence;
        report_.chains = Chains(links);
        report_.chains.advance(mark.source, bytes);

        auto& head = heads_[static_cast<std::size_t>(mark.source)];
        if (!head || head->sequence != mark.link.sequence) return;
        if (head->hash != report_.chains.next(mark.source).previous)
            add(Problem::head_mismatch, index, head_path(proto::name_of(mark.source)));
        head.reset();
    }

    void finish()
    {
        if (report_.records < covered_) add(Problem::log_truncated, report_.records, "journal");
        if (report_.checkpoint && covered_ == 0 && report_.checkpoint->root != empty_root())
            add(Problem::root_mismatch, 0, std::string(kCheckpointPath));
        for (std::size_t i = 0; i < kSources; ++i)
            if (heads_[i]) add(Problem::head_mismatch, report_.records, head_path(proto::name_of(static_cast<proto::Source>(i))));
        tiles_->finish();
        report_.root = tiles_->tree().root();
    }

    Disk& disk_;
    int directory_;
    std::optional<VerifierKey> trusted_;
    Report report_;
    std::uint64_t covered_ = 0;
    std::array<std::optional<SourceHead>, kSources> heads_;
    std::optional<TileCheck> tiles_;
};

}  // namespace

Result<Report> verify(Disk& disk, int directory, std::optional<VerifierKey> key) { return Verifier(disk, directory, std::move(key)).run(); }

}  // namespace ocu::audit
