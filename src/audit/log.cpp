// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/log.h"

#include <cstdio>

#include "audit/cold_position.h"
#include "audit/journal.h"
#include "audit/layout.h"

namespace ocu::audit {

Log::Log(Disk& disk, UniqueFd directory, Options options, Clock const& clock)
    : disk_(&disk), directory_(std::move(directory)), options_(std::move(options)), clock_(&clock), derived_(disk, directory_.get()),
      removal_(disk, directory_.get())
{}

Result<Log> Log::open(Disk& disk, UniqueFd directory, Options options, Clock const& clock)
{
    if (!is_origin(options.origin)) return fail(Fault::malformed, "appliance name cannot be a log's origin");
    if (options.segment_bytes < kSegmentBytesMin || options.segment_bytes > kSegmentBytesMax)
        return fail(Fault::malformed, "segment size is out of bounds");
    Log log(disk, std::move(directory), std::move(options), clock);
    auto recovered = OCU_TRY(recover(disk, log.directory_.get(), log.derived_));
    OCU_CHECK(log.start(std::move(recovered)));
    return log;
}

Result<void> Log::start(Recovered recovered)
{
    chains_ = recovered.chains;
    repair_ = recovered.repair;
    checkpoint_size_ = recovered.checkpoint_size;
    key_ = std::move(recovered.key);
    removal_.resume(recovered.first_segment, recovered.first_record, std::move(recovered.retention));
    segment_ = std::move(recovered.last_segment);
    segments_ = recovered.segments;
    segment_size_ = recovered.last_segment_bytes;
    offset_ = recovered.end_offset;
    auto const before = "size " + std::to_string(size()) + " root " + crypto::to_hex(root());
    std::vector<Entry> entries;
    if (repair_.bytes != 0)
        entries.push_back(own(proto::What::log_repaired, "journal", "cut sha256 " + crypto::to_hex(repair_.digest), repair_.bytes));
    entries.push_back(own(proto::What::log_opened, "journal", before, 0));
    return append_all(entries);
}

Entry Log::own(proto::What what, std::string_view resource, std::string detail, std::uint64_t bytes) const
{
    Entry entry{proto::Source::audit, clock_->wall(), {}};
    entry.event.what = what;
    entry.event.actor = "audit-writer";
    entry.event.resource = resource;
    entry.event.detail = std::move(detail);
    entry.event.bytes = bytes;
    return entry;
}

// Zero-filled, synced and renamed into place, so that a segment that exists is whole, and appending to it allocates nothing.
Result<void> Log::begin_segment()
{
    if (segments_ == kSegmentsMax) return fail(Fault::over_limit, "journal has no segment number left");
    std::string const temporary = "tmp/segment";
    auto file = OCU_TRY(disk_->open(directory_.get(), temporary, Open::new_file));
    std::string bytes = format_header({size() + pending_records_.size(), chains_});
    bytes.resize(options_.segment_bytes, '\0');
    OCU_CHECK(disk_->write(file.get(), bytes, 0));
    OCU_CHECK(disk_->sync(file.get()));
    OCU_CHECK(disk_->rename(directory_.get(), temporary, segment_path(segments_)));
    OCU_CHECK(disk_->sync_folder(directory_.get(), "journal"));
    segment_ = std::move(file);
    ++segments_;
    segment_size_ = options_.segment_bytes;
    offset_ = kSegmentHeaderBytes;
    return {};
}

Result<void> Log::flush()
{
    if (pending_.empty()) return {};
    OCU_CHECK(disk_->write(segment_.get(), pending_, offset_));
    OCU_CHECK(disk_->sync(segment_.get()));
    offset_ += pending_.size();
    pending_.clear();
    for (auto const& [record, leaf] : pending_records_) derived_.add(record, leaf);
    pending_records_.clear();
    return {};
}

Result<void> Log::append_all(std::span<Entry const> entries)
{
    for (auto const& entry : entries) {
        // The header of a new segment states the chains before its first record: begin it before this record is chained.
        if (!segment_ || offset_ + pending_.size() + kRecordBytesMax + kFrameOverheadBytes > segment_size_) {
            OCU_CHECK(flush());
            OCU_CHECK(begin_segment());
        }
        auto record = to_record(entry.event, {entry.source, entry.time, chains_.next(entry.source), options_.origin});
        OCU_ASSERT(record.size() <= kRecordBytesMax);
        auto const leaf = leaf_hash(record);
        add_frame(pending_, record, leaf);
        chains_.advance(entry.source, record);
        pending_records_.emplace_back(std::move(record), leaf);
    }
    return flush();
}

Result<std::uint64_t> Log::append(std::span<Entry const> entries)
{
    if (failed_) return fail(Fault::unavailable, "log failed earlier");
    auto const first = size();
    auto const done = append_all(entries);
    failed_ = !done;
    if (failed_) return std::unexpected(done.error());
    return first;
}

Result<Checkpoint> Log::derive()
{
    if (failed_) return fail(Fault::unavailable, "log failed earlier");
    auto const done = derived_.write_all(chains_);
    failed_ = !done;
    if (failed_) return std::unexpected(done.error());
    return Checkpoint{options_.origin, size(), root()};
}

// A key that gives way to another stays on record beside it.
Result<void> Log::write_key(VerifierKey const& key)
{
    if (key_ && format_key(*key_) == format_key(key)) return {};
    if (key_) {
        char path[64];
        std::snprintf(path, sizeof path, "keys/checkpoint-%08x.pub", key_->id);
        OCU_CHECK(replace_file(*disk_, directory_.get(), path, format_key(*key_)));
    }
    OCU_CHECK(replace_file(*disk_, directory_.get(), std::string(kKeyPath), format_key(key)));
    key_ = key;
    return {};
}

Result<void> Log::write_checkpoint(Checkpoint const& checkpoint, crypto::PublicKey const& key, crypto::Signature const& signature)
{
    if (failed_) return fail(Fault::unavailable, "log failed earlier");
    if (!crypto::ed25519_verify(key, crypto::as_bytes(format_body(checkpoint)), signature))
        return fail(Fault::denied, "checkpoint signature does not verify");
    auto const verifier = make_key(checkpoint.origin, key);
    OCU_CHECK(write_key(verifier));
    OCU_CHECK(replace_file(*disk_, directory_.get(), std::string(kCheckpointPath), format_note(checkpoint, verifier, signature)));
    checkpoint_size_ = checkpoint.size;
    return {};
}

Result<void> Log::keep_head(std::string_view witness, std::string_view key, std::string_view note)
{
    if (failed_) return fail(Fault::unavailable, "log failed earlier");
    auto const verifier = OCU_TRY(parse_key(key, KeyKind::witness));
    (void)OCU_TRY(parse_note(note));
    if (witness.empty() || witness.find_first_of("/.") != witness.npos) return fail(Fault::malformed, "a witness's name is no folder");
    // The key first: a head that is there has one that it verifies with. An older one stays, for the head that may still lie there.
    OCU_CHECK(replace_file(*disk_, directory_.get(), witness_key_path(witness, verifier.id), format_key(verifier)));
    OCU_CHECK(replace_file(*disk_, directory_.get(), witnessed_path(witness), note));
    auto const folder = std::string(kWitnessedFolder);
    for (auto const& each : {folder + "/" + std::string(witness), folder, std::string(".")}) OCU_CHECK(disk_->sync_folder(directory_.get(), each));
    return {};
}

std::vector<proto::KeptHead> Log::kept_heads() const
{
    std::vector<proto::KeptHead> out;
    auto const names = disk_->list(directory_.get(), std::string(kWitnessedFolder));
    for (auto const& name : names ? *names : std::vector<std::string>{}) {
        auto const text = disk_->read_file(directory_.get(), witnessed_path(name), kNoteBytesMax);
        auto const note = text ? parse_note(*text) : fail(Fault::malformed, "unreadable");
        if (!note || name.size() > wire::Text<32>::kMax || out.size() == proto::kKeptHeadsMax) continue;
        proto::KeptHead kept{name, note->checkpoint.size, 0};
        for (auto const& line : note->signatures)
            if (auto const cosignature = split_cosignature(line)) kept.time_s = std::max(kept.time_s, cosignature->time);
        out.push_back(std::move(kept));
    }
    return out;
}

Result<void> Log::bears_out(proto::ColdPosition const& position) const
{
    auto const header = OCU_TRY(parse_header(OCU_TRY(disk_->read_file(directory_.get(), segment_path(position.segment), kSegmentBytesMax))));
    if (header.first_index != position.records) return fail(Fault::malformed, "position of the cold tier is not where a segment begins");
    return {};
}

Result<void> Log::keep_cold(proto::ColdPosition const& position)
{
    if (failed_) return fail(Fault::unavailable, "log failed earlier");
    OCU_CHECK(bears_out(position));
    OCU_CHECK(replace_file(*disk_, directory_.get(), std::string(kColdPath), format_cold(position)));
    return disk_->sync_folder(directory_.get(), ".");
}

proto::ColdPosition Log::cold_position() const
{
    auto const text = disk_->read_file(directory_.get(), std::string(kColdPath), kColdBytesMax);
    auto const position = text ? parse_cold(*text) : fail(Fault::not_found, "none");
    return position && bears_out(*position) ? *position : proto::ColdPosition{};
}

// Only what the checkpoint on disk covers with whole tiles: from there a writer goes on without the records that went.
Result<RemovalPlan> Log::plan_removal(RemovalPolicy const& policy)
{
    if (failed_) return fail(Fault::unavailable, "log failed earlier");
    return removal_.plan(policy, checkpoint_size_ / kTileWidth * kTileWidth, segments_);
}

Result<RetentionNote> Log::word_removal(RemovalPlan const& plan, std::uint64_t event, RemovalPolicy const& policy)
{
    if (event >= size() || event < plan.removed) return fail(Fault::malformed, "the record of a removal is not in the log");
    auto checkpoint = OCU_TRY(derive());
    RetentionNote note{{}, std::move(checkpoint), plan.terms(event, policy), plan.chains};
    if (!note.terms.hold()) return fail(Fault::denied, "policy keeps what would be removed");
    note.body = format_retention(note.checkpoint, note.terms, note.chains);
    return note;
}

Result<void> Log::remove(RetentionNote const& note, crypto::PublicKey const& key, crypto::Signature const& signature)
{
    if (failed_) return fail(Fault::unavailable, "log failed earlier");
    if (!crypto::ed25519_verify(key, crypto::as_bytes(note.body), signature)) return fail(Fault::denied, "retention signature does not verify");
    auto const verifier = make_key(note.checkpoint.origin, key);
    OCU_CHECK(write_key(verifier));
    return removal_.remove(note, format_signed(note.body, verifier, signature));
}

}  // namespace ocu::audit
