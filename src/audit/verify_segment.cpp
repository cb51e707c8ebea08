// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/verify_segment.h"

namespace ocu::audit {

namespace {

class Judge {
public:
    Judge(std::string_view bytes, SegmentHeader const& start, SegmentPlan const& plan) : bytes_(bytes), plan_(plan)
    {
        verdict_.start = start;
        verdict_.chains = start.chains;
    }

    SegmentVerdict run()
    {
        FrameReader reader(bytes_);
        for (;;) {
            auto frame = reader.next();
            bool const sound = frame.has_value();
            if (!sound) {
                if (may_be_torn()) break;
                add(Problem::record_damaged, index(), plan_.path);
                frame = reader.next_unchecked();
            }
            if (!frame || !*frame) break;
            // What a damaged frame says of its record's hash is not the record's hash.
            record((*frame)->record, sound ? (*frame)->leaf : leaf_hash((*frame)->record));
        }
        auto const tail = reader.tail().size();
        if (tail != 0 && may_be_torn())
            verdict_.torn_tail_bytes = tail;
        else if (tail != 0)
            add(Problem::record_damaged, index(), plan_.path);
        return std::move(verdict_);
    }

private:
    std::uint64_t index() const { return verdict_.start.first_index + verdict_.records.size(); }
    bool may_be_torn() const { return plan_.last && index() >= plan_.covered; }  // nothing signed is missing

    void add(Problem problem, std::uint64_t record, std::string where)
    {
        ++verdict_.findings_count;
        if (verdict_.findings.size() < kFindingsMax) verdict_.findings.push_back({problem, record, std::move(where)});
    }

    void record(std::string_view bytes, Digest const& leaf)
    {
        if (auto const mark = read_mark(bytes))
            chain(*mark, bytes);
        else
            add(Problem::record_malformed, index(), plan_.path);
        verdict_.records.push_back({bytes, leaf});
    }

    void chain(ChainMark const& mark, std::string_view bytes)
    {
        auto const& next = verdict_.chains.next(mark.source);
        if (mark.link.sequence != next.sequence)
            add(Problem::sequence_broken, index(), plan_.path);
        else if (mark.link.previous != next.previous)
            add(Problem::chain_broken, index(), plan_.path);
        // Go on from what the record says, so that one gap is one finding.
        auto links = verdict_.chains.all();
        links[static_cast<std::size_t>(mark.source)].sequence = mark.link.sequence;
        verdict_.chains = Chains(links);
        verdict_.chains.advance(mark.source, bytes);

        auto const source = static_cast<std::size_t>(mark.source);
        auto const& head = (*plan_.heads)[source];
        if (!head || head->sequence != mark.link.sequence || verdict_.head_seen[source]) return;
        verdict_.head_seen[source] = true;
        if (head->hash != verdict_.chains.next(mark.source).previous)
            add(Problem::head_mismatch, index(), head_path(proto::name_of(mark.source)));
    }

    std::string_view bytes_;
    SegmentPlan const& plan_;
    SegmentVerdict verdict_;
};

}  // namespace

SegmentVerdict judge_segment(std::string_view bytes, SegmentHeader const& start, SegmentPlan const& plan)
{
    return Judge(bytes, start, plan).run();
}

LoadedSegment load_segment(Disk& disk, int directory, SegmentPlan const& plan)
{
    LoadedSegment out;
    auto bytes = disk.read_file(directory, plan.path, kSegmentBytesMax);
    if (!bytes) return out;
    out.bytes = std::make_unique<std::string const>(*std::move(bytes));
    auto const header = parse_header(*out.bytes);
    if (!header) return out;
    out.header = *header;
    out.verdict = judge_segment(*out.bytes, *header, plan);
    return out;
}

}  // namespace ocu::audit
