// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>

#include "base/assert.h"
#include "storage/sealed_log.h"

namespace ocu::storage {

SealedLog::Size SealedLog::size() const
{
    Size size{.bytes = bytes_, .alive = alive_, .segments = segments_.size()};
    for (auto const& [number, segment] : segments_) {
        for (auto const& each : segment.marks) size.journal += each.journal && each.state != State::dead ? each.bytes : 0;
    }
    return size;
}

SealedLog::Mark* SealedLog::mark_at(Spot spot)
{
    auto const segment = segments_.find(spot.segment);
    if (segment == segments_.end()) return nullptr;
    auto& marks = segment->second.marks;
    auto const at = std::ranges::lower_bound(marks, spot.offset, {}, [](Mark const& each) { return each.offset; });
    return at != marks.end() && at->offset == spot.offset ? &*at : nullptr;
}

void SealedLog::kill(Spot spot)
{
    auto* const mark = mark_at(spot);
    if (mark == nullptr || mark->state == State::dead) return;
    auto& segment = segments_.at(spot.segment);
    if (mark->state == State::alive && !mark->journal) --segment.chunks_alive;
    mark->state = State::dead;
    segment.alive -= mark->bytes;
    alive_ -= mark->bytes;
}

void SealedLog::leave(Spot spot)
{
    auto* const mark = mark_at(spot);
    if (mark == nullptr || mark->journal || (mark->state != State::alive && mark->state != State::stuck)) return;
    if (mark->state == State::alive) --segments_.at(spot.segment).chunks_alive;
    mark->state = State::leaving;
    leaving_.push_back(spot);
}

void SealedLog::drop(ChunkPlace const& place)
{
    if (place.number != 0) leave({place.segment, place.offset});
}

// Of these the tree was told nothing: what is there of them is dead at once.
void SealedLog::take_back(std::span<ChunkPlace const> places)
{
    for (auto const& each : places) kill({each.segment, each.offset});
}

void SealedLog::drops_take_effect()
{
    for (auto const& each : std::exchange(leaving_, {})) kill(each);
}

void SealedLog::keep_house(Housekeeping house) { house_ = std::move(house); }

// A log that was opened again holds chunks of which the tree may know nothing any more. It is asked when its house is kept for the first time,
// since a tree that is still being read in knows of none.
void SealedLog::ask_tree()
{
    for (auto const& each : std::exchange(unasked_, {})) {
        if (!house_.moved(each.inode, each.index, each.place, each.place)) kill({each.place.segment, each.place.offset});
    }
}

Answer<bool> SealedLog::housekeeping_step()
{
    auto const done = [](Answer<void> const& answer) { return answer ? Answer<bool>(true) : refuse(answer.error()); };
    if (house_.moved && !unasked_.empty()) ask_tree();
    if (auto const empty = empty_segments(); !empty.empty()) return done(remove_segments(empty));
    if (!house_.moved || !house_.whole) return false;
    if (journal_bytes_ > rules_.journal_bytes_least && journal_bytes_ > 2 * snapshot_bytes_) return done(write_snapshot());
    if (bytes_ - alive_ <= alive_ + rules_.dead_bytes_slack) return false;
    return move_from_emptiest();
}

std::vector<SegmentNumber> SealedLog::empty_segments() const
{
    std::vector<SegmentNumber> empty;
    for (auto const& [number, segment] : segments_) {
        if (segment.alive == 0 && number != current_) empty.push_back(number);
    }
    return empty;
}

// What made them empty is on disk before they go, and so is the word that they went: a power cut between any two of these leaves a log that
// opens to the same tree.
Answer<void> SealedLog::remove_segments(std::vector<SegmentNumber> const& which)
{
    auto const names = std::as_bytes(std::span(which));
    auto const named = append_record(RecordKind::removed, {names.size(), 0, names});
    if (!named) return refuse(named.error());
    if (auto const synced = sync(); !synced) return synced;
    Answer<void> all;
    for (auto const each : which) {
        if (auto const removed = store_->remove(each); !removed) all = refuse(EIO);
        bytes_ -= segments_.at(each).bytes;
        segments_.erase(each);
    }
    store_->keep_spare();
    return all;
}

// In one step, however large the tree is: nothing else may be appended between its beginning and its end.
Answer<void> SealedLog::write_snapshot()
{
    std::size_t before = 0;
    std::uint64_t bytes_before = 0;
    std::uint64_t begun = 0;
    auto const begin = [&]() -> Answer<void> {
        if (in_snapshot_) return {};
        std::vector<SegmentNumber> present;
        for (auto const& [number, segment] : segments_) present.push_back(number);
        auto const names = std::as_bytes(std::span<SegmentNumber const>(present));
        before = journal_.size();
        bytes_before = std::exchange(journal_bytes_, 0);
        in_snapshot_ = true;
        auto const place = append_record(RecordKind::snapshot_begin, {names.size(), 0, names});
        if (!place) return refuse(place.error());
        begun = place->number;
        return {};
    };
    auto const each = [&](std::span<std::byte const> changes) -> Answer<void> {
        OCU_ASSERT(changes.size() <= kChangesBytesMax);
        if (auto const ready = begin(); !ready) return ready;
        auto const place = append_record(RecordKind::snapshot_part, {changes.size(), begun, changes});
        if (!place) return refuse(place.error());
        return {};
    };
    auto written = house_.whole(each);
    if (written) written = begin();
    if (written) {
        auto const end = append_record(RecordKind::snapshot_end, {0, begun, {}});
        if (!end) written = refuse(end.error());
    }
    if (!in_snapshot_) return written;
    in_snapshot_ = false;
    auto const middle = journal_.begin() + static_cast<std::ptrdiff_t>(before);
    auto const from = written ? journal_.begin() : middle;
    auto const to = written ? middle : journal_.end();
    std::for_each(from, to, [this](Spot const& spot) { kill(spot); });
    journal_.erase(from, to);
    if (written) snapshot_bytes_ = journal_bytes_;
    journal_bytes_ = written ? 0 : bytes_before;
    return written;
}

// Its chunks are moved, or, if only pieces of the journal keep it, they are made superfluous.
Answer<bool> SealedLog::move_from_emptiest()
{
    Segment const* emptiest = nullptr;
    for (auto const& [number, segment] : segments_) {
        bool const journal_only = segment.chunks_alive == 0;
        bool const worth_it = !journal_only || std::ranges::none_of(segment.marks, [](Mark const& each) {
            return each.state == State::leaving || each.state == State::stuck;
        });
        if (number == current_ || !worth_it) continue;
        if (emptiest == nullptr || segment.alive < emptiest->alive) emptiest = &segment;
    }
    if (emptiest == nullptr || emptiest->alive > emptiest->bytes / 2) return false;
    auto const done = emptiest->chunks_alive == 0 ? write_snapshot() : move_chunks(emptiest->head.segment);
    if (!done) return refuse(done.error());
    return true;
}

Answer<void> SealedLog::move_chunks(SegmentNumber from)
{
    struct Moved {
        Inode inode;
        std::uint64_t index;
        ChunkPlace was;
        ChunkPlace now;
    };
    std::vector<Moved> moved;
    std::vector<ChunkPlace> places;
    int fault = 0;
    int damaged = 0;
    for (auto& mark : segments_.at(from).marks) {
        if (mark.state != State::alive || mark.journal || moved.size() >= kMovedPerStep || fault != 0) continue;
        ChunkPlace was{};
        auto const text = movable(from, mark, was);
        if (!text) {
            damaged = EIO;
            continue;
        }
        auto const now = queue(RecordKind::chunk, {text->a, text->b, text->body});
        fault = now ? 0 : now.error();
        if (!now) continue;
        moved.push_back({text->a, text->b, was, *now});
        places.push_back(*now);
    }
    if (fault == 0) {
        auto const written = write_out();
        if (!written) fault = written.error();
    }
    if (fault != 0) {
        take_back(places);
        return refuse(fault);
    }
    for (auto const& each : moved) {
        if (!house_.moved(each.inode, each.index, each.was, each.now)) kill({each.now.segment, each.now.offset});
        leave({each.was.segment, each.was.offset});
    }
    if (damaged != 0) return refuse(damaged);
    return {};
}

// Opens the chunk at `mark`, into `in_`. One that does not open stays where it is, for whoever reads it to find out.
std::optional<RecordText> SealedLog::movable(SegmentNumber from, Mark& mark, ChunkPlace& was)
{
    auto& segment = segments_.at(from);
    in_.resize(std::max(in_.size(), kRecordBytesMax));
    auto const record = std::span(in_).first(mark.bytes);
    auto const got = store_->read(from, mark.offset, record);
    auto const head = got && *got == record.size() ? decode_record_head(record.first<kRecordHeadBytes>()) : std::nullopt;
    if (head && head->kind == RecordKind::chunk && head->record_bytes() == record.size() &&
        open_record(segment.key, *head, {from, mark.offset}, record)) {
        was = {head->number, from, mark.offset};
        return text_of(*head, record);
    }
    mark.state = State::stuck;
    --segment.chunks_alive;
    return std::nullopt;
}

}  // namespace ocu::storage
