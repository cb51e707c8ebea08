// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <format>

#include "storage/s3_segments.h"

namespace ocu::storage {

namespace {

constexpr std::chrono::milliseconds kTurn{100};
constexpr std::uint64_t kNearBytes = 64u << 10;  // what lies between two reads that are still in order: records that nobody reads
constexpr std::size_t kAheadMax = kS3WindowBytesMax / kS3WindowBytes - 1;  // windows beyond the one that is read
constexpr long kOk = 200;
constexpr long kPartial = 206;

}  // namespace

Answer<std::size_t> S3Segments::read(SegmentNumber segment, std::uint64_t offset, std::span<std::byte> into)
{
    auto const at = index_.find(segment);
    if (at == index_.end()) return refuse(ENOENT);
    auto const end = end_of(segment);
    if (offset >= end) return std::size_t{0};
    into = into.first(std::min<std::uint64_t>(into.size(), end - offset));
    std::size_t done = 0;
    while (done < into.size()) {
        auto const here = offset + done;
        auto const rest = into.subspan(done);
        auto const unsettled = read_unsettled(segment, here, rest);
        if (!unsettled) return refuse(unsettled.error());
        if (unsettled->found) {
            done += unsettled->bytes;
            continue;
        }
        auto const& pieces = at->second;
        auto const next = std::ranges::upper_bound(pieces, here, {}, [](Piece const& each) { return std::uint64_t{each.offset}; });
        bool const inside = next != pieces.begin() && here < std::uint64_t{std::prev(next)->offset} + std::prev(next)->bytes;
        if (!inside) {  // a hole
            auto const until = next == pieces.end() ? end : next->offset;
            auto const count = std::min<std::uint64_t>(rest.size(), until - here);
            std::ranges::fill(rest.first(count), std::byte{});
            done += count;
            continue;
        }
        auto const got = read_piece(segment, *std::prev(next), here, rest);
        if (!got) return refuse(got.error());
        done += *got;
        read_segment_ = segment;
        read_end_ = here + *got;
    }
    return done;
}

Answer<S3Segments::Copied> S3Segments::read_unsettled(SegmentNumber segment, std::uint64_t offset, std::span<std::byte> into)
{
    for (auto const& upload : uploads_) {
        if (upload.segment != segment || offset < upload.offset || offset >= upload.end()) continue;
        auto const& part = upload.parts[static_cast<std::size_t>(offset - upload.offset) / rules_.part_bytes];
        auto const within = static_cast<std::size_t>(offset - upload.offset) % rules_.part_bytes;
        if (!part.bytes.empty()) {
            auto const count = std::min(into.size(), part.size - within);
            std::ranges::copy(std::span(part.bytes).subspan(within, count), into.begin());
            return Copied{count, true};
        }
        // A part that the store has cannot be read before all of it is there.
        seal_all();
        auto const driven = drive(deadline());
        if (!driven) return refuse(driven.error() == ETIMEDOUT ? ETIMEDOUT : EIO);
        return read_unsettled(segment, offset, into);
    }
    return Copied{};
}

Answer<std::size_t> S3Segments::read_piece(SegmentNumber segment, Piece piece, std::uint64_t offset, std::span<std::byte> into)
{
    auto const found = window_at(segment, piece, offset);
    if (!found) return refuse(found.error());
    auto const& window = **found;
    auto const within = static_cast<std::size_t>(offset - window.begin);
    auto const count = std::min(into.size(), window.length - within);
    std::ranges::copy(std::span(window.bytes).subspan(within, count), into.begin());
    return count;
}

// The one with `offset` in it, there. One that failed as somebody's reading ahead is asked for once more.
Answer<S3Segments::Window*> S3Segments::window_at(SegmentNumber segment, Piece piece, std::uint64_t offset)
{
    bool const near = segment == read_segment_ && offset >= read_end_ && offset - read_end_ <= kNearBytes;
    bool const next = segment == read_segment_ + 1 && offset <= kNearBytes;
    bool const in_order = near || next;
    auto const end = std::uint64_t{piece.offset} + piece.bytes;
    auto const until = deadline();
    for (bool fresh = false;;) {
        auto at = std::ranges::find_if(
            windows_, [&](Window const& each) { return each.segment == segment && each.begin <= offset && offset < each.end(); });
        if (at != windows_.end() && at->fault != 0 && !fresh) {
            window_bytes_ -= at->length;
            windows_.erase(at);
            at = windows_.end();
        }
        if (at == windows_.end()) {
            auto const length = std::min<std::uint64_t>(end - offset, in_order ? kS3WindowBytes : kS3LeapBytes);
            auto& window = fetch(segment, piece, offset, static_cast<std::size_t>(length));
            fresh = true;
            if (in_order) read_ahead(window);
            continue;
        }
        windows_.splice(windows_.begin(), windows_, at);
        auto& window = windows_.front();
        if (in_order && window.fault == 0)
            read_ahead(window);  // also while it is not there: what follows may be, and more can be asked for
        if (window.fault != 0) {
            auto const fault = window.fault;
            window_bytes_ -= window.length;
            windows_.pop_front();
            down_ = fault == ETIMEDOUT;
            return refuse(fault == ETIMEDOUT ? ETIMEDOUT : EIO);
        }
        if (!window.call) return &window;
        if (clock_.now() >= until) return refuse(ETIMEDOUT);
        pump(kTurn);
    }
}

S3Segments::Window& S3Segments::fetch(SegmentNumber segment, Piece piece, std::uint64_t begin, std::size_t length)
{
    make_window_room(length);
    S3Ask ask{.method = "GET", .key = key_of(segment, piece.offset)};
    if (length != piece.bytes)
        ask.fields.push_back(std::format("Range: bytes={}-{}", begin - piece.offset, begin - piece.offset + length - 1));
    ask.answer_bytes_max = length;
    ask.answer_bytes = length;
    windows_.push_front({.segment = segment, .begin = begin, .length = length});
    window_bytes_ += length;
    windows_.front().call = requests_.start(std::move(ask), deadline());
    return windows_.front();
}

// The windows that follow `from`, as they would be asked for.
void S3Segments::read_ahead(Window const& from)
{
    auto segment = from.segment;
    auto begin = from.end();
    auto const reading =
        static_cast<std::size_t>(std::ranges::count_if(windows_, [](Window const& each) { return each.call.has_value(); }));
    std::size_t started = reading;
    auto pieces = index_.find(segment);
    for (std::size_t i = 0; i < kAheadMax && started < kS3RequestsMax; ++i) {
        auto const after =
            std::ranges::upper_bound(pieces->second, begin, {}, [](Piece const& each) { return std::uint64_t{each.offset}; });
        auto at = after == pieces->second.begin() ? after : std::prev(after);
        if (at != pieces->second.end() && begin >= std::uint64_t{at->offset} + at->bytes) ++at;
        if (at == pieces->second.end()) {
            pieces = index_.find(++segment);
            if (pieces == index_.end()) return;
            begin = 0;
            continue;
        }
        begin = std::max<std::uint64_t>(begin, at->offset);
        auto const there = std::ranges::find_if(
            windows_, [&](Window const& each) { return each.segment == segment && each.begin <= begin && begin < each.end(); });
        if (there != windows_.end()) {
            begin = there->end();
            continue;
        }
        auto const length =
            static_cast<std::size_t>(std::min<std::uint64_t>(at->offset + std::uint64_t{at->bytes} - begin, kS3WindowBytes));
        if (window_bytes_ + length > kS3WindowBytesMax && windows_.back().call) return;
        fetch(segment, *at, begin, length);
        ++started;
        begin += length;
    }
}

void S3Segments::make_window_room(std::size_t bytes)
{
    while (!windows_.empty() && (window_bytes_ + bytes > kS3WindowBytesMax || windows_.size() >= kS3WindowsMax)) {
        auto const& last = windows_.back();
        if (last.call) requests_.drop(*last.call);
        window_bytes_ -= last.length;
        windows_.pop_back();
    }
}

void S3Segments::hear_window(Window& window, S3Answer answer)
{
    window.call.reset();
    window.fault = answer.fault;
    if (answer.fault != 0) return;
    down_ = false;
    bool const right = (answer.status == kPartial || answer.status == kOk) && answer.body.size() == window.length;
    if (right)
        window.bytes = std::move(answer.body);
    else
        window.fault = EIO;  // it is not as it was given
}

void S3Segments::forget_windows(SegmentNumber segment)
{
    for (auto at = windows_.begin(); at != windows_.end();) {
        if (at->segment != segment) {
            ++at;
            continue;
        }
        if (at->call) requests_.drop(*at->call);
        window_bytes_ -= at->length;
        at = windows_.erase(at);
    }
}

}  // namespace ocu::storage
