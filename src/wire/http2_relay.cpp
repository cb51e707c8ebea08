// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http2_relay.h"

#include <algorithm>
#include <cstring>

#include "wire/http2_relay_state.h"

namespace ocu::wire {

namespace {

constexpr std::uint32_t code(Http2Error error) { return static_cast<std::uint32_t>(error); }

}  // namespace

Http2Relay::Http2Relay(
    Loop& loop, std::unique_ptr<Transport> guest, std::unique_ptr<Transport> upstream, RelayLimits limits, Http2Owner& owner)
    : state_(std::make_shared<State>(loop, std::move(guest), std::move(upstream), limits, owner))
{
    state_->soon();
}

Http2Relay::~Http2Relay() { state_->cut(); }
void Http2Relay::cut() { state_->cut(); }
RelayTotals Http2Relay::totals() const { return state_->totals(); }
void Http2Relay::refuse(Http2StreamId stream, HttpResponse const& response, HttpRelay::Then then)
{
    state_->refuse(stream, response, then);
}
void Http2Relay::forward(Http2StreamId stream, RelayRequest const& request, std::string_view authority, Secret secret)
{
    state_->forward(stream, request, authority, secret);
}

void Http2Relay::adapt_request(Http2StreamId stream, std::unique_ptr<BodyAdapter> adapter)
{
    state_->adapt_request(stream, std::move(adapter));
}

std::size_t ByteQueue::move_to(std::span<char> into)
{
    auto const count = std::min(into.size(), size());
    if (count == 0) return 0;
    std::memcpy(into.data(), bytes_.data() + start_, count);
    start_ += count;
    constexpr std::size_t kCompactAt = 64u << 10;
    if (start_ == bytes_.size() || start_ >= kCompactAt) bytes_.erase(0, std::exchange(start_, 0));
    return count;
}

std::size_t ByteQueue::drop_all()
{
    auto const count = size();
    bytes_.clear();
    start_ = 0;
    return count;
}

Http2Relay::State::State(
    Loop& loop, std::unique_ptr<Transport> guest, std::unique_ptr<Transport> upstream, RelayLimits limits, Http2Owner& owner)
    : loop_(loop), limits_(limits), owner_(&owner), guest_(std::move(guest), {}), upstream_(std::move(upstream), {})
{
    // Without a session nothing is taken, and the first turn ends it.
    if (auto made = Http2Session::make(Http2Session::Side::server, guest_events_)) guest_session_ = *std::move(made);
    if (upstream_.ended()) return;
    if (auto made = Http2Session::make(Http2Session::Side::client, upstream_events_)) upstream_session_ = *std::move(made);
}

Http2Stream* Http2Relay::State::find(Http2StreamId id)
{
    auto const found = streams_.find(id);
    return found == streams_.end() ? nullptr : &found->second;
}

void Http2Relay::State::forward(Http2StreamId id, RelayRequest const& request, std::string_view authority, Secret secret)
{
    auto* const stream = find(id);
    if (mode_ != Mode::streams || stream == nullptr || stream->stage != Http2Stream::Stage::asking) return;
    stream->in_flight = true;
    stream->stage = Http2Stream::Stage::forwarded;
    soon();
    if (!stream->guest_open) return;  // it was reset while it waited; the turn says so
    bool const body = stream->adapter || !stream->up_over || !stream->up.empty() || !stream->up_trailers.empty();
    if (upstream_session_ && !upstream_broken_) {
        bool const carried = secret == Secret::carried;
        secret_queued_ = secret_queued_ || carried;
        auto fields = print_http2_request(request, authority);
        stream->upstream = upstream_session_->request(fields, body ? Http2Session::Body::follows : Http2Session::Body::none,
            carried ? Http2Session::Secret::carried : Http2Session::Secret::none);
        if (carried)
            for (auto& each : fields) ocu::wipe(std::as_writable_bytes(std::span(each.value)));
    }
    if (stream->upstream != 0)
        by_upstream_[stream->upstream] = id;
    else
        fail_stream(
            id, *stream, code(Http2Error::refused_stream));  // it went away before this was sent: the guest may ask again, elsewhere
}

void Http2Relay::State::refuse(Http2StreamId id, HttpResponse const& response, HttpRelay::Then then)
{
    auto* const stream = find(id);
    if (mode_ != Mode::streams || stream == nullptr || stream->stage != Http2Stream::Stage::asking) return;
    stream->in_flight = true;
    answer(id, *stream, response);
    if (then == HttpRelay::Then::close) go_away(RelayFault::none);
    soon();
}

// From here, whatever the upstream says or said: only where the guest has not been told anything.
void Http2Relay::State::answer(Http2StreamId id, Http2Stream& stream, HttpResponse const& response)
{
    stream.stage = Http2Stream::Stage::answered;
    drop_upstream(stream, code(Http2Error::cancel));
    drop_up(id, stream);
    if (!stream.guest_open || stream.guest_told) return;
    RelayResponse head;
    head.status = response.status;
    head.headers = response.headers;
    head.body = {Framing::length, response.body.size()};
    stream.status = response.status;
    stream.guest_told = true;
    stream.down_over = true;
    bool const body = !stream.head_request && !response.body.empty();
    if (body) stream.down.put(response.body);
    guest_session_->respond(id, print_http2_response(head), body ? Http2Session::Body::follows : Http2Session::Body::none);
}

void Http2Relay::State::reject(Http2StreamId id, Http2Stream& stream, RelayFault fault)
{
    answer(id, stream, owner_->explain(id, fault));
    go_away(fault);
}

void Http2Relay::State::no_answer(Http2StreamId id, Http2Stream& stream, RelayFault fault)
{
    if (stream.guest_told) return fail_stream(id, stream, code(Http2Error::internal));
    answer(id, stream, owner_->explain(id, fault));
}

void Http2Relay::State::fail_stream(Http2StreamId id, Http2Stream& stream, std::uint32_t error)
{
    stream.stage = Http2Stream::Stage::answered;
    drop_upstream(stream, code(Http2Error::cancel));
    drop_up(id, stream);
    stream.filter.reset();
    stream.held.reset();
    if (stream.guest_open) guest_session_->reset(id, error);
}

// The window is the guest's again, whatever became of the bytes.
void Http2Relay::State::drop_up(Http2StreamId id, Http2Stream& stream)
{
    stream.adapter.reset();
    guest_session_->consume(id, stream.up.drop_all() + std::exchange(stream.up_owed, 0));
}

void Http2Relay::State::drop_upstream(Http2Stream& stream, std::uint32_t error)
{
    auto const id = std::exchange(stream.upstream, 0);
    auto const owed = std::exchange(stream.down_owed, 0);
    by_upstream_.erase(id);
    if (!upstream_session_) return;
    upstream_session_->consume(id, owed);
    if (id != 0) upstream_session_->reset(id, error);
}

void Http2Relay::State::tell_done(Http2StreamId id, Http2Stream& stream, unsigned status)
{
    if (!std::exchange(stream.in_flight, false) || owner_ == nullptr) return;
    stream.done.status = status;
    owner_->done(id, stream.done);
}

void Http2Relay::State::forget_if_over(Http2StreamId id)
{
    auto* const stream = find(id);
    if (stream == nullptr || stream->guest_open || stream->stage == Http2Stream::Stage::asking || stream->upstream != 0) return;
    tell_done(id, *stream, 0);
    streams_.erase(id);
}

void Http2Relay::State::go_away(RelayFault fault)
{
    if (fault_ == RelayFault::none) fault_ = fault;
    if (!std::exchange(going_away_, true)) guest_session_->go_away();
}

void Http2Relay::State::spend(unsigned cost)
{
    // 500 of the larger kind in a second. A peer that sends so many wants us to work for nothing.
    constexpr unsigned kBudget = 20'000;
    spent_ += cost;
    if (!second_watch_)
        second_watch_ = loop_.after(std::chrono::seconds(1), [this] {
            spent_ = 0;
            second_watch_.reset();
        });
    if (spent_ <= kBudget || guest_broken_) return;
    if (fault_ == RelayFault::none) fault_ = RelayFault::flood;
    guest_broken_ = true;
    guest_session_->terminate(Http2Error::enhance_your_calm);
}

void Http2Relay::State::GuestEvents::head_begun()
{
    state_.head_watch_ = state_.loop_.after(state_.limits_.head, [&state = state_] {
        auto const keep = state.shared_from_this();
        state.break_off(RelayFault::timeout);
    });
}

void Http2Relay::State::GuestEvents::head(Http2StreamId id, Head kind, Http2Fields fields, Http2End end, Fits fits)
{
    state_.head_watch_.reset();
    if (state_.mode_ != Mode::streams) return;
    if (kind == Head::trailers) {
        auto* const stream = state_.find(id);
        if (stream == nullptr) return;
        auto const trailers = fits == Fits::yes ? read_http2_trailers(fields) : std::unexpected(RelayFault::too_large);
        if (!trailers || !state_.owner_->request_trailers(id, *trailers)) return state_.fail_stream(id, *stream, code(Http2Error::cancel));
        stream->up_trailers = *trailers;
        stream->up_over = true;
        ++stream->moved;
        if (stream->adapter) return state_.show_up(id, *stream, {}, true);
        if (stream->upstream != 0) state_.upstream_session_->resume(stream->upstream);
        return;
    }
    // More than the library counts: a stream that was reset while it was asked for is still somebody's work (CVE-2023-44487).
    if (state_.going_away_ || state_.streams_.size() >= kHttp2StreamsMax)
        return state_.guest_session_->reset(id, code(Http2Error::refused_stream));
    state_.idle_watch_.reset();
    state_.take_request(id, state_.streams_[id], fields, end, fits);
}

void Http2Relay::State::take_request(Http2StreamId id, Http2Stream& stream, Http2Fields const& fields, Http2End end, Http2Events::Fits fits)
{
    stream.up_over = end == Http2End::stream;
    if (fits == Http2Events::Fits::no) return reject(id, stream, RelayFault::too_large);
    auto request = read_http2_request(fields, end);
    if (!request) return reject(id, stream, request.error());
    stream.head_request = request->method == "HEAD";
    stream.expects_continue = request->expects_continue;
    owner_->request(id, *request);
}

void Http2Relay::State::GuestEvents::data(Http2StreamId id, std::string_view bytes)
{
    auto* const stream = state_.find(id);
    if (stream == nullptr || stream->stage == Http2Stream::Stage::answered) return state_.guest_session_->consume(id, bytes.size());
    stream->moved += bytes.size();
    if (stream->adapter) return state_.show_up(id, *stream, bytes, false);
    stream->up.put(bytes);
    if (stream->upstream != 0) state_.upstream_session_->resume(stream->upstream);
}

void Http2Relay::State::GuestEvents::data_over(Http2StreamId id)
{
    auto* const stream = state_.find(id);
    if (stream == nullptr) return;
    stream->up_over = true;
    if (stream->adapter) return state_.show_up(id, *stream, {}, true);
    if (stream->upstream != 0) state_.upstream_session_->resume(stream->upstream);
}

void Http2Relay::State::GuestEvents::closed(Http2StreamId id, std::uint32_t error)
{
    auto* const stream = state_.find(id);
    if (stream == nullptr) return;
    stream->guest_open = false;
    stream->filter.reset();
    stream->held.reset();
    // A request that was whole goes on to the upstream although its answer came first; any other end is the upstream's end too.
    bool const whole = error == code(Http2Error::none) && stream->up_over;
    if (!whole || stream->stage == Http2Stream::Stage::answered) {
        state_.drop_up(id, *stream);
        state_.drop_upstream(*stream, error == code(Http2Error::none) ? code(Http2Error::cancel) : error);
    }
    if (stream->stage != Http2Stream::Stage::asking) state_.tell_done(id, *stream, error == code(Http2Error::none) ? stream->status : 0);
    state_.soon();
}

// The answer is whole and nobody reads the rest of the request: the guest need not send it.
void Http2Relay::State::GuestEvents::end_sent(Http2StreamId id)
{
    auto* const stream = state_.find(id);
    if (stream == nullptr) return;
    stream->end_sent = true;
    if (!stream->up_over && stream->upstream == 0) state_.guest_session_->reset(id, code(Http2Error::none));
}

void Http2Relay::State::GuestEvents::broken(Http2StreamId)
{
    if (std::exchange(state_.guest_broken_, true)) return;
    if (state_.fault_ == RelayFault::none) state_.fault_ = RelayFault::grammar;
    state_.guest_session_->terminate(Http2Error::protocol);
}

void Http2Relay::State::GuestEvents::control(unsigned cost) { state_.spend(cost); }

Http2Pull Http2Relay::State::GuestEvents::pull(Http2StreamId id, std::span<char> into)
{
    auto* const stream = state_.find(id);
    if (stream == nullptr) return {0, Http2Pull::More::over, {}};
    auto const size = stream->down.move_to(into);
    stream->done.bytes_down += size;
    stream->moved += size;
    // A filter makes more or less of what came: the window is the upstream's again when what came of it has gone.
    auto const paid = stream->down.empty() ? stream->down_owed : std::min(size, stream->down_owed);
    stream->down_owed -= paid;
    if (state_.upstream_session_) state_.upstream_session_->consume(stream->upstream, paid);
    if (stream->down.empty() && stream->down_over) return {size, Http2Pull::More::over, std::move(stream->down_trailers)};
    return {size, size == 0 ? Http2Pull::More::later : Http2Pull::More::some, {}};
}

}  // namespace ocu::wire
