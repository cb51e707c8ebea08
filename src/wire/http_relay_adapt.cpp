// SPDX-License-Identifier: GPL-3.0-or-later
// Messages that are shown to somebody before they go on: body in, body out, each with its own pace, and nothing of the original beside it.

#include "wire/http_relay_state.h"

namespace ocu::wire {

void HttpRelay::State::adapt_request(std::unique_ptr<BodyAdapter> adapter)
{
    if (mode_ != Mode::messages || up_ != Up::asking || request_adapter_) return;
    request_adapter_ = std::move(adapter);
    request_adapter_->on_moved([weak = weak_from_this()] {
        if (auto const self = weak.lock()) self->soon();
    });
    request_body_ = BodyReader(request_.body, BodyReader::Extensions::refused);
    request_shown_ = false;
    done_ = {};
    in_flight_ = true;
    // It waits for the upstream's leave, and the upstream hears of the request only when its body was looked at.
    if (request_.expects_continue) guest_.put("HTTP/1.1 100 Continue\r\n\r\n");
    soon();
}

bool HttpRelay::State::step_show_request()
{
    if (!request_adapter_ || request_shown_ || (up_ != Up::asking && up_ != Up::body)) return false;
    auto const before = guest_.in().size();
    std::string piece;
    guest_.take(request_body_.feed(guest_.in(), request_adapter_->room(), piece));
    done_.bytes_up += piece.size();
    if (request_body_.broken()) {
        // The upstream must not take what it has for the whole.
        upstream_.abort();
        bool const answered = down_ == Down::body || down_ == Down::held;
        up_ = Up::done;
        if (!answered) return reject(RelayFault::chunk);
        break_off(RelayFault::chunk);
        return false;
    }
    request_shown_ = request_body_.done();
    if (!piece.empty() || request_shown_) request_adapter_->feed(piece, request_shown_);
    if (!request_shown_ && guest_.ended() && guest_.in().empty()) {
        break_off(RelayFault::gone);
        return false;
    }
    return request_shown_ || guest_.in().size() != before;
}

bool HttpRelay::State::step_give_request()
{
    if (upstream_.deaf()) {
        goes_ = Goes::away;
        up_ = Up::done;
        request_adapter_.reset();
        return true;
    }
    std::string piece;
    if (upstream_.waiting() < limits_.buffer_bytes_max) piece = request_adapter_->take(limits_.buffer_bytes_max - upstream_.waiting());
    std::string framed;
    put_body(framed, request_framing_, piece);
    auto const state = request_adapter_->state();
    if (state == BodyAdapter::State::over) {
        put_body_end(framed, request_framing_);
        up_ = Up::done;
        // What is left of the original is nobody's, and where the next request begins is behind it.
        if (!request_shown_) goes_ = Goes::away;
        request_adapter_.reset();
    }
    upstream_.put(framed);
    if (state == BodyAdapter::State::broken) {
        upstream_.abort();
        up_ = Up::done;
        if (down_ == Down::head) return reject(RelayFault::adapter);
        break_off(RelayFault::adapter);
        return false;
    }
    return up_ == Up::done || !piece.empty();
}

void HttpRelay::State::adapt_response(std::unique_ptr<BodyAdapter> adapter)
{
    if (mode_ != Mode::messages || down_ != Down::held || response_adapter_) return;
    response_adapter_ = std::move(adapter);
    response_adapter_->on_moved([weak = weak_from_this()] {
        if (auto const self = weak.lock()) self->soon();
    });
    response_shown_ = false;
    soon();
}

void HttpRelay::State::answer_with(RelayResponse const& head)
{
    if (mode_ != Mode::messages || down_ != Down::held || !response_adapter_) return;
    status_ = head.status;
    response_framing_ = head.body.kind;
    guest_.put(print_response_head(head, goes_));
    down_ = Down::body;
    soon();
}

void HttpRelay::State::refuse_answer(HttpResponse const& response)
{
    if (mode_ != Mode::messages || down_ != Down::held) return;
    upstream_.abort();
    goes_ = Goes::away;
    up_ = Up::done;
    answer(response);
    (void)end_response();
    soon();
}

bool HttpRelay::State::step_show_response()
{
    if (!response_adapter_ || response_shown_ || (down_ != Down::held && down_ != Down::body)) return false;
    auto const before = upstream_.in().size();
    std::string piece;
    upstream_.take(response_body_.feed(upstream_.in(), response_adapter_->room(), piece));
    if (upstream_.ended() && upstream_.in().empty()) response_body_.ended(upstream_.ended_cleanly());
    if (response_body_.broken()) {
        if (down_ == Down::held) return no_answer(RelayFault::upstream);
        break_off(RelayFault::upstream);
        return false;
    }
    response_shown_ = response_body_.done();
    if (!piece.empty() || response_shown_) pass_down(piece, response_shown_);
    if (response_shown_) filter_.reset();
    return response_shown_ || upstream_.in().size() != before;
}

bool HttpRelay::State::step_give_response()
{
    std::string piece;
    if (guest_.waiting() < limits_.buffer_bytes_max) piece = response_adapter_->take(limits_.buffer_bytes_max - guest_.waiting());
    done_.bytes_down += piece.size();
    std::string framed;
    put_body(framed, response_framing_, piece);
    auto const state = response_adapter_->state();
    if (state == BodyAdapter::State::over) put_body_end(framed, response_framing_);
    guest_.put(framed);
    if (state == BodyAdapter::State::broken) {
        break_off(RelayFault::adapter);
        return false;
    }
    if (state == BodyAdapter::State::open) return !piece.empty();
    if (!response_shown_) {
        goes_ = Goes::away;
        upstream_.abort();
    }
    return end_response();
}

void HttpRelay::State::drop_adapters()
{
    request_adapter_.reset();
    response_adapter_.reset();
}

}  // namespace ocu::wire
