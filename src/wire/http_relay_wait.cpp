// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http_relay_state.h"

namespace ocu::wire {

void HttpRelay::State::soon()
{
    if (std::exchange(turn_posted_, true)) return;
    loop_.post([self = shared_from_this()] {
        self->turn_posted_ = false;
        self->turn();
    });
}

void HttpRelay::State::turn()
{
    if (mode_ == Mode::closed || turning_) return;
    auto const keep = shared_from_this();  // an owner may let go of the relay in the middle of a step
    turning_ = true;
    while (step()) {
    }
    turning_ = false;
    if (mode_ == Mode::closed) return;
    move_bytes();
    set_waits();
}

void HttpRelay::State::move_bytes()
{
    auto const keep = shared_from_this();
    auto const moved = [weak = weak_from_this()] {
        if (auto const self = weak.lock()) self->turn();
    };
    guest_.write(keep, moved);
    upstream_.write(keep, moved);
    // Reading goes on in every phase, up to a bound: that is how a side that went away is noticed.
    if (guest_.in().size() < kRelayHeadBytesMax) guest_.read(keep, moved);
    if (mode_ != Mode::finishing && upstream_.in().size() < kRelayHeadBytesMax) upstream_.read(keep, moved);
}

std::chrono::milliseconds HttpRelay::State::time_of(Wait wait) const
{
    switch (wait) {
    case Wait::head: return limits_.head;
    case Wait::idle: return limits_.idle;
    case Wait::linger: return limits_.linger;
    default: return limits_.quiet;
    }
}

void HttpRelay::State::set_waits()
{
    if (mode_ == Mode::finishing)
        set_wait(linger_begun_ ? Wait::linger : Wait::none);
    else if (mode_ == Mode::messages && up_ == Up::head)
        set_wait(guest_.in().empty() ? Wait::idle : Wait::head);
    else
        set_wait(up_ == Up::asking && !request_adapter_ ? Wait::none : Wait::quiet);  // while the thread decides, the time is the thread's
    if (!stall_watch_ && (guest_.waiting() != 0 || upstream_.waiting() != 0)) watch_stalls();
    if (filter_ && !held_watch_ && upstream_.in().empty()) {
        held_watch_ = loop_.after(limits_.held, [weak = weak_from_this()] {
            auto const self = weak.lock();
            if (!self || self->mode_ == Mode::closed || !self->filter_) return;
            self->held_watch_.reset();
            std::string piece;
            self->filter_->release(piece);
            if (piece.empty()) return;
            self->give_down(piece, false);
            self->turn();
        });
    } else if (!filter_ || !upstream_.in().empty()) {
        held_watch_.reset();
    }
}

void HttpRelay::State::set_wait(Wait wait)
{
    if (wait == wait_) return;
    wait_ = wait;
    wait_watch_.reset();
    if (wait == Wait::none) return;
    progress_seen_ = guest_.progress() + upstream_.progress();
    wait_watch_ = loop_.after(time_of(wait), [weak = weak_from_this()] {
        if (auto const self = weak.lock()) self->expired();
    });
}

void HttpRelay::State::expired()
{
    auto const keep = shared_from_this();
    auto const wait = std::exchange(wait_, Wait::none);
    bool const moved = progress_seen_ != guest_.progress() + upstream_.progress();
    switch (wait) {
    case Wait::none: return;
    case Wait::idle: finish(RelayFault::none); break;
    case Wait::head: reject(RelayFault::timeout); break;
    case Wait::linger:
        guest_.close();
        tell_ended();
        break;
    case Wait::quiet:
        if (moved) break;  // and wait again
        if (mode_ == Mode::messages && down_ == Down::head)
            no_answer(RelayFault::timeout);
        else
            break_off(RelayFault::timeout);
        break;
    }
    turn();
}

// Looked at once in a while: who has had bytes waiting all the time and taken none of them does not read.
void HttpRelay::State::watch_stalls()
{
    written_seen_[0] = guest_.bytes_written();
    written_seen_[1] = upstream_.bytes_written();
    stall_watch_ = loop_.after(limits_.stalled, [weak = weak_from_this()] {
        auto const self = weak.lock();
        if (!self || self->mode_ == Mode::closed) return;
        self->stall_watch_.reset();
        bool const guest_stalls = self->guest_.waiting() != 0 && self->written_seen_[0] == self->guest_.bytes_written();
        bool const upstream_stalls = self->upstream_.waiting() != 0 && self->written_seen_[1] == self->upstream_.bytes_written();
        if (guest_stalls || upstream_stalls) return self->break_off(RelayFault::timeout);
        if (self->guest_.waiting() != 0 || self->upstream_.waiting() != 0) self->watch_stalls();
    });
}

}  // namespace ocu::wire
