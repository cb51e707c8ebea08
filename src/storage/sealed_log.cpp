// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/sealed_log.h"

#include <algorithm>

#include "base/assert.h"
#include "base/crypto/crypto.h"

namespace ocu::storage {

namespace {

constexpr std::size_t kOutBytes = 64 * (kRecordBytesLeast + kRecordPrefixBytes + kChunkBytes);  // a mebibyte of chunks
static_assert(kOutBytes >= kRecordBytesMax);
static_assert(kSegmentBytesMax >= kSegmentHeadBytes + kOutBytes + kRecordBytesLeast);
static_assert(kRecordBytesMax < 1u << 24, "its size is kept in 24 bits");
static_assert(kSegmentsMax * sizeof(SegmentNumber) <= kChangesBytesMax, "a snapshot's beginning names them all");

bool is_journal(RecordKind kind) { return kind != RecordKind::chunk && kind != RecordKind::end; }

// What a guest may see of the engine's faults.
std::unexpected<int> refuse_as(int fault) { return refuse(fault == ENOSPC ? ENOSPC : EIO); }

}  // namespace

SealedLog::SealedLog(std::unique_ptr<Segments> segments, Secret data_key, Rules rules)
    : store_(std::move(segments)), data_key_(std::move(data_key)), rules_(rules), out_(kOutBytes)
{
    OCU_ASSERT(rules_.segment_bytes_max >= kSegmentHeadBytes + kRecordBytesMax + kRecordBytesLeast);
    OCU_ASSERT(rules_.segment_bytes_max <= kSegmentBytesMax);
}

Answer<std::vector<ChunkPlace>> SealedLog::append(Inode inode, std::uint64_t first, std::span<std::byte const> plain)
{
    std::vector<ChunkPlace> places;
    places.reserve((plain.size() + kChunkBytes - 1) / kChunkBytes);
    int fault = 0;
    for (std::size_t at = 0; at < plain.size() && fault == 0; at += kChunkBytes) {
        auto const body = plain.subspan(at, std::min(kChunkBytes, plain.size() - at));
        auto const place = queue(RecordKind::chunk, {inode, first + places.size(), body});
        if (place)
            places.push_back(*place);
        else
            fault = place.error();
    }
    if (fault == 0) {
        auto const written = write_out();
        if (written) return places;
        fault = written.error();
    }
    take_back(places);
    return refuse(fault);
}

Answer<void> SealedLog::append_changes(std::span<std::byte const> changes)
{
    OCU_ASSERT(changes.size() <= kChangesBytesMax);
    OCU_ASSERT(!in_snapshot_);
    auto const place = append_record(RecordKind::changes, {changes.size(), 0, changes});
    if (!place) return refuse(place.error());
    drops_take_effect();
    return {};
}

Answer<void> SealedLog::settle()
{
    if (auto const settled = store_->settle(); !settled) return refuse_as(settled.error());
    return {};
}

Answer<void> SealedLog::sync()
{
    if (written_ == synced_) return {};
    if (auto const synced = store_->sync(); !synced) return refuse_as(synced.error());
    synced_ = written_;
    store_->keep_spare();
    return {};
}

// A record of the journal, by itself. A full disk must not keep it out: it may be the one that says what is no longer needed.
Answer<ChunkPlace> SealedLog::append_record(RecordKind kind, Text text)
{
    spare_helps_ = true;
    auto const place = queue(kind, text);
    auto const written = place ? write_out() : refuse(place.error());
    spare_helps_ = false;
    if (!written) return refuse(written.error());
    return *place;
}

Answer<void> SealedLog::append_out(SegmentNumber segment, std::uint64_t offset, std::span<std::byte const> bytes)
{
    auto written = store_->append(segment, offset, bytes);
    if (!written && written.error() == ENOSPC && spare_helps_ && store_->give_up_spare()) written = store_->append(segment, offset, bytes);
    if (!written) return refuse_as(written.error());
    return {};
}

Answer<ChunkPlace> SealedLog::queue(RecordKind kind, Text text)
{
    RecordHead head{.text_bytes = static_cast<std::uint32_t>(kRecordPrefixBytes + padded(text.body.size())), .kind = kind};
    if (auto const room = make_room(head.record_bytes()); !room) {
        out_bytes_ = 0;
        queued_.clear();
        return refuse(room.error());
    }
    auto& segment = segments_.at(current_);
    auto const before = queued_.empty() ? segment.last_number : queued_.back().head.number;
    head.number = next_number_++;
    OCU_ASSERT(head.number - before <= ~std::uint32_t{0});
    head.step = static_cast<std::uint32_t>(head.number - before);
    head.synced = synced_;
    auto const offset = static_cast<std::uint32_t>(segment.bytes + out_bytes_);
    auto const record = std::span(out_).subspan(out_bytes_, head.record_bytes());
    encode_prefix(text.a, text.b, record.subspan<kRecordHeadBytes, kRecordPrefixBytes>());
    auto const body = record.subspan(kRecordHeadBytes + kRecordPrefixBytes, head.text_bytes - kRecordPrefixBytes);
    std::ranges::copy(text.body, body.begin());
    std::ranges::fill(body.subspan(text.body.size()), std::byte{});
    if (!seal_record(segment.key, head, {current_, offset}, record)) {
        out_bytes_ = 0;
        queued_.clear();
        return refuse(EIO);
    }
    out_bytes_ += record.size();
    queued_.push_back({head, offset});
    return ChunkPlace{head.number, current_, offset};
}

// In `out_` and in the current segment, which always keeps room for its end.
Answer<void> SealedLog::make_room(std::size_t bytes)
{
    if (current_ != 0 && segments_.at(current_).bytes + out_bytes_ + bytes + kRecordBytesLeast > rules_.segment_bytes_max) {
        if (auto const written = write_out(); !written) return written;
        if (auto const ended = end_segment(); !ended) return ended;
    }
    if (current_ == 0) {
        if (auto const begun = begin_segment(); !begun) return begun;
    }
    if (out_bytes_ + bytes > out_.size()) return write_out();
    return {};
}

Answer<void> SealedLog::write_out()
{
    auto const bytes = std::exchange(out_bytes_, 0);
    auto const records = std::exchange(queued_, {});
    if (records.empty()) return {};
    auto& segment = segments_.at(current_);
    if (auto const written = append_out(current_, segment.bytes, std::span(out_).first(bytes)); !written) return written;
    for (auto const& each : records) take_up(segment, each.head, each.offset);
    return {};
}

SealedLog::Mark SealedLog::mark_of(RecordHead const& head, std::uint32_t offset)
{
    Mark mark{.offset = offset, .journal = is_journal(head.kind)};
    mark.bytes = static_cast<std::uint32_t>(head.record_bytes()) & 0xff'ffff;
    return mark;
}

// It is in the segment now.
void SealedLog::take_up(Segment& segment, RecordHead const& head, std::uint32_t offset)
{
    auto const bytes = static_cast<std::uint32_t>(head.record_bytes());
    segment.bytes += bytes;
    bytes_ += bytes;
    segment.last_number = head.number;
    written_ = head.number;
    if (head.kind == RecordKind::end) return;
    auto const journal = is_journal(head.kind);
    segment.marks.push_back(mark_of(head, offset));
    segment.alive += bytes;
    alive_ += bytes;
    segment.chunks_alive += journal ? 0 : 1;
    if (!journal) return;
    journal_.push_back({segment.head.segment, offset});
    journal_bytes_ += bytes;
}

// Everything in it is a function of what stands before it: whoever opens a log that was cut short seals the same bytes under the same nonce.
Answer<void> SealedLog::end_segment()
{
    auto& segment = segments_.at(current_);
    RecordHead const head{.kind = RecordKind::end, .number = segment.last_number + 1, .step = 1};
    std::array<std::byte, kRecordBytesLeast> record{};
    if (!seal_record(segment.key, head, {current_, segment.bytes}, record)) return refuse(EIO);
    if (auto const written = append_out(current_, segment.bytes, record); !written) return written;
    take_up(segment, head, segment.bytes);
    next_number_ = std::max(next_number_, head.number + 1);
    last_epoch_ = segment.head.epoch;
    current_ = 0;
    return {};
}

Answer<void> SealedLog::begin_segment()
{
    if (segments_.size() >= kSegmentsMax || next_segment_ > kSegmentNumberMax) return refuse(ENOSPC);
    SegmentHead head{.segment = next_segment_, .epoch_before = last_epoch_, .number_before = written_};
    crypto::random_bytes(head.epoch);
    auto key = key_of(head, data_key_);
    if (!key) return refuse(EIO);
    std::array<std::byte, kSegmentHeadBytes> bytes{};
    encode(head, data_key_, bytes);
    auto made = store_->make(head.segment);
    if (!made && made.error() == ENOSPC && spare_helps_ && store_->give_up_spare()) made = store_->make(head.segment);
    if (!made) return refuse_as(made.error());
    if (auto const written = append_out(head.segment, 0, bytes); !written) {
        (void)store_->remove(head.segment);  // if it stays, the next try says so
        return written;
    }
    segments_.emplace(
        head.segment, Segment{.head = head, .key = std::move(*key), .bytes = kSegmentHeadBytes, .last_number = written_, .marks = {}});
    bytes_ += kSegmentHeadBytes;
    current_ = next_segment_++;
    return {};
}

}  // namespace ocu::storage
