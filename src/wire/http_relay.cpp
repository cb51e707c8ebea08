// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http_relay.h"

#include "base/assert.h"
#include "wire/http_message.h"
#include "wire/http_relay_state.h"

namespace ocu::wire {

HttpRelay::HttpRelay(Loop& loop, std::unique_ptr<Transport> guest, std::unique_ptr<Transport> upstream, std::string already,
    RelayLimits limits, RelayOwner& owner)
    : state_(std::make_shared<State>(loop, std::move(guest), std::move(upstream), std::move(already), limits, owner))
{
    state_->soon();
}

HttpRelay::~HttpRelay() { state_->cut(); }
void HttpRelay::cut() { state_->cut(); }
RelayTotals HttpRelay::totals() const { return state_->totals(); }
void HttpRelay::set_upstream(std::unique_ptr<Transport> upstream) { state_->set_upstream(std::move(upstream)); }
void HttpRelay::refuse(HttpResponse const& response, Then then) { state_->refuse(response, then); }
void HttpRelay::adapt_request(std::unique_ptr<BodyAdapter> adapter) { state_->adapt_request(std::move(adapter)); }
void HttpRelay::adapt_response(std::unique_ptr<BodyAdapter> adapter) { state_->adapt_response(std::move(adapter)); }
void HttpRelay::answer_with(RelayResponse const& head) { state_->answer_with(head); }
void HttpRelay::refuse_answer(HttpResponse const& response) { state_->refuse_answer(response); }
void HttpRelay::forward(RelayRequest const& request, std::string_view authority, Secret secret, Then then)
{
    state_->forward(request, authority, secret, then);
}

HttpRelay::State::State(Loop& loop, std::unique_ptr<Transport> guest, std::unique_ptr<Transport> upstream, std::string already,
    RelayLimits limits, RelayOwner& owner)
    : loop_(loop), limits_(limits), owner_(&owner), guest_(std::move(guest), std::move(already)), upstream_(nullptr, {})
{
    if (upstream) set_upstream(std::move(upstream));
}

void HttpRelay::State::set_upstream(std::unique_ptr<Transport> upstream)
{
    if (std::exchange(has_upstream_, true)) return;
    upstream_ = RelaySide(std::move(upstream), {});
}

void HttpRelay::State::forward(RelayRequest const& request, std::string_view authority, Secret secret, Then then)
{
    if (mode_ != Mode::messages || up_ != Up::asking) return;
    // Bytes that nobody asked for would be taken for this request's answer: the two sides no longer agree on what was said (smuggling).
    if (!upstream_.in().empty()) {
        up_ = Up::done;
        done_ = {};
        in_flight_ = true;
        reject(RelayFault::upstream);
        return soon();
    }
    if (secret == Secret::carried) upstream_.wipe_written();
    auto head = print_request_head(request, authority);
    upstream_.put(head);
    if (secret == Secret::carried) ocu::wipe(std::as_writable_bytes(std::span(head)));
    request_framing_ = request.body.kind;
    if (!request_adapter_) {
        request_body_ = BodyReader(request.body, BodyReader::Extensions::refused);
        done_ = {};
    }
    goes_ = request_.keep_alive && then == Then::go_on ? Goes::on : Goes::away;
    up_ = Up::body;
    down_ = Down::head;
    informational_ = 0;
    in_flight_ = true;
    soon();
}

void HttpRelay::State::refuse(HttpResponse const& response, Then then)
{
    if (mode_ != Mode::messages || up_ != Up::asking) return;
    // With a body on its way, or one that a client holds back until it is told to go on, only a new connection is sure to be in step.
    bool const clean = request_.body.kind == Framing::none || request_.body == BodyFraming{Framing::length, 0};
    goes_ = request_.keep_alive && clean && then == Then::go_on ? Goes::on : Goes::away;
    if (!request_adapter_) done_ = {};
    request_adapter_.reset();
    in_flight_ = true;
    up_ = Up::done;
    answer(response);
    down_ = Down::done;
    soon();
}

void HttpRelay::State::answer(HttpResponse const& response)
{
    status_ = response.status;
    guest_.put(response_bytes(
        response, request_.method == "HEAD" ? Body::omitted : Body::sent, goes_ == Goes::on ? KeepAlive::yes : KeepAlive::no));
}

bool HttpRelay::State::step()
{
    if (mode_ == Mode::closed) return false;
    if (mode_ == Mode::finishing) return step_finish();
    if (guest_.deaf()) {
        break_off(RelayFault::gone);
        return false;
    }
    if (mode_ == Mode::tunnel) return step_tunnel();
    return step_request_head() || step_show_request() || step_request_body() || step_response_head() || step_show_response() ||
           step_response_body() || step_next();
}

bool HttpRelay::State::step_request_head()
{
    if (up_ != Up::head) return false;
    auto const bytes = guest_.in();
    bool const idle_end = guest_.ended() || (has_upstream_ && upstream_.ended() && requests_ != 0);
    if (bytes.empty()) {
        if (idle_end) finish(RelayFault::none);
        return idle_end;
    }
    auto const end = find_head_end(bytes);
    if (!end) return reject(end.error());
    if (*end == 0) {
        if (guest_.ended()) finish(RelayFault::gone);
        return guest_.ended();
    }
    auto request = read_request_head(bytes.substr(0, *end));
    if (!request) return reject(request.error());
    guest_.take(*end);
    request_ = *std::move(request);
    up_ = Up::asking;
    ++requests_;
    owner_->request(request_);
    return true;
}

bool HttpRelay::State::step_request_body()
{
    if (up_ != Up::body) return false;
    if (request_adapter_) return step_give_request();
    // An upstream that no longer listens may have answered already: what is left of the body is nobody's.
    if (upstream_.deaf()) {
        goes_ = Goes::away;
        up_ = Up::done;
        return true;
    }
    auto const before = guest_.in().size();
    std::string piece;
    if (upstream_.waiting() < limits_.buffer_bytes_max)
        guest_.take(request_body_.feed(guest_.in(), limits_.buffer_bytes_max - upstream_.waiting(), piece));
    done_.bytes_up += piece.size();
    std::string framed;
    put_body(framed, request_framing_, piece);
    if (request_body_.done()) {
        put_body_end(framed, request_framing_);
        up_ = Up::done;
    }
    upstream_.put(framed);
    if (request_body_.broken()) {
        // The upstream must not take what it has for the whole.
        upstream_.abort();
        up_ = Up::done;
        if (down_ == Down::head) return reject(RelayFault::chunk);
        break_off(RelayFault::chunk);
        return false;
    }
    if (up_ == Up::body && guest_.ended() && guest_.in().empty()) {
        break_off(RelayFault::gone);
        return false;
    }
    return up_ == Up::done || guest_.in().size() != before;
}

bool HttpRelay::State::step_response_head()
{
    if (down_ != Down::head) return false;
    auto const bytes = upstream_.in();
    auto const end = find_head_end(bytes);
    if (!end) return no_answer(RelayFault::upstream);
    if (*end == 0) {
        if (!upstream_.ended()) return false;
        return no_answer(bytes.empty() ? RelayFault::gone : RelayFault::upstream);
    }
    auto response = read_response_head(bytes.substr(0, *end), {request_.method == "HEAD", request_.websocket});
    if (!response) return no_answer(RelayFault::upstream);
    upstream_.take(*end);
    return take_response(*std::move(response));
}

bool HttpRelay::State::take_response(RelayResponse response)
{
    if (auto const refused = owner_->response(response)) {
        upstream_.abort();
        goes_ = Goes::away;
        up_ = Up::done;
        answer(*refused);
        return end_response();
    }
    if (response.status / 100 == 1 && !response.websocket) {
        if (++informational_ > limits_.informational_max) return no_answer(RelayFault::upstream);
        guest_.put(print_response_head(response, Goes::on));
        return true;
    }
    status_ = response.status;
    if (!response.keep_alive || up_ != Up::done || upstream_.ended()) goes_ = Goes::away;
    response_body_ = BodyReader(response.body, BodyReader::Extensions::dropped);
    bool const has_body = response.body.kind != Framing::none;
    filter_ = has_body || response.websocket ? owner_->filter(response) : nullptr;
    if (response.body.kind == Framing::until_close || (response.body.kind == Framing::length && filter_ && !filter_->keeps_length()))
        response.body = {Framing::chunked, 0};
    if (!response.websocket && owner_->holds(response)) {
        down_ = Down::held;
        return true;
    }
    response_framing_ = response.body.kind;
    guest_.put(print_response_head(response, goes_));
    down_ = Down::body;
    if (response.websocket) mode_ = Mode::tunnel;
    return true;
}

void HttpRelay::State::pass_down(std::string_view piece, bool last)
{
    std::string filtered;
    if (filter_) {
        filter_->feed(piece, last, filtered);
        piece = filtered;
    }
    give_down(piece, last);
}

void HttpRelay::State::give_down(std::string_view piece, bool last)
{
    if (response_adapter_) return response_adapter_->feed(piece, last);
    done_.bytes_down += piece.size();
    if (mode_ == Mode::tunnel) return guest_.put(piece);
    std::string framed;
    put_body(framed, response_framing_, piece);
    guest_.put(framed);
}

bool HttpRelay::State::step_response_body()
{
    if (down_ != Down::body) return false;
    if (response_adapter_) return step_give_response();
    auto const before = upstream_.in().size();
    std::string piece;
    if (guest_.waiting() < limits_.buffer_bytes_max)
        upstream_.take(response_body_.feed(upstream_.in(), limits_.buffer_bytes_max - guest_.waiting(), piece));
    if (upstream_.ended() && upstream_.in().empty()) response_body_.ended(upstream_.ended_cleanly());
    pass_down(piece, response_body_.done());
    if (response_body_.broken()) {
        break_off(RelayFault::upstream);
        return false;
    }
    if (response_body_.done()) {
        std::string end;
        put_body_end(end, response_framing_);
        guest_.put(end);
        return end_response();
    }
    return upstream_.in().size() != before;
}

bool HttpRelay::State::end_response()
{
    down_ = Down::done;
    filter_.reset();
    drop_adapters();
    if (up_ != Up::done) {
        // Answered before its request was whole: the rest of it is not waited for.
        goes_ = Goes::away;
        up_ = Up::done;
        upstream_.abort();
    }
    return true;
}

bool HttpRelay::State::step_next()
{
    if (up_ != Up::done || down_ != Down::done) return false;
    tell_done(status_);
    if (mode_ == Mode::closed) return false;
    up_ = Up::head;
    down_ = Down::idle;
    request_ = {};
    if (goes_ == Goes::away) finish(RelayFault::none);
    return true;
}

bool HttpRelay::State::step_tunnel()
{
    auto const before = guest_.in().size() + upstream_.in().size();
    if (upstream_.waiting() < limits_.buffer_bytes_max && !guest_.in().empty()) {
        done_.bytes_up += guest_.in().size();
        upstream_.put(guest_.in());
        guest_.take(guest_.in().size());
    }
    if (guest_.waiting() < limits_.buffer_bytes_max && !upstream_.in().empty()) {
        pass_down(upstream_.in(), false);
        upstream_.take(upstream_.in().size());
    }
    bool const up_over = guest_.ended() && guest_.in().empty(), down_over = upstream_.ended() && upstream_.in().empty();
    if (up_over && !std::exchange(end_said_[0], true)) {
        if (upstream_.waiting() == 0)
            upstream_.end_writing();
        else
            end_said_[0] = false;
    }
    if (down_over || upstream_.deaf()) {
        if (!std::exchange(end_said_[1], true)) pass_down({}, true);
        filter_.reset();
        tell_done(status_);
        if (mode_ == Mode::closed) return false;
        finish(RelayFault::none);
        return true;
    }
    return guest_.in().size() + upstream_.in().size() != before;
}

// No answer came, or none that is understood. A later request on a connection may have met its ordinary end.
bool HttpRelay::State::no_answer(RelayFault fault)
{
    upstream_.abort();
    goes_ = Goes::away;
    up_ = Up::done;
    if (fault == RelayFault::gone && requests_ > 1) {
        tell_done(0);
        if (mode_ != Mode::closed) finish(RelayFault::none);
        return true;
    }
    fault_ = fault;
    answer(owner_->explain(fault));
    return end_response();
}

// A request that is not taken: said, and the connection ends, since nobody knows where the next one would begin.
bool HttpRelay::State::reject(RelayFault fault)
{
    goes_ = Goes::away;
    answer(owner_->explain(fault));
    if (in_flight_) tell_done(status_);
    if (mode_ != Mode::closed) finish(fault);
    return true;
}

void HttpRelay::State::tell_done(unsigned status)
{
    if (!std::exchange(in_flight_, false)) return;
    done_.status = status;
    owner_->done(done_);
}

void HttpRelay::State::finish(RelayFault fault)
{
    if (fault_ == RelayFault::none) fault_ = fault;
    mode_ = Mode::finishing;
    drop_adapters();
    upstream_.close();
    wait_ = Wait::none;
    wait_watch_.reset();
    held_watch_.reset();
}

// What is waiting for the guest goes out, then a while is read on: a close with unread bytes would take the answer away from it.
bool HttpRelay::State::step_finish()
{
    guest_.take(guest_.in().size());
    if (!guest_.deaf() && guest_.waiting() != 0) return false;
    if (!linger_begun_) {
        linger_begun_ = true;
        linger_from_ = guest_.bytes_read();
        if (!guest_.deaf()) guest_.end_writing();
    }
    if (!guest_.ended() && !guest_.deaf() && guest_.bytes_read() - linger_from_ <= limits_.linger_bytes_max) return false;
    guest_.close();
    tell_ended();
    return false;
}

// In the middle of something: the guest sees a reset, so that half a message does not pass for a whole one.
void HttpRelay::State::break_off(RelayFault fault)
{
    fault_ = fault;
    guest_.abort();
    upstream_.abort();
    tell_done(0);
    if (mode_ != Mode::closed) tell_ended();
}

void HttpRelay::State::tell_ended()
{
    mode_ = Mode::closed;
    wait_watch_.reset();
    stall_watch_.reset();
    held_watch_.reset();
    filter_.reset();
    drop_adapters();
    if (auto* const owner = std::exchange(owner_, nullptr)) owner->ended(fault_, totals());
}

void HttpRelay::State::cut()
{
    if (mode_ == Mode::closed) return;
    owner_ = nullptr;
    guest_.abort();
    upstream_.abort();
    in_flight_ = false;
    tell_ended();
}

}  // namespace ocu::wire
