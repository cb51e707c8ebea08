// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http_relay_side.h"

#include <algorithm>

#include "base/secret.h"

namespace ocu::wire {

namespace {

constexpr std::size_t kCompactAt = 32u << 10;

void wipe_text(std::string& text) { wipe(std::as_writable_bytes(std::span(text))); }

}  // namespace

RelaySide::RelaySide(std::unique_ptr<Transport> transport, std::string already)
    : transport_(std::move(transport)), in_(std::move(already)), bytes_read_(in_.size()), ended_(!transport_), deaf_(!transport_)
{}

void RelaySide::read(std::shared_ptr<void> const& keep, std::function<void()> const& moved)
{
    if (reading_ || ended_) return;
    if (!chunk_) chunk_ = std::make_unique_for_overwrite<char[]>(kReadBytes);
    reading_ = true;
    transport_->read_some({chunk_.get(), kReadBytes}, [this, keep, moved](Moved what, std::size_t size) {
        reading_ = false;
        if (what == Moved::end) {
            ended_ = true;
        } else {
            bytes_read_ += size;
            in_.append(chunk_.get(), size);
        }
        moved();
    });
}

void RelaySide::write(std::shared_ptr<void> const& keep, std::function<void()> const& moved)
{
    if (writing_ || deaf_ || out_.empty()) return;
    flight_.swap(out_);
    sent_ = 0;
    writing_ = true;
    send(keep, moved);
}

void RelaySide::send(std::shared_ptr<void> const& keep, std::function<void()> const& moved)
{
    transport_->write_some(std::string_view(flight_).substr(sent_), [this, keep, moved](Moved what, std::size_t size) {
        sent_ += size;
        bytes_written_ += size;
        if (what == Moved::end) {
            deaf_ = true;
            writing_ = false;
            if (wiping_) wipe_text(out_);
            out_.clear();
            forget_flight();
        } else if (sent_ == flight_.size()) {
            writing_ = false;
            forget_flight();
        } else if (!deaf_) {
            return send(keep, moved);
        }
        moved();
    });
}

void RelaySide::forget_flight()
{
    if (wiping_) wipe_text(flight_);
    wiping_ = wiping_ && !out_.empty();
    flight_.clear();
    sent_ = 0;
}

void RelaySide::take(std::size_t size)
{
    in_start_ += size;
    if (in_start_ == in_.size()) {
        in_.clear();
        in_start_ = 0;
    } else if (in_start_ >= kCompactAt) {
        in_.erase(0, in_start_);
        in_start_ = 0;
    }
}

void RelaySide::put(std::string_view bytes)
{
    if (deaf_) return;
    if (wiping_ && out_.capacity() - out_.size() < bytes.size()) {
        // Growing would leave a copy behind.
        std::string larger;
        larger.reserve((out_.size() + bytes.size()) * 2);
        larger.append(out_);
        wipe_text(out_);
        out_ = std::move(larger);
    }
    out_.append(bytes);
}

void RelaySide::end_writing()
{
    if (transport_) transport_->end_writing();
}

void RelaySide::close()
{
    if (transport_) transport_->close();
    ended_ = deaf_ = true;
}

void RelaySide::abort()
{
    if (transport_) transport_->abort();
    ended_ = deaf_ = true;
}

}  // namespace ocu::wire
