// SPDX-License-Identifier: GPL-3.0-or-later
#include "storage/sealed_log_replay.h"

#include <algorithm>
#include <cstring>
#include <ranges>

namespace ocu::storage {

namespace {

constexpr std::size_t kWindowBytes = 1u << 20;
constexpr std::size_t kTriesMax = 1'000;  // heads beyond a tear that look like one and are none
static_assert(kWindowBytes >= kRecordBytesMax);

// A list of segments' numbers, as kinds `removed` and `snapshot_begin` have it.
std::optional<std::vector<SegmentNumber>> numbers_in(std::span<std::byte const> body)
{
    if (body.size() % sizeof(SegmentNumber) != 0) return std::nullopt;
    std::vector<SegmentNumber> numbers(body.size() / sizeof(SegmentNumber));
    if (!body.empty()) std::memcpy(numbers.data(), body.data(), body.size());
    bool const rising = std::ranges::adjacent_find(numbers, std::ranges::greater_equal{}) == numbers.end();
    if (!rising || (!numbers.empty() && (numbers.front() == 0 || numbers.back() > kSegmentNumberMax))) return std::nullopt;
    return numbers;
}

}  // namespace

std::expected<SealedLog::Opened, SealedLog::Damage> SealedLog::open(
    std::unique_ptr<Segments> segments, Secret data_key, Apply const& apply, Rules rules)
{
    auto log = std::unique_ptr<SealedLog>(new SealedLog(std::move(segments), std::move(data_key), rules));
    auto cut = SealedLogReplay(*log).run(apply);
    if (!cut) return std::unexpected(cut.error());
    log->store_->keep_spare();
    return Opened{std::move(log), *cut};
}

std::expected<SealedLog::Cut, SealedLog::Damage> SealedLogReplay::run(SealedLog::Apply const& apply)
{
    auto listed = log_.store_->list();
    if (!listed) return std::unexpected(Damage{listed.error(), "the segments cannot be listed", 0, 0});
    found_ = std::move(*listed);
    if (found_.size() > 2 * std::size_t{kSegmentsMax}) return std::unexpected(Damage{EIO, "more segments than a log can have", 0, 0});
    std::uint64_t longest = 0;
    for (auto const& each : found_) longest = std::max(longest, each.bytes);
    window_.resize(std::min<std::uint64_t>(kWindowBytes, longest));
    for (auto const& each : found_) OCU_CHECK(scan(each));
    OCU_CHECK(judge());
    OCU_CHECK(apply_journal(apply));
    settle_memory();
    if (auto const settled = settle_disk(); !settled) return std::unexpected(Damage{settled.error(), "the log cannot be mended", 0, 0});
    return cut_;
}

void SealedLogReplay::stop_at(Stop stop)
{
    if (!stop_ || stop.segment < stop_->segment) stop_ = stop;
}

// Of the last record before `segment`, one more.
std::uint64_t SealedLogReplay::next_number_before(SegmentNumber segment) const
{
    auto const after = log_.segments_.lower_bound(segment);
    return after == log_.segments_.begin() ? 1 : std::prev(after)->second.last_number + 1;
}

SealedLogReplay::Verdict SealedLogReplay::scan(Segments::Found const& found)
{
    auto const number = found.number;
    auto const head = OCU_TRY(scan_head(found));
    if (!head) {
        stop_at({number, 0, next_number_before(number), "a segment without a head"});
        return {};
    }
    auto const before = log_.segments_.find(number - 1);
    if (before != log_.segments_.end()) {
        auto const& last = before->second;
        if (!ended_.contains(number - 1))
            stop_at({number - 1, last.bytes, last.last_number + 1, "a segment without its end"});
        else if (head->epoch_before != last.head.epoch || head->number_before != last.last_number)
            stop_at({number, 0, last.last_number + 1, "a segment that does not follow the one before it"});
    }
    auto key = key_of(*head, log_.data_key_);
    if (!key) return std::unexpected(Damage{EIO, "a key cannot be set", number, 0});
    auto& segment =
        log_.segments_
            .emplace(number,
                SealedLog::Segment{
                    .head = *head, .key = std::move(*key), .bytes = kSegmentHeadBytes, .last_number = head->number_before, .marks = {}})
            .first->second;
    scan_records(segment, found.bytes);
    return {};
}

// Empty: it was made, and the power went before its head was on disk.
std::expected<std::optional<SegmentHead>, SealedLog::Damage> SealedLogReplay::scan_head(Segments::Found const& found)
{
    std::array<std::byte, kSegmentHeadBytes> bytes{};
    auto const got = log_.store_->read(found.number, 0, bytes);
    if (!got) return std::unexpected(Damage{got.error(), "a segment cannot be read", found.number, 0});
    if (*got < bytes.size() || std::ranges::all_of(bytes, [](std::byte each) { return each == std::byte{}; }))
        return std::optional<SegmentHead>{};
    auto const head = decode_segment_head(bytes, log_.data_key_);
    if (!head) return std::unexpected(Damage{EIO, "a segment of another key, or an altered one", found.number, 0});
    if (head->segment != found.number) return std::unexpected(Damage{EIO, "a segment in another's place", found.number, 0});
    if (found.bytes > ~std::uint32_t{0}) return std::unexpected(Damage{EIO, "a segment that is too long", found.number, 0});
    return head;
}

void SealedLogReplay::scan_records(SealedLog::Segment& segment, std::uint64_t bytes)
{
    auto const number = segment.head.segment;
    auto const stop = [&](Literal what) {
        stop_at({number, segment.bytes, segment.last_number + 1, what});
        look_beyond(segment, bytes);
    };
    while (segment.bytes < bytes) {
        if (ended_.contains(number)) return stop("bytes after a segment's end");
        auto const head_bytes = window(number, segment.bytes, kRecordHeadBytes, bytes);
        auto const head = head_bytes.size() == kRecordHeadBytes ? decode_record_head(head_bytes.first<kRecordHeadBytes>()) : std::nullopt;
        if (!head) return stop("a record that does not parse");
        if (head->number - head->step != segment.last_number) return stop("a record that does not follow the one before it");
        auto const record = window(number, segment.bytes, head->record_bytes(), bytes);
        if (record.size() != head->record_bytes()) return stop("a record that is cut short");
        if (!open_record(segment.key, *head, {number, segment.bytes}, record)) return stop("a record that does not open");
        if (!take(segment, *head, segment.bytes, record)) return stop("a record that says what it cannot say");
    }
}

// Whether what follows a record that does not fit knows of a sync after it: then it is no torn tail. Nothing else of it counts.
void SealedLogReplay::look_beyond(SealedLog::Segment const& segment, std::uint64_t bytes)
{
    auto const number = segment.head.segment;
    std::size_t tries = 0;
    for (std::uint64_t at = segment.bytes; at + kRecordBytesLeast <= bytes && tries < kTriesMax;) {
        auto const head_bytes = window(number, at, kRecordHeadBytes, bytes);
        if (head_bytes.size() != kRecordHeadBytes) return;
        auto const head = decode_record_head(head_bytes.first<kRecordHeadBytes>());
        auto const record = head ? window(number, at, head->record_bytes(), bytes) : std::span<std::byte>{};
        if (!head || record.size() != head->record_bytes()) {
            ++at;
            continue;
        }
        if (open_record(segment.key, *head, {number, static_cast<std::uint32_t>(at)}, record)) {
            synced_ = std::max(synced_, head->synced);
            at += record.size();
            continue;
        }
        window_segment_ = 0;  // what did not open is spoilt
        ++tries;
        ++at;
    }
}

// It opened: it is one of ours, unless its text makes no sense.
bool SealedLogReplay::take(SealedLog::Segment& segment, RecordHead const& head, std::uint32_t offset, std::span<std::byte const> record)
{
    auto const number = segment.head.segment;
    if (head.kind == RecordKind::end) {
        ended_.insert(number);
    } else if (head.kind == RecordKind::chunk) {
        auto const text = text_of(head, record);
        log_.unasked_.push_back({text.a, text.b, {head.number, number, offset}});
    } else {
        auto const text = text_of(head, record);
        auto const body = journal_body(text);
        bool const names = head.kind == RecordKind::removed || head.kind == RecordKind::snapshot_begin;
        auto named = body && names ? numbers_in(*body) : std::vector<SegmentNumber>{};
        if (!body || !named) return false;
        auto const bytes = static_cast<std::uint32_t>(head.record_bytes());
        journal_.push_back({head.kind, head.number, text.b, {number, offset}, bytes, std::move(*named)});
    }
    synced_ = std::max(synced_, head.synced);
    segment.bytes += static_cast<std::uint32_t>(head.record_bytes());
    segment.last_number = head.number;
    if (head.kind != RecordKind::end) segment.marks.push_back(SealedLog::mark_of(head, offset));
    return true;
}

// Bytes of the segment, to be worked on in place: they are read anew when they are asked for again. Fewer: the segment has no more.
std::span<std::byte> SealedLogReplay::window(SegmentNumber segment, std::uint64_t offset, std::size_t bytes, std::uint64_t end)
{
    bool const inside = segment == window_segment_ && offset >= window_offset_ && offset + bytes <= window_offset_ + window_bytes_;
    if (!inside) {
        auto const wanted = static_cast<std::size_t>(std::min<std::uint64_t>(window_.size(), end - offset));
        auto const got = log_.store_->read(segment, offset, std::span(window_).first(wanted));
        window_segment_ = segment;
        window_offset_ = offset;
        window_bytes_ = got ? *got : 0;
    }
    auto const at = static_cast<std::size_t>(offset - window_offset_);
    return std::span(window_).subspan(at, std::min(bytes, window_bytes_ - at));
}

// Where its beginning is in `journal_`.
std::optional<std::size_t> SealedLogReplay::last_snapshot() const
{
    auto const end = std::ranges::find(journal_.rbegin(), journal_.rend(), RecordKind::snapshot_end, &Entry::kind);
    if (end == journal_.rend()) return std::nullopt;
    auto const begin = std::find_if(
        end, journal_.rend(), [&](Entry const& each) { return each.kind == RecordKind::snapshot_begin && each.number == end->begun; });
    if (begin == journal_.rend()) return std::nullopt;
    return static_cast<std::size_t>(journal_.rend() - begin) - 1;
}

// All that need not be there, by the journal as it is now.
std::set<SegmentNumber> SealedLogReplay::removed() const
{
    std::set<SegmentNumber> gone;
    auto const snapshot = last_snapshot();
    for (std::size_t i = snapshot.value_or(0); i < journal_.size(); ++i) {
        if (journal_[i].kind == RecordKind::removed) gone.insert(journal_[i].named.begin(), journal_[i].named.end());
    }
    return gone;
}

// The first one up to `last` that should be there and is not.
std::optional<SegmentNumber> SealedLogReplay::missing(SegmentNumber last) const
{
    auto const gone = removed();
    auto const lacks = [&](SegmentNumber each) {
        return each <= last && !gone.contains(each) && !std::ranges::binary_search(found_, each, {}, &Segments::Found::number);
    };
    SegmentNumber from = 1;
    if (auto const snapshot = last_snapshot()) {
        auto const& named = journal_[*snapshot].named;
        auto const lacking = std::ranges::find_if(named, lacks);
        if (lacking != named.end()) return *lacking;
        if (!named.empty()) from = named.back() + 1;
    }
    // Each of these is found, or named in the journal, or the answer: the loop is as short as what was read.
    for (auto each = from; each <= last; ++each) {
        if (lacks(each)) return each;
    }
    return std::nullopt;
}

SealedLogReplay::Verdict SealedLogReplay::judge()
{
    if (found_.empty()) return {};
    last_ = found_.back().number;
    if (auto const lacking = missing(found_.back().number)) stop_at({*lacking, 0, next_number_before(*lacking), "a segment is missing"});
    if (stop_) {
        if (stop_->number <= synced_) return std::unexpected(Damage{EIO, stop_->what, stop_->segment, stop_->offset});
        forget_beyond(*stop_);
        last_ = stop_->offset == 0 ? stop_->segment - 1 : stop_->segment;
        if (stop_->segment == last_) ended_.erase(last_);  // bytes after its end: it gets that once more
        // What is cut may have been what said that a segment went: then it went without its word being on disk.
        if (auto const lacking = missing(last_)) return std::unexpected(Damage{EIO, "a segment is missing", *lacking, 0});
    }
    leftover_ = removed();
    if (auto const snapshot = last_snapshot(); snapshot && !journal_[*snapshot].named.empty()) {
        auto const& named = journal_[*snapshot].named;
        for (auto const& each : found_) {
            if (each.number <= named.back() && !std::ranges::binary_search(named, each.number)) leftover_.insert(each.number);
        }
    }
    return {};
}

void SealedLogReplay::forget_beyond(Stop const& stop)
{
    auto const beyond = [&](SegmentNumber segment, std::uint64_t offset) {
        return segment > stop.segment || (segment == stop.segment && offset >= stop.offset);
    };
    std::erase_if(journal_, [&](Entry const& each) { return beyond(each.spot.segment, each.spot.offset); });
    std::erase_if(log_.unasked_, [&](SealedLog::Unasked const& each) { return beyond(each.place.segment, each.place.offset); });
}

SealedLogReplay::Verdict SealedLogReplay::apply_journal(SealedLog::Apply const& apply)
{
    auto const snapshot = last_snapshot();
    auto const begun = snapshot ? journal_[*snapshot].number : 0;
    for (std::size_t i = snapshot.value_or(0); i < journal_.size(); ++i) {
        auto const& each = journal_[i];
        bool const part = each.kind == RecordKind::snapshot_part && snapshot && each.begun == begun;
        if (!part && each.kind != RecordKind::changes) continue;
        auto const& segment = log_.segments_.at(each.spot.segment);
        std::vector<std::byte> record(each.bytes);
        auto const got = log_.store_->read(each.spot.segment, each.spot.offset, record);
        auto const head =
            got && *got == record.size() ? decode_record_head(std::span<std::byte const>(record).first<kRecordHeadBytes>()) : std::nullopt;
        bool const same = head && head->number == each.number && head->record_bytes() == record.size() &&
                          open_record(segment.key, *head, {each.spot.segment, each.spot.offset}, record);
        auto const body = same ? journal_body(text_of(*head, record)) : std::nullopt;
        if (!body) return std::unexpected(Damage{EIO, "a record changed while it was read", each.spot.segment, each.spot.offset});
        if (auto const applied = apply(*body); !applied)
            return std::unexpected(Damage{applied.error(), "a batch of changes that does not apply", each.spot.segment, each.spot.offset});
    }
    return {};
}

// What the log knows of itself, as it will be once the disk is settled.
void SealedLogReplay::settle_memory()
{
    for (auto const& each : std::views::reverse(found_)) {
        bool const beyond = each.number > last_;
        if (beyond) ++cut_.segments;
        if (beyond) cut_.bytes += each.bytes;
        if (!beyond && stop_ && each.number == stop_->segment) cut_.bytes += each.bytes - stop_->offset;
        if (beyond || leftover_.contains(each.number)) to_remove_.push_back(each.number);
    }
    log_.next_segment_ = last_ + 1;
    auto const after = log_.segments_.upper_bound(last_);
    if (after != log_.segments_.begin()) log_.written_ = std::prev(after)->second.last_number;
    log_.next_number_ = log_.written_ + 1;
    if (auto const last = log_.segments_.find(last_); last != log_.segments_.end()) log_.last_epoch_ = last->second.head.epoch;
    for (auto const each : to_remove_) log_.segments_.erase(each);
    std::erase_if(log_.unasked_, [this](SealedLog::Unasked const& each) { return !log_.segments_.contains(each.place.segment); });
    for (auto& [number, segment] : log_.segments_) {
        for (auto const& mark : segment.marks) {
            segment.alive += mark.bytes;
            segment.chunks_alive += mark.journal ? 0 : 1;
        }
        log_.bytes_ += segment.bytes;
        log_.alive_ += segment.alive;
    }
    settle_journal();
}

// From the last whole snapshot on; before it, and in one that has no end, nothing is alive.
void SealedLogReplay::settle_journal()
{
    auto const snapshot = last_snapshot();
    auto const begun = snapshot ? journal_[*snapshot].number : 0;
    for (std::size_t i = 0; i < journal_.size(); ++i) {
        auto const& each = journal_[i];
        bool const change = each.kind == RecordKind::changes || each.kind == RecordKind::removed;
        bool const of_snapshot = snapshot && (each.number == begun || (!change && each.begun == begun));
        if ((snapshot && i < *snapshot) || (!change && !of_snapshot)) {
            log_.kill(each.spot);
            continue;
        }
        log_.journal_.push_back(each.spot);
        (change ? log_.journal_bytes_ : log_.snapshot_bytes_) += each.bytes;
    }
}

// The last one first: if the power goes in between, what is left is cut the same way again.
Answer<void> SealedLogReplay::settle_disk()
{
    auto& store = *log_.store_;
    for (auto const each : to_remove_) {
        if (auto const removed = store.remove(each); !removed) return removed;
    }
    auto const last = log_.segments_.find(last_);
    if (last != log_.segments_.end() && stop_ && stop_->segment == last_) {
        if (auto const cut = store.cut(last_, stop_->offset); !cut) return cut;
    }
    if (last != log_.segments_.end() && !ended_.contains(last_)) {
        log_.current_ = last_;
        if (auto const ended = log_.end_segment(); !ended) return ended;
    }
    if (auto const synced = store.sync(); !synced) return synced;
    log_.synced_ = log_.written_;
    return {};
}

}  // namespace ocu::storage
