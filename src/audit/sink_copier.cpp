// SPDX-License-Identifier: GPL-3.0-or-later
#include "audit/sink_copier.h"

#include <algorithm>

#include "audit/reading.h"
#include "base/log.h"

namespace ocu::audit {

using proto::SinkHealth;

namespace {

std::int64_t time_of(std::string_view record)
{
    auto const read = read_record(record);
    return read ? read->time.time_since_epoch().count() : 0;
}

}  // namespace

SinkCopier::SinkCopier(Clock const& clock, SinkCarrier& carrier, SinkPosition from, bool damaged, Calls calls)
    : clock_(clock), carrier_(carrier), calls_(std::move(calls)), position_(from), damaged_(damaged), checking_(from.position != 0),
      next_(from.position), segment_(from.segment)
{
    carrier_.when_lost([this] { lost(); });
}

// AU-6: a position that the log does not bear out is of no use, and what it would leave out was perhaps never delivered.
void SinkCopier::begin_again()
{
    log::warning("the position of a sink is not one of this log: it begins at the beginning");
    damaged_ = true;
    checking_ = false;
    position_ = {};
    rewind();
}

void SinkCopier::rewind()
{
    reader_.reset();
    wants_segment_ = wants_socket_ = false;
    batch_ = {};
    settling_.clear();
    next_ = position_.position;
    segment_ = position_.segment;
}

proto::SinkReport SinkCopier::tick(std::uint64_t size)
{
    size_ = size;
    if (checking_ && size_ < position_.position) begin_again();
    settle();
    turn();
    return report();
}

proto::SinkReport SinkCopier::report()
{
    proto::SinkReport report;
    report.position = checking_ ? 0 : position_.position;
    report.health = health_;
    report.word = wire::Text<32>::cut(word_);
    report.status = status_;
    report.oldest_ms = oldest_ms();
    report.damaged = !checking_ && std::exchange(damaged_, false);
    report.wants_segment = wants_segment_;
    report.segment = segment_;
    report.wants_socket = wants_socket_;
    return report;
}

std::int64_t SinkCopier::oldest_ms() const
{
    if (!settling_.empty()) return settling_.front().reached.oldest_ms;
    return batch_.count != 0 ? reached_.oldest_ms : 0;
}

void SinkCopier::segment(UniqueFd file, std::uint64_t number)
{
    if (!wants_segment_ || number < segment_) return;
    wants_segment_ = false;
    auto reader = SegmentReader::open(std::move(file), number);
    if (number > segment_) {
        // What was before it was removed by age. A sink that is new begins with what there is; none goes on behind a gap.
        if (checking_) return begin_again();
        if (next_ != 0 || !reader) return fail(SinkHealth::failing, "log_damaged", 0);
        position_ = {reader->index(), number, {}};
        next_ = position_.position;
        segment_ = number;
    }
    if (!reader || reader->index() > next_) {
        if (checking_) return begin_again();
        return fail(SinkHealth::failing, "log_damaged", 0);
    }
    reader_ = *std::move(reader);
    seek();
    turn();
}

// To the record that is next; on the way past the last that was delivered, whose hash is known.
void SinkCopier::seek()
{
    while (reader_->index() < next_) {
        auto const frame = reader_->next(next_);
        bool const last = reader_->index() == next_;
        bool const good = frame && *frame && (!checking_ || !last || (*frame)->leaf == position_.last);
        if (good) continue;
        reader_.reset();
        return checking_ ? begin_again() : fail(SinkHealth::failing, "log_damaged", 0);
    }
    // A position is in the segment of the last record that was delivered, so it was passed.
    checking_ = false;
}

void SinkCopier::not_given(proto::SinkNotGiven const& why)
{
    if (!why.socket) {
        if (!std::exchange(wants_segment_, false)) return;
        if (checking_) return begin_again();
        return fail(SinkHealth::failing, "log_unreadable", 0);
    }
    if (std::exchange(wants_socket_, false)) fail(SinkHealth::failing, why.why.view(), 0);
}

void SinkCopier::turn()
{
    if (under_way_) return;
    collect();
    if (batch_.count == 0 || clock_.now() < not_before_) return;
    if (carrier_.wants_socket()) {
        wants_socket_ = true;
        return;
    }
    start();
}

void SinkCopier::collect()
{
    while ((next_ < size_ || checking_) && !is_full() && !wants_segment_) {
        if (!reader_) {
            wants_segment_ = failures_ == 0 || clock_.now() >= not_before_;
            return;
        }
        auto const frame = reader_->next(size_);
        if (!frame) return fail(SinkHealth::failing, "log_damaged", 0);
        if (!*frame) {
            reader_.reset();
            ++segment_;
            continue;
        }
        take(**frame);
    }
}

void SinkCopier::take(Frame const& frame)
{
    if (batch_.count == 0) {
        batch_.before = next_;
        reached_.oldest_ms = time_of(frame.record);
    }
    ++next_;
    ++batch_.count;
    batch_.bytes += calls_.render(next_, frame.record);
    reached_.position = {next_, segment_, frame.leaf};
}

void SinkCopier::socket(UniqueFd socket)
{
    if (!std::exchange(wants_socket_, false) || under_way_ || batch_.count == 0) return;
    under_way_ = true;
    carrier_.carry(batch_, std::move(socket), [this](SinkOutcome const& outcome) { carried(outcome); });
}

void SinkCopier::start()
{
    under_way_ = true;
    carrier_.carry(batch_, {}, [this](SinkOutcome const& outcome) { carried(outcome); });
}

void SinkCopier::carried(SinkOutcome const& outcome)
{
    under_way_ = false;
    bool const good = outcome.health == SinkHealth::delivering;
    if (std::exchange(lost_meanwhile_, false)) return fail(SinkHealth::failing, good ? "closed" : outcome.word, outcome.status);
    if (!good) return fail(outcome.health, outcome.word, outcome.status);
    if (!is_full()) not_before_ = clock_.now() + kSinkLinger;
    settling_.push_back({batch_.before, reached_, clock_.now() + outcome.settles});
    batch_ = {};
    settle();
    turn();
}

void SinkCopier::settle()
{
    while (!settling_.empty() && settling_.front().due <= clock_.now()) {
        if (settling_.front().before != position_.position) return rewind();
        position_ = settling_.front().reached.position;
        settling_.pop_front();
        calls_.keep(position_);
        health_ = SinkHealth::delivering;
        word_.clear();
        status_ = 0;
        failures_ = 0;
    }
}

// What had not settled is delivered again: it may not have arrived.
void SinkCopier::lost()
{
    bool const missing = !settling_.empty();
    settling_.clear();
    lost_meanwhile_ = under_way_;  // also of one that was just said to have arrived
    if (missing && !under_way_) fail(SinkHealth::failing, "closed", 0);
}

void SinkCopier::fail(SinkHealth health, std::string_view word, std::uint16_t status)
{
    health_ = health;
    word_ = word;
    status_ = status;
    auto const first = health == SinkHealth::refused ? kSinkBackOffRefused : kSinkBackOffFirst;
    auto const full = std::min<std::chrono::milliseconds>(first * (1u << std::min(failures_, 9u)), kSinkBackOffMax);
    ++failures_;
    auto const half = static_cast<std::uint64_t>(full.count()) / 2;
    not_before_ = clock_.now() + std::chrono::milliseconds(half + calls_.random() % (half + 1));
    if (batch_.before != position_.position || batch_.count == 0) rewind();
}

}  // namespace ocu::audit
