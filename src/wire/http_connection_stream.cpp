// SPDX-License-Identifier: GPL-3.0-or-later
// Bodies that nobody holds whole: a request's, taken in pieces at the pace of whoever wants them, and an answer's of a length told before.
#include <utility>

#include "wire/http_connection.h"

namespace ocu::wire {

// The head of a request with a body is whole and good. False: the connection is on another way now, refused or handed over.
bool Connection::choose_body()
{
    HttpBodyChoice choice = host_->choose(parser_->head());
    if (choice.refusal) {
        keep_alive_ = false;
        enter(Phase::handling);
        answer(response_bytes(*choice.refusal, Body::sent, KeepAlive::no));
        return false;
    }
    if (!parser_->limit_body(choice.bytes_max)) {
        refuse({413, kBodyTooLarge});
        return false;
    }
    if (choice.how == HttpBodyChoice::How::whole) return true;
    body_open_ = true;
    continued_ = false;
    keep_alive_ = parser_->keep_alive();
    HttpRequest request = parser_->take_head();
    request.connection = id_;
    head_only_ = false;
    answered_ = false;
    body_left_.reset();
    ++request_number_;
    enter(Phase::handling);
    host_->handle(std::move(request), reply_for(request_number_));
    return false;
}

void Connection::read_body(std::uint64_t number, std::function<void(HttpPiece)> handler)
{
    if (number != request_number_ || answered_ || piece_wanted_) return;
    piece_wanted_ = std::move(handler);
    if (phase_ == Phase::closed || !body_open_)
        return tell_piece({phase_ == Phase::closed ? HttpPiece::Kind::failed : HttpPiece::Kind::last});
    take_body();
}

void Connection::take_body()
{
    if (!piece_wanted_) return;  // what came ahead waits; no more than one read of it
    auto const progress = parser_->feed(in_);
    if (progress == RequestParser::Progress::refused) {
        auto const refusal = parser_->refusal();
        tell_piece({HttpPiece::Kind::failed});
        return refuse(refusal);
    }
    auto bytes = parser_->take_piece();
    bool const done = progress == RequestParser::Progress::done;
    if (done) {
        body_open_ = false;
        parser_.reset();
    }
    if (done || !bytes.empty()) {
        deadline_.reset();
        tell_piece({done ? HttpPiece::Kind::last : HttpPiece::Kind::more, std::move(bytes)});
        if (done) read();  // a hang-up is noticed from here on, as for any other request
        return;
    }
    if (parser_->expects_continue() && !std::exchange(continued_, true) && in_.empty()) enqueue(continue_bytes());
    deadline_ = loop_.after(host_->limits.body_timeout, [weak = weak_from_this()] {
        auto const self = weak.lock();
        if (!self || !self->piece_wanted_) return;
        self->tell_piece({HttpPiece::Kind::failed});
        self->refuse({408, kTimeout});
    });
    read();
}

// The client has gone in the middle of its body.
void Connection::body_failed()
{
    tell_piece({HttpPiece::Kind::failed});
    lose();
}

void Connection::tell_piece(HttpPiece piece)
{
    auto handler = std::exchange(piece_wanted_, nullptr);
    if (!handler) return;
    loop_.post([handler = std::move(handler), piece = std::move(piece)]() mutable { handler(std::move(piece)); });
}

void Connection::begin_body(std::uint64_t number, unsigned status, std::vector<HttpHeader> headers, std::uint64_t length)
{
    if (number != request_number_ || phase_ != Phase::handling || answered_) return;
    std::string head = body_head_bytes(status, headers, length, keep_alive_ && !body_open_ ? KeepAlive::yes : KeepAlive::no);
    if (head_only_) return answer(std::move(head));
    body_left_ = length;
    enter(Phase::streaming);
    enqueue(std::move(head));
}

void Connection::on_writable(std::uint64_t number, std::function<void()> handler)
{
    if (number != request_number_ || phase_ != Phase::streaming || answered_) return;
    writable_wanted_ = std::move(handler);
    tell_writable();
}

void Connection::tell_writable()
{
    if (!writable_wanted_ || unwritten_bytes_ >= kHttpAheadBytes) return;
    loop_.post(std::exchange(writable_wanted_, nullptr));
}

}  // namespace ocu::wire
