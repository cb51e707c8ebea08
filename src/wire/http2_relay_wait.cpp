// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http2_relay_state.h"

namespace ocu::wire {

namespace {

constexpr std::uint32_t code(Http2Error error) { return static_cast<std::uint32_t>(error); }

}  // namespace

void Http2Relay::State::soon()
{
    if (std::exchange(turn_posted_, true)) return;
    loop_.post([self = shared_from_this()] {
        self->turn_posted_ = false;
        self->turn();
    });
}

void Http2Relay::State::turn()
{
    if (mode_ == Mode::closed || turning_) return;
    auto const keep = shared_from_this();  // an owner may let go of the relay in the middle of a step
    turning_ = true;
    if (mode_ == Mode::streams && !guest_session_) finish(RelayFault::none);
    while (mode_ == Mode::streams && move_frames()) {
    }
    if (mode_ == Mode::streams) look_at_ends();
    if (mode_ == Mode::finishing) step_finish();
    turning_ = false;
    if (mode_ == Mode::closed) return;
    move_bytes();
    set_waits();
}

bool Http2Relay::State::move_frames()
{
    bool moved = feed_guest();
    if (mode_ == Mode::streams) moved |= feed_upstream();
    if (mode_ == Mode::streams) moved |= drain(*guest_session_, guest_);
    if (mode_ == Mode::streams && upstream_session_) moved |= drain(*upstream_session_, upstream_);
    return moved;
}

bool Http2Relay::State::feed_guest()
{
    auto const bytes = guest_.in();
    if (bytes.empty()) return false;
    if (!guest_broken_ && !guest_session_->feed(bytes)) {
        guest_broken_ = true;
        if (fault_ == RelayFault::none) fault_ = RelayFault::grammar;
        if (mode_ == Mode::streams) finish(fault_);
    }
    guest_.take(guest_.in().size());
    return true;
}

bool Http2Relay::State::feed_upstream()
{
    auto const bytes = upstream_.in();
    if (bytes.empty()) return false;
    if (upstream_session_ && !upstream_broken_ && !upstream_session_->feed(bytes)) upstream_broken_ = true;
    upstream_.take(upstream_.in().size());
    return true;
}

bool Http2Relay::State::drain(Http2Session& session, RelaySide& side)
{
    bool moved = false;
    while (mode_ == Mode::streams && !side.deaf() && side.waiting() < limits_.buffer_bytes_max) {
        auto const bytes = session.next();
        if (bytes.empty()) {
            if (&side == &upstream_) secret_queued_ = false;
            break;
        }
        if (&side == &upstream_ && secret_queued_) side.wipe_written();
        side.put(bytes);
        moved = true;
    }
    return moved;
}

void Http2Relay::State::look_at_ends()
{
    if (guest_.deaf() || (guest_.ended() && guest_.in().empty()))
        return streams_.empty() ? finish(RelayFault::none) : break_off(RelayFault::gone);
    if (upstream_session_) {
        bool const gone = upstream_.deaf() || (upstream_.ended() && upstream_.in().empty());
        if (gone || upstream_broken_) return upstream_lost(gone ? RelayFault::gone : RelayFault::upstream);
        // A connection error of the upstream's, or its GOAWAY after the last stream.
        if (upstream_session_->over()) return upstream_lost(RelayFault::upstream);
    }
    for (auto each = streams_.begin(); each != streams_.end();) {
        auto const id = (each++)->first;
        forget_if_over(id);
        if (mode_ != Mode::streams) return;
    }
    if (guest_session_->over()) {
        // Nothing of ours ended it, nor did the guest say that it goes: it broke the protocol.
        bool const expected = going_away_ || guest_left_ || guest_broken_;
        return finish(expected ? RelayFault::none : RelayFault::grammar);
    }
    if ((going_away_ || guest_left_) && streams_.empty() && guest_.waiting() == 0) finish(RelayFault::none);
}

void Http2Relay::State::upstream_lost(RelayFault fault)
{
    // What it said before it went has been heard; what is queued towards it goes nowhere.
    upstream_broken_ = true;
    upstream_.abort();
    auto const legs = std::exchange(by_upstream_, {});
    for (auto const& [upstream, id] : legs) {
        auto* const stream = find(id);
        if (stream == nullptr) continue;
        stream->upstream = 0;
        if (!stream->down_over)
            no_answer(id, *stream, fault);
        else
            drop_up(id, *stream);
        if (mode_ != Mode::streams) return;
    }
    upstream_session_.reset();
    go_away(RelayFault::none);
    soon();
}

void Http2Relay::State::finish(RelayFault fault)
{
    if (fault_ == RelayFault::none) fault_ = fault;
    mode_ = Mode::finishing;
    for (auto& [id, stream] : streams_) {
        stream.held.reset();
        stream.filter.reset();
        tell_done(id, stream, 0);
    }
    head_watch_.reset();
    idle_watch_.reset();
    upstream_.close();
}

// What is waiting for the guest goes out, then a while is read on: a close with unread bytes would take the answer away from it.
void Http2Relay::State::step_finish()
{
    guest_.take(guest_.in().size());
    if (!guest_.deaf() && guest_.waiting() != 0) return;
    if (!linger_begun_) {
        linger_begun_ = true;
        linger_from_ = guest_.bytes_read();
        if (!guest_.deaf()) guest_.end_writing();
        linger_watch_ = loop_.after(limits_.linger, [weak = weak_from_this()] {
            auto const self = weak.lock();
            if (!self || self->mode_ != Mode::finishing) return;
            self->guest_.close();
            self->tell_ended();
        });
    }
    if (!guest_.ended() && !guest_.deaf() && guest_.bytes_read() - linger_from_ <= limits_.linger_bytes_max) return;
    guest_.close();
    tell_ended();
}

// In the middle of something: the guest sees a reset, so that half a message does not pass for a whole one.
void Http2Relay::State::break_off(RelayFault fault)
{
    if (mode_ == Mode::closed) return;
    if (fault_ == RelayFault::none) fault_ = fault;
    guest_.abort();
    upstream_.abort();
    for (auto& [id, stream] : streams_) tell_done(id, stream, 0);
    if (mode_ != Mode::closed) tell_ended();
}

void Http2Relay::State::tell_ended()
{
    mode_ = Mode::closed;
    for (auto* const each : {&head_watch_, &idle_watch_, &sweep_watch_, &linger_watch_, &second_watch_}) each->reset();
    for (auto& [id, stream] : streams_) {
        stream.held.reset();
        stream.filter.reset();
    }
    if (auto* const owner = std::exchange(owner_, nullptr)) owner->ended(fault_, totals());
}

void Http2Relay::State::cut()
{
    if (mode_ == Mode::closed) return;
    owner_ = nullptr;
    guest_.abort();
    upstream_.abort();
    tell_ended();
}

void Http2Relay::State::move_bytes()
{
    auto const keep = shared_from_this();
    auto const moved = [weak = weak_from_this()] {
        if (auto const self = weak.lock()) self->turn();
    };
    guest_.write(keep, moved);
    upstream_.write(keep, moved);
    guest_.read(keep, moved);
    if (mode_ == Mode::streams) upstream_.read(keep, moved);
}

void Http2Relay::State::set_waits()
{
    bool const idle = mode_ == Mode::streams && streams_.empty();
    if (idle && !idle_watch_) {
        idle_watch_ = loop_.after(limits_.idle, [weak = weak_from_this()] {
            auto const self = weak.lock();
            if (!self || self->mode_ != Mode::streams) return;
            self->go_away(RelayFault::none);
            self->turn();
        });
    } else if (!idle) {
        idle_watch_.reset();
    }
    bool const waiting = guest_.waiting() != 0 || upstream_.waiting() != 0 || !streams_.empty();
    if (waiting && !sweep_watch_) {
        written_seen_[0] = guest_.bytes_written();
        written_seen_[1] = upstream_.bytes_written();
        waiting_seen_[0] = guest_.waiting() != 0;
        waiting_seen_[1] = upstream_.waiting() != 0;
        sweep_watch_ = loop_.after(limits_.stalled, [weak = weak_from_this()] {
            if (auto const self = weak.lock(); self && self->mode_ != Mode::closed) self->sweep();
        });
    }
}

// Looked at once in a while: who has had bytes waiting all the time and taken none of them does not read. That is so of a connection, and of
// a stream whose window the peer keeps shut. A stream in which nothing moves at all may do so for longer.
void Http2Relay::State::sweep()
{
    auto const keep = shared_from_this();
    sweep_watch_.reset();
    bool const guest_stalls = waiting_seen_[0] && guest_.waiting() != 0 && written_seen_[0] == guest_.bytes_written();
    bool const upstream_stalls = waiting_seen_[1] && upstream_.waiting() != 0 && written_seen_[1] == upstream_.bytes_written();
    if (guest_stalls || upstream_stalls) return break_off(RelayFault::timeout);
    for (auto& [id, stream] : streams_) {
        if (mode_ != Mode::streams) break;
        bool const still = std::exchange(stream.seen_moved, stream.moved) == stream.moved;
        bool const waits = !stream.down.empty() || (!stream.up.empty() && stream.upstream != 0);
        bool const waited = std::exchange(stream.seen_waiting, waits);
        stream.quiet_sweeps = still ? stream.quiet_sweeps + 1 : 0;
        if (stream.stage == Http2Stream::Stage::asking || !still) continue;  // while the thread decides, the time is the thread's
        if (waits && waited)
            fail_stream(id, stream, code(Http2Error::cancel));
        else if (stream.quiet_sweeps * limits_.stalled >= limits_.quiet)
            no_answer(id, stream, RelayFault::timeout);
    }
    turn();
}

}  // namespace ocu::wire
