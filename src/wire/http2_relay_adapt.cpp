// SPDX-License-Identifier: GPL-3.0-or-later
// Requests whose body is shown to somebody before it goes on. The guest's window is opened for what the adapter has room for, so that it can
// keep back more of a body than one window.

#include <algorithm>
#include <cstring>

#include "wire/http2_relay_state.h"

namespace ocu::wire {

void Http2Relay::State::adapt_request(Http2StreamId id, std::unique_ptr<BodyAdapter> adapter)
{
    auto* const stream = find(id);
    if (mode_ != Mode::streams || stream == nullptr || stream->stage != Http2Stream::Stage::asking || stream->adapter) return;
    stream->adapter = std::move(adapter);
    stream->adapter->on_moved([weak = weak_from_this(), id] {
        if (auto const self = weak.lock()) self->adapter_moved(id);
    });
    // It waits for the upstream's leave, and the upstream hears of the request only when its body was looked at.
    RelayResponse go_on;
    go_on.status = 100;
    if (stream->expects_continue && stream->guest_open) guest_session_->inform(id, print_http2_response(go_on));
    std::string came(stream->up.size(), '\0');
    (void)stream->up.move_to(came);
    if (!came.empty() || stream->up_over) show_up(id, *stream, came, stream->up_over);
    soon();
}

void Http2Relay::State::show_up(Http2StreamId id, Http2Stream& stream, std::string_view bytes, bool last)
{
    stream.up_owed += bytes.size();
    stream.adapter->feed(bytes, last);
    pay_up(id, stream);
}

void Http2Relay::State::pay_up(Http2StreamId id, Http2Stream& stream)
{
    auto const paid = std::min(stream.up_owed, stream.adapter->room());
    stream.up_owed -= paid;
    guest_session_->consume(id, paid);
}

void Http2Relay::State::adapter_moved(Http2StreamId id)
{
    auto* const stream = mode_ == Mode::streams ? find(id) : nullptr;
    if (stream == nullptr || !stream->adapter) return;
    auto const keep = shared_from_this();
    if (stream->stage == Http2Stream::Stage::forwarded) {
        if (stream->adapter->state() == BodyAdapter::State::broken) {
            // As with HTTP/1.1, what comes after a body that broke off comes on a new connection.
            no_answer(id, *stream, RelayFault::adapter);
            go_away(RelayFault::none);
        } else if (stream->upstream != 0) {
            upstream_session_->resume(stream->upstream);
        }
    }
    turn();
}

Http2Pull Http2Relay::State::pull_adapted(Leg leg, std::span<char> into)
{
    auto& stream = *leg.stream;
    auto const piece = stream.adapter->take(into.size());
    std::memcpy(into.data(), piece.data(), piece.size());
    stream.done.bytes_up += piece.size();
    stream.moved += piece.size();
    pay_up(leg.id, stream);
    if (stream.adapter->state() == BodyAdapter::State::over) {
        guest_session_->consume(leg.id, std::exchange(stream.up_owed, 0));
        stream.adapter.reset();
        return {piece.size(), Http2Pull::More::over, std::move(stream.up_trailers)};
    }
    return {piece.size(), piece.empty() ? Http2Pull::More::later : Http2Pull::More::some, {}};
}

}  // namespace ocu::wire
