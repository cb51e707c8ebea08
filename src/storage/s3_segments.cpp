// SPDX-License-Identifier: GPL-3.0-or-later
// What there is: names, the index, what is cut and what goes. Writing is s3_segments_write.cpp, reading s3_segments_read.cpp.
#include "storage/s3_segments.h"

#include <algorithm>
#include <charconv>
#include <format>

#include "storage/s3_answers.h"
#include "wire/percent.h"

namespace ocu::storage {

namespace {

constexpr std::size_t kSegmentDigits = 8;
constexpr std::size_t kOffsetDigits = 10;
constexpr std::chrono::milliseconds kRemovalTime{3'000};
constexpr std::chrono::milliseconds kTurn{100};
constexpr std::size_t kBarePagesMax = 100;  // of a listing, without a piece

template <class Number>
std::optional<Number> number_in(std::string_view digits)
{
    Number number{};
    auto const [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (fault != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return number;
}

// What only segments.h promises leaves the engine; that it was not to be reached is told, so that nobody takes it for damage.
std::unexpected<int> refuse_as(int fault)
{
    switch (fault) {
    case ENOSPC:
    case ETIMEDOUT: return refuse(fault);
    default: return refuse(EIO);
    }
}

}  // namespace

std::string s3_piece_key(std::string_view prefix, SegmentNumber segment, std::uint64_t offset)
{
    return std::format("{}{:08}/{:010}", prefix, segment, offset);
}

std::optional<S3PieceName> s3_piece_name(std::string_view prefix, std::string_view key)
{
    if (!key.starts_with(prefix)) return std::nullopt;
    key.remove_prefix(prefix.size());
    if (key.size() != kSegmentDigits + 1 + kOffsetDigits || key[kSegmentDigits] != '/') return std::nullopt;
    auto const segment = number_in<SegmentNumber>(key.substr(0, kSegmentDigits));
    auto const offset = number_in<std::uint32_t>(key.substr(kSegmentDigits + 1));
    if (!segment || *segment == 0 || !offset) return std::nullopt;
    return S3PieceName{*segment, *offset};
}

S3Segments::S3Segments(S3Place place, Secret credential, S3Connect connect, Clock const& clock, Rules rules)
    : clock_(clock), rules_(rules), prefix_(place.prefix),
      requests_(std::move(place), std::move(credential), std::move(connect), clock, rules.times)
{}

S3Segments::S3Segments(S3Place place, Secret credential, S3Connect connect, Clock const& clock)
    : S3Segments(std::move(place), std::move(credential), std::move(connect), clock, Rules{})
{}

std::string S3Segments::key_of(SegmentNumber segment, std::uint64_t offset) const { return s3_piece_key(prefix_, segment, offset); }

std::uint64_t S3Segments::end_of(SegmentNumber segment) const
{
    std::uint64_t end = 0;
    auto const at = index_.find(segment);
    if (at != index_.end() && !at->second.empty()) end = std::uint64_t{at->second.back().offset} + at->second.back().bytes;
    for (auto const& each : uploads_) {
        if (each.segment == segment) end = std::max(end, each.end());
    }
    return end;
}

Answer<void> S3Segments::read_page(std::string& token, std::vector<S3PieceName>& names, std::vector<std::uint64_t>& sizes)
{
    S3Ask ask{.method = "GET"};
    ask.query = "list-type=2&encoding-type=url&max-keys=1000&prefix=" + wire::percent_encoded(prefix_);
    if (!token.empty()) ask.query += "&continuation-token=" + wire::percent_encoded(token);
    ask.answer_bytes_max = kS3ListBytesMax;
    auto const answer = requests_.ask(std::move(ask), clock_.now() + rules_.operation_time);
    if (answer.fault != 0) return refuse_as(answer.fault);
    auto listing = read_s3_listing(answer.body);
    if (!listing) return refuse(EIO);
    for (auto const& each : listing->objects) {
        auto const name = s3_piece_name(prefix_, each.key);
        if (!name) continue;
        if (names.size() >= rules_.pieces_max) return refuse(EIO);
        names.push_back(*name);
        sizes.push_back(each.bytes);
    }
    token = std::move(listing->next);
    return {};
}

Answer<void> S3Segments::take_index(std::vector<S3PieceName> const& names, std::vector<std::uint64_t> const& sizes)
{
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (sizes[i] > kSegmentBytesMax) return refuse(EIO);
        index_[names[i].segment].push_back({names[i].offset, static_cast<std::uint32_t>(sizes[i])});
    }
    pieces_ = names.size();
    std::vector<SegmentNumber> headless;
    for (auto& [segment, pieces] : index_) {
        std::ranges::sort(pieces, {}, &Piece::offset);
        auto const overlaps = [](Piece const& one, Piece const& next) { return std::uint64_t{one.offset} + one.bytes > next.offset; };
        if (std::ranges::adjacent_find(pieces, overlaps) != pieces.end()) return refuse(EIO);
        if (pieces.front().offset != 0) headless.push_back(segment);
    }
    for (auto const each : headless) doom(each);
    return {};
}

// A hole between two pieces reads as zeros: the log judges whether what is beyond it may be cut, or is what was promised.
Answer<std::vector<Segments::Found>> S3Segments::list()
{
    if (!listed_) {
        std::vector<S3PieceName> names;
        std::vector<std::uint64_t> sizes;
        std::string token;
        std::size_t bare = 0;
        do {
            auto const before = names.size();
            if (auto const page = read_page(token, names, sizes); !page) return refuse(page.error());
            if (names.size() == before && ++bare > kBarePagesMax) return refuse(EIO);  // a store that lists nothing, for ever
        } while (!token.empty());
        if (auto const taken = take_index(names, sizes); !taken) return refuse(taken.error());
        listed_ = true;
    }
    std::vector<Found> found;
    for (auto const& [segment, pieces] : index_) found.push_back({segment, end_of(segment)});
    return found;
}

Answer<void> S3Segments::make(SegmentNumber segment)
{
    if (failed_) return refuse(EIO);
    if (!listed_) {
        if (auto const known = list(); !known) return refuse(known.error());
    }
    auto const going = [segment](Doomed const& each) { return each.segment == segment; };
    if (std::ranges::any_of(doomed_, going)) clear_doomed(rules_.operation_time);
    if (index_.contains(segment) || std::ranges::any_of(doomed_, going)) return refuse(EIO);
    index_[segment];
    return {};
}

// The last one first, so that what is left is always a beginning.
Answer<void> S3Segments::delete_beyond(SegmentNumber segment, std::uint64_t bytes)
{
    auto& pieces = index_.at(segment);
    while (!pieces.empty() && pieces.back().offset >= bytes) {
        auto const answer =
            requests_.ask({.method = "DELETE", .key = key_of(segment, pieces.back().offset)}, clock_.now() + rules_.operation_time);
        if (answer.fault != 0 && answer.fault != ENOENT) return refuse_as(answer.fault);
        pieces.pop_back();
        --pieces_;
    }
    return {};
}

// Written anew under its name: until that is done the longer one is there.
Answer<void> S3Segments::shorten(SegmentNumber segment, Piece piece, std::uint64_t bytes)
{
    uploads_.push_back({.segment = segment, .offset = piece.offset});
    auto& upload = uploads_.back();
    upload.unconditional = true;
    for (std::uint64_t at = piece.offset; at < bytes;) {
        auto const length = std::min<std::uint64_t>(bytes - at, kS3WindowBytes);
        S3Ask ask{.method = "GET", .key = key_of(segment, piece.offset)};
        ask.fields.push_back(std::format("Range: bytes={}-{}", at - piece.offset, at - piece.offset + length - 1));
        ask.answer_bytes_max = length;
        ask.answer_bytes = length;
        auto const answer = requests_.ask(std::move(ask), clock_.now() + rules_.operation_time);
        if (answer.fault != 0 || answer.body.size() != length) return refuse_as(answer.fault);
        if (auto const room = make_room(answer.body.size()); !room) return room;
        feed(upload, answer.body);
        advance();
        at += length;
    }
    auto& pieces = index_.at(segment);
    pieces.pop_back();
    --pieces_;
    return settle();
}

Answer<void> S3Segments::cut(SegmentNumber segment, std::uint64_t bytes)
{
    if (failed_) return refuse(EIO);
    if (!index_.contains(segment)) return refuse(ENOENT);
    if (auto const settled = settle(); !settled) return settled;
    forget_windows(segment);
    auto done = delete_beyond(segment, bytes);
    auto const& pieces = index_.at(segment);
    if (done && !pieces.empty() && std::uint64_t{pieces.back().offset} + pieces.back().bytes > bytes)
        done = shorten(segment, pieces.back(), bytes);
    if (!done) failed_ = true;
    return done;
}

Answer<void> S3Segments::sync() { return settle(); }

void S3Segments::doom(SegmentNumber segment)
{
    Doomed doomed{.segment = segment, .keys = {}};
    for (auto const& each : index_.at(segment)) doomed.keys.push_back(key_of(segment, each.offset));
    pieces_ -= doomed.keys.size();
    doomed.headless = !index_.at(segment).empty() && index_.at(segment).front().offset != 0;
    index_.erase(segment);
    if (!doomed.keys.empty()) doomed_.push_back(std::move(doomed));
}

Answer<void> S3Segments::remove(SegmentNumber segment)
{
    if (!index_.contains(segment)) return refuse(ENOENT);
    forget_windows(segment);
    for (auto at = uploads_.begin(); at != uploads_.end();) {
        if (at->segment != segment) {
            ++at;
            continue;
        }
        // One that was begun is whole or not there; the sweep finds it.
        index_.at(segment).push_back({static_cast<std::uint32_t>(at->offset), 0});
        ++pieces_;
        if (at->call) requests_.drop(*at->call);
        writing_ -= at->call ? 1 : 0;
        for (auto& part : at->parts) {
            if (part.call) requests_.drop(*part.call);
            writing_ -= part.call ? 1 : 0;
            buffered_ -= part.bytes.size();
        }
        at = uploads_.erase(at);
    }
    doom(segment);
    clear_doomed(down_ ? std::chrono::milliseconds{} : kRemovalTime);
    return {};
}

// As far as `time` goes; the rest another time. A first piece is gone before the others are asked for.
void S3Segments::clear_doomed(std::chrono::milliseconds time)
{
    auto const until = clock_.now() + time;
    while (!doomed_.empty() && clock_.now() < until) {
        auto& doomed = doomed_.front();
        auto const count = doomed.headless ? std::min(doomed.keys.size(), kS3RequestsMax) : 1;
        std::vector<Call> calls;
        for (std::size_t i = 0; i < count; ++i) calls.push_back(requests_.start({.method = "DELETE", .key = doomed.keys[i]}, until));
        bool gone = true;
        for (auto const call : calls) {
            auto answer = requests_.take(call);
            for (; !answer; answer = requests_.take(call)) requests_.work(kTurn);
            gone = gone && (answer->fault == 0 || answer->fault == ENOENT);
        }
        if (!gone) return;  // another time, all of them once more
        doomed.headless = true;
        doomed.keys.erase(doomed.keys.begin(), doomed.keys.begin() + static_cast<std::ptrdiff_t>(count));
        if (doomed.keys.empty()) doomed_.pop_front();
    }
}

}  // namespace ocu::storage
