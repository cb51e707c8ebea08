// SPDX-License-Identifier: GPL-3.0-or-later
#include <algorithm>
#include <format>

#include "base/assert.h"
#include "storage/s3_answers.h"
#include "storage/s3_segments.h"
#include "wire/percent.h"

namespace ocu::storage {

namespace {

constexpr std::chrono::milliseconds kTurn{100};
constexpr std::chrono::milliseconds kTidyTime{500};
constexpr unsigned kRoundsMax = 4;  // a whole upload is begun again, or completed again, that often
constexpr long kNotImplemented = 501;

}  // namespace

Monotonic S3Segments::deadline() const { return clock_.now() + (down_ ? rules_.down_time : rules_.operation_time); }

// Where the bytes at `offset` are added: to what is gathered, or to a new piece.
S3Segments::Upload& S3Segments::upload_at(SegmentNumber segment, std::uint64_t offset)
{
    if (!uploads_.empty()) {
        auto& last = uploads_.back();
        if (!last.sealed && last.segment == segment && last.end() == offset) return last;
        seal_all();
    }
    uploads_.push_back({.segment = segment, .offset = offset});
    uploads_.back().unconditional = !conditional_;
    return uploads_.back();
}

void S3Segments::seal_all()
{
    for (auto& each : uploads_) each.sealed = true;
}

// Bytes that the store has as a part are kept only while there is room: with them an upload can be begun again.
bool S3Segments::give_up_bytes()
{
    for (auto& upload : uploads_) {
        for (auto& part : upload.parts) {
            if (!part.done || part.bytes.empty()) continue;
            buffered_ -= part.bytes.size();
            part.bytes = {};
            return true;
        }
    }
    return false;
}

Answer<void> S3Segments::make_room(std::size_t bytes)
{
    auto const until = clock_.now() + (down_ ? rules_.down_time : rules_.append_time);
    auto const fits = [&] { return buffered_ + bytes <= rules_.buffer_bytes_max && uploads_.size() < kS3UploadsMax; };
    bool asked = false;
    while (!fits()) {
        if (buffered_ + bytes > rules_.buffer_bytes_max && give_up_bytes()) continue;
        int fault = 0;
        for (auto& each : uploads_) fault = fault == 0 ? each.fault : fault;
        if (fault != 0 && asked) {
            down_ = fault == ETIMEDOUT;
            return refuse(fault == ENOSPC ? ENOSPC : EIO);
        }
        if (!std::exchange(asked, true)) {
            for (auto& each : uploads_) each.fault = 0;
        }
        if (clock_.now() >= until) {
            down_ = true;
            return refuse(EIO);
        }
        pump(kTurn);
    }
    return {};
}

void S3Segments::feed(Upload& upload, std::span<std::byte const> bytes)
{
    while (!bytes.empty()) {
        if (upload.parts.empty() || upload.parts.back().size == rules_.part_bytes) upload.parts.emplace_back();
        auto& part = upload.parts.back();
        auto const count = std::min(bytes.size(), rules_.part_bytes - part.size);
        auto const wanted = part.size + count;
        if (part.bytes.capacity() < wanted) part.bytes.reserve(std::min(rules_.part_bytes, std::max(wanted, 4 * part.size)));
        part.bytes.insert(part.bytes.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
        part.size = wanted;
        upload.size += count;
        buffered_ += count;
        bytes = bytes.subspan(count);
    }
}

Answer<void> S3Segments::append(SegmentNumber segment, std::uint64_t offset, std::span<std::byte const> bytes)
{
    if (failed_) return refuse(EIO);
    if (!index_.contains(segment)) return refuse(ENOENT);
    if (offset != end_of(segment) || offset + bytes.size() > kSegmentBytesMax) return refuse(EIO);
    if (pieces_ + uploads_.size() >= rules_.pieces_max) return refuse(ENOSPC);
    if (auto const room = make_room(bytes.size()); !room) return room;
    feed(upload_at(segment, offset), bytes);
    pump({});
    return failed_ ? refuse(EIO) : Answer<void>{};
}

Answer<void> S3Segments::settle()
{
    if (failed_) return refuse(EIO);
    if (!uploads_.empty()) {
        seal_all();
        auto const driven = drive(deadline());
        down_ = !driven && driven.error() == ETIMEDOUT;
        if (!driven) return refuse(driven.error() == ENOSPC ? ENOSPC : EIO);
    }
    if (!doomed_.empty()) clear_doomed(kTidyTime);
    return {};
}

// Until all that is sealed is stored. What fails stays, for the next time.
Answer<void> S3Segments::drive(Monotonic until)
{
    for (auto& each : uploads_) each.fault = 0;
    for (;;) {
        if (failed_) return refuse(EIO);
        int fault = 0;
        bool sealed = false;
        for (auto const& each : uploads_) {
            sealed = sealed || each.sealed;
            fault = fault == 0 ? each.fault : fault;
        }
        if (fault != 0) return refuse(fault);
        if (!sealed) return {};
        if (clock_.now() >= until) return refuse(ETIMEDOUT);
        pump(kTurn);
    }
}

void S3Segments::pump(std::chrono::milliseconds patience)
{
    advance();
    requests_.work(patience);
    collect();
    advance();
}

void S3Segments::advance()
{
    for (auto& each : uploads_) advance(each);
}

void S3Segments::advance(Upload& upload)
{
    if (upload.call || upload.fault != 0 || writing_ >= kS3RequestsMax) return;
    if (upload.multipart()) return advance_multipart(upload);
    if (!upload.sealed || upload.parts.empty()) return;
    S3Ask ask{.method = "PUT", .key = key_of(upload.segment, upload.offset)};
    if (!upload.unconditional) ask.fields.emplace_back("If-None-Match: *");
    ask.body = upload.parts.front().bytes;
    upload.call = requests_.start(std::move(ask), deadline());
    ++writing_;
}

void S3Segments::advance_multipart(Upload& upload)
{
    auto const key = key_of(upload.segment, upload.offset);
    if (upload.id.empty()) {
        upload.call = requests_.start({.method = "POST", .key = key, .query = "uploads="}, deadline());
        ++writing_;
        return;
    }
    auto const id = "uploadId=" + wire::percent_encoded(upload.id);
    bool all = upload.sealed;
    for (std::size_t i = 0; i < upload.parts.size(); ++i) {
        auto& part = upload.parts[i];
        bool const whole = part.size == rules_.part_bytes || upload.sealed;
        all = all && part.done;
        if (part.done || part.call || !whole || writing_ >= kS3RequestsMax) continue;
        S3Ask ask{.method = "PUT", .key = key, .query = std::format("partNumber={}&{}", i + 1, id)};
        ask.body = part.bytes;
        part.call = requests_.start(std::move(ask), deadline());
        ++writing_;
    }
    if (!all || writing_ >= kS3RequestsMax) return;
    std::vector<std::string> etags;
    for (auto const& each : upload.parts) etags.push_back(each.etag);
    auto words = write_s3_completion(etags);
    if (!words) {
        upload.fault = EIO;
        return;
    }
    upload.words = std::move(*words);
    S3Ask ask{.method = "POST", .key = key, .query = id};
    ask.body = std::as_bytes(std::span(upload.words));
    upload.call = requests_.start(std::move(ask), deadline());
    ++writing_;
}

void S3Segments::collect()
{
    for (auto at = uploads_.begin(); at != uploads_.end();) {
        if (!collect(*at)) {
            ++at;
            continue;
        }
        keep(*at);
        at = uploads_.erase(at);
    }
    for (auto& each : windows_) {
        if (!each.call) continue;
        if (auto answer = requests_.take(*each.call)) hear_window(each, std::move(*answer));
    }
}

// True: it is there.
bool S3Segments::collect(Upload& upload)
{
    for (auto& part : upload.parts) {
        if (!part.call) continue;
        auto const answer = requests_.take(*part.call);
        if (!answer) continue;
        part.call.reset();
        --writing_;
        hear_part(upload, part, *answer);
    }
    if (!upload.call) return false;
    auto const answer = requests_.take(*upload.call);
    if (!answer) return false;
    upload.call.reset();
    --writing_;
    if (upload.multipart() && upload.id.empty()) {
        hear_begun(upload, *answer);
        return false;
    }
    return hear_whole(upload, *answer);
}

void S3Segments::hear_begun(Upload& upload, S3Answer const& answer)
{
    auto id = answer.fault == 0 ? read_s3_upload_id(answer.body) : std::nullopt;
    if (id)
        upload.id = std::move(*id);
    else
        upload.fault = answer.fault != 0 ? answer.fault : EIO;
}

void S3Segments::hear_part(Upload& upload, Part& part, S3Answer const& answer)
{
    if (answer.fault == ENOENT) return begin_again(upload);  // it knows no such upload any more
    if (answer.fault != 0 || answer.etag.empty()) {
        upload.fault = answer.fault != 0 ? answer.fault : EIO;
        return;
    }
    part.done = true;
    part.etag = answer.etag;
}

// Of a PUT, or of what completes an upload.
bool S3Segments::hear_whole(Upload& upload, S3Answer const& answer)
{
    bool const multipart = upload.multipart();
    if (answer.fault == 0 && (!multipart || is_s3_completion(answer.body))) return true;
    if (multipart && (answer.fault == 0 || answer.fault == ENOENT)) {
        // It is there if an earlier attempt got through whose answer was lost.
        auto const there = requests_.ask({.method = "HEAD", .key = key_of(upload.segment, upload.offset)}, deadline());
        if (there.fault == 0 && there.length == static_cast<std::int64_t>(upload.size)) return true;
        if (answer.fault == ENOENT)
            begin_again(upload);
        else if (++upload.rounds > kRoundsMax)
            upload.fault = EIO;
        return false;
    }
    if (!multipart && answer.status == kNotImplemented && !upload.unconditional) {
        conditional_ = false;
        upload.unconditional = true;
        return false;
    }
    if (answer.fault == EEXIST && (answer.attempts > 1 || upload.rounds > 0)) {
        // An attempt of ours got through whose answer was lost.
        upload.unconditional = true;
        return false;
    }
    ++upload.rounds;
    upload.fault = answer.fault != 0 ? answer.fault : EIO;
    failed_ = failed_ || answer.fault == EEXIST;  // somebody else writes here
    return false;
}

void S3Segments::begin_again(Upload& upload)
{
    bool const whole = std::ranges::all_of(upload.parts, [](Part const& each) { return each.bytes.size() == each.size; });
    if (!whole || ++upload.rounds > kRoundsMax) {
        upload.fault = EIO;
        failed_ = failed_ || !whole;  // the store lost what it had taken, and nobody has it any more
        return;
    }
    for (auto& part : upload.parts) {
        if (part.call) {
            requests_.drop(*part.call);
            --writing_;
        }
        part.call.reset();
        part.done = false;
    }
    upload.id.clear();
}

// It is stored: one piece more. A small one is likely to be read soon.
void S3Segments::keep(Upload& upload)
{
    auto& pieces = index_[upload.segment];
    Piece const piece{static_cast<std::uint32_t>(upload.offset), static_cast<std::uint32_t>(upload.size)};
    pieces.insert(std::ranges::upper_bound(pieces, piece.offset, {}, &Piece::offset), piece);
    ++pieces_;
    for (auto const& part : upload.parts) buffered_ -= part.bytes.size();
    if (upload.parts.size() != 1 || upload.size > kS3WindowBytes) return;
    make_window_room(upload.size);
    windows_.push_front({.segment = upload.segment, .begin = upload.offset, .length = upload.size});
    windows_.front().bytes = std::move(upload.parts.front().bytes);
    window_bytes_ += upload.size;
}

}  // namespace ocu::storage
