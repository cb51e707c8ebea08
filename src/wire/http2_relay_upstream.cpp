// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http2_relay_state.h"

namespace ocu::wire {

namespace {

constexpr std::uint32_t code(Http2Error error) { return static_cast<std::uint32_t>(error); }

}  // namespace

Http2Relay::State::Leg Http2Relay::State::find_upstream(Http2StreamId id)
{
    auto const found = by_upstream_.find(id);
    if (found == by_upstream_.end()) return {};
    return {found->second, find(found->second)};
}

void Http2Relay::State::UpstreamEvents::head(Http2StreamId id, Head kind, Http2Fields fields, Http2End end, Fits fits)
{
    auto const leg = state_.find_upstream(id);
    if (leg.stream == nullptr || state_.mode_ != Mode::streams) return;
    ++leg.stream->moved;
    if (fits == Fits::no) return state_.no_answer(leg.id, *leg.stream, RelayFault::upstream);
    if (kind == Head::trailers) {
        auto trailers = read_http2_trailers(fields);
        if (!trailers) return state_.no_answer(leg.id, *leg.stream, RelayFault::upstream);
        state_.owner_->response_trailers(leg.id, *trailers);
        leg.stream->down_trailers = *std::move(trailers);
        return state_.take_down(leg, {}, true);
    }
    auto response = read_http2_response(fields, end, {leg.stream->head_request, false});
    if (!response) return state_.no_answer(leg.id, *leg.stream, RelayFault::upstream);
    state_.take_answer(leg, *std::move(response), end);
}

void Http2Relay::State::take_answer(Leg leg, RelayResponse response, Http2End end)
{
    auto& stream = *leg.stream;
    if (!stream.guest_open) return;
    if (auto const refused = owner_->response(leg.id, response)) return answer(leg.id, stream, *refused);
    if (response.status / 100 == 1) {
        if (++stream.informational > limits_.informational_max) return no_answer(leg.id, stream, RelayFault::upstream);
        return guest_session_->inform(leg.id, print_http2_response(response));
    }
    stream.status = response.status;
    bool const over = end == Http2End::stream;
    stream.filter = over ? nullptr : owner_->filter(leg.id, response);
    if (stream.filter && !stream.filter->keeps_length()) response.body = {Framing::chunked, 0};
    stream.guest_told = true;
    stream.down_over = over;
    guest_session_->respond(leg.id, print_http2_response(response), over ? Http2Session::Body::none : Http2Session::Body::follows);
}

void Http2Relay::State::take_down(Leg leg, std::string_view bytes, bool last)
{
    auto& stream = *leg.stream;
    stream.moved += bytes.size();
    stream.down_owed += bytes.size();
    if (stream.filter)
        stream.filter->feed(bytes, last, stream.down.tail());
    else
        stream.down.put(bytes);
    if (last) {
        stream.down_over = true;
        stream.filter.reset();
        stream.held.reset();
    } else {
        hold(leg.id, stream);
    }
    // What was held back, or redacted, goes nowhere: its window is the upstream's again once the rest has gone.
    if (!stream.guest_open) return drop_upstream(stream, code(Http2Error::cancel));
    guest_session_->resume(leg.id);
}

// A filter's tail is not held for ever: a message may end there, and its stream go on.
void Http2Relay::State::hold(Http2StreamId id, Http2Stream& stream)
{
    if (!stream.filter) return;
    stream.held = loop_.after(limits_.held, [weak = weak_from_this(), id] {
        auto const self = weak.lock();
        auto* const found = self && self->mode_ == Mode::streams ? self->find(id) : nullptr;
        if (found == nullptr || !found->filter || !found->guest_open) return;
        found->filter->release(found->down.tail());
        found->held.reset();
        if (found->down.empty()) return;
        self->guest_session_->resume(id);
        self->turn();
    });
}

void Http2Relay::State::UpstreamEvents::data(Http2StreamId id, std::string_view bytes)
{
    auto const leg = state_.find_upstream(id);
    if (leg.stream == nullptr) return state_.upstream_session_->consume(id, bytes.size());
    state_.take_down(leg, bytes, false);
}

void Http2Relay::State::UpstreamEvents::data_over(Http2StreamId id)
{
    if (auto const leg = state_.find_upstream(id); leg.stream != nullptr) state_.take_down(leg, {}, true);
}

void Http2Relay::State::UpstreamEvents::closed(Http2StreamId id, std::uint32_t error)
{
    auto const leg = state_.find_upstream(id);
    if (leg.stream == nullptr) return;
    auto& stream = *leg.stream;
    state_.by_upstream_.erase(id);
    stream.upstream = 0;
    state_.soon();
    if (!stream.down_over) {
        if (stream.upstream_bad) return state_.no_answer(leg.id, stream, RelayFault::upstream);
        return state_.fail_stream(leg.id, stream, error == code(Http2Error::none) ? code(Http2Error::internal) : error);
    }
    // It has answered, and reads no further.
    if (stream.stage == Http2Stream::Stage::answered) return;
    stream.stage = Http2Stream::Stage::answered;
    state_.drop_up(leg.id, stream);
    if (stream.guest_open && stream.end_sent && !stream.up_over) state_.guest_session_->reset(leg.id, code(Http2Error::none));
}

void Http2Relay::State::UpstreamEvents::went_away()
{
    state_.go_away(RelayFault::none);
    state_.soon();
}

void Http2Relay::State::UpstreamEvents::broken(Http2StreamId id)
{
    if (auto const leg = state_.find_upstream(id); leg.stream != nullptr) leg.stream->upstream_bad = true;
}

// An upstream may work for nothing as little as a guest may make us.
void Http2Relay::State::UpstreamEvents::control(unsigned) {}

Http2Pull Http2Relay::State::UpstreamEvents::pull(Http2StreamId id, std::span<char> into)
{
    auto const leg = state_.find_upstream(id);
    if (leg.stream == nullptr) return {0, Http2Pull::More::over, {}};
    auto& stream = *leg.stream;
    if (stream.adapter) return state_.pull_adapted(leg, into);
    auto const size = stream.up.move_to(into);
    stream.done.bytes_up += size;
    stream.moved += size;
    state_.guest_session_->consume(leg.id, size);
    if (stream.up.empty() && stream.up_over) return {size, Http2Pull::More::over, std::move(stream.up_trailers)};
    return {size, size == 0 ? Http2Pull::More::later : Http2Pull::More::some, {}};
}

}  // namespace ocu::wire
