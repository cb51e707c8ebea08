// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http_connection.h"

#include <utility>

namespace ocu::wire {

namespace {

constexpr std::size_t kReadChunkBytes = 16u << 10;
// After the last byte of ours: how long, and how much, we still read so that the peer gets to see it before a reset.
constexpr std::chrono::milliseconds kLingerTime{1'000};
constexpr std::size_t kLingerBytesMax = 8u << 20;
constexpr std::string_view kInternal = "internal";

// What a handler holds. The connection may be gone before it, and it may be dropped unanswered.
class Reply final : public HttpReply {
public:
    Reply(std::weak_ptr<Connection> connection, std::uint64_t number) : connection_(std::move(connection)), number_(number) {}
    ~Reply() override
    {
        if (auto const connection = connection_.lock()) connection->abandoned(number_);
    }
    Reply(Reply const&) = delete;
    Reply& operator=(Reply const&) = delete;

    void send(HttpResponse response) override
    {
        if (auto const connection = connection_.lock()) connection->send(number_, std::move(response));
    }
    void begin_stream(unsigned status, std::vector<HttpHeader> headers) override
    {
        if (auto const connection = connection_.lock()) connection->begin_stream(number_, status, std::move(headers));
    }
    void begin_body(unsigned status, std::vector<HttpHeader> headers, std::uint64_t length) override
    {
        if (auto const connection = connection_.lock()) connection->begin_body(number_, status, std::move(headers), length);
    }
    void on_writable(std::function<void()> handler) override
    {
        if (auto const connection = connection_.lock()) connection->on_writable(number_, std::move(handler));
    }
    void read_body(std::function<void(HttpPiece)> handler) override
    {
        if (auto const connection = connection_.lock()) connection->read_body(number_, std::move(handler));
    }
    void write(std::string chunk) override
    {
        if (auto const connection = connection_.lock()) connection->write(number_, std::move(chunk));
    }
    void end() override
    {
        if (auto const connection = connection_.lock()) connection->end(number_);
    }
    void on_disconnect(std::function<void()> handler) override
    {
        if (auto const connection = connection_.lock()) connection->on_disconnect(number_, std::move(handler));
    }

private:
    std::weak_ptr<Connection> connection_;
    std::uint64_t number_;
};

}  // namespace

Connection::Connection(Loop& loop, std::shared_ptr<Host> host, std::unique_ptr<Transport> transport, ConnectionId id)
    : loop_(loop), host_(std::move(host)), transport_(std::move(transport)), id_(id)
{}

void Connection::start()
{
    enter(Phase::handshake);
    transport_->handshake([self = shared_from_this()](Moved moved, std::size_t) {
        if (self->phase_ != Phase::handshake) return;
        if (moved == Moved::end) return self->lose();
        // The deadline of the handshake goes on: the first head must be whole before it.
        self->phase_ = Phase::head;
        self->parser_.emplace(self->host_->limits);
        self->read();
    });
}

void Connection::start_refused(HttpRefusal refusal)
{
    phase_ = Phase::head;
    read();
    refuse(refusal);
}

void Connection::shut()
{
    phase_ = Phase::closed;  // before handlers go: with them a reply may go, which asks
    disconnected_ = nullptr;
    piece_wanted_ = nullptr;
    writable_wanted_ = nullptr;
    deadline_.reset();
    write_deadline_.reset();
    transport_->close();
}

void Connection::enter(Phase phase)
{
    phase_ = phase;
    auto const& limits = host_->limits;
    std::chrono::milliseconds wait{0};
    switch (phase) {
    case Phase::handshake:
    case Phase::head: wait = limits.header_timeout; break;
    case Phase::idle: wait = limits.idle_timeout; break;
    case Phase::body: wait = limits.body_timeout; break;
    case Phase::lingering: wait = kLingerTime; break;
    case Phase::handling:
    case Phase::streaming:
    case Phase::finishing:
    case Phase::closed: deadline_.reset(); return;  // the handler's own time; or bounded by the write deadline
    }
    deadline_ = loop_.after(wait, [weak = weak_from_this()] {
        auto const self = weak.lock();
        if (!self) return;
        // A peer that began a request is told; an idle one is not owed a word.
        if (self->phase_ == Phase::body || (self->phase_ == Phase::head && !self->in_.empty())) return self->refuse({408, kTimeout});
        self->lose();
    });
}

void Connection::read()
{
    if (reading_ || phase_ == Phase::closed) return;
    if (body_open_ && !piece_wanted_) return;
    // What a pipelining client has sent ahead is bounded; reading goes on when its turn comes.
    bool const waiting = !body_open_ && (phase_ == Phase::handling || phase_ == Phase::streaming);
    if (waiting && in_.size() >= kReadChunkBytes) return;
    reading_ = true;
    chunk_.resize(kReadChunkBytes);
    transport_->read_some(chunk_, [self = shared_from_this()](Moved moved, std::size_t size) {
        self->reading_ = false;
        self->on_read(moved, size);
    });
}

void Connection::on_read(Moved moved, std::size_t size)
{
    if (phase_ == Phase::closed) return;
    if (moved == Moved::end) {
        if (piece_wanted_) return body_failed();
        if (phase_ == Phase::finishing) return;  // what is still to be written may reach it; the write deadline bounds that
        return lose();
    }
    if (phase_ == Phase::finishing || phase_ == Phase::lingering) {
        lingered_bytes_ += size;
        if (lingered_bytes_ > kLingerBytesMax) return lose();
        return read();
    }
    in_.append(chunk_.data(), size);
    if (body_open_) return take_body();
    if (phase_ == Phase::idle || phase_ == Phase::head || phase_ == Phase::body) parse();
    read();
}

void Connection::parse()
{
    if (in_.empty()) return;
    if (phase_ == Phase::idle) {
        parser_.emplace(host_->limits);
        enter(Phase::head);
    }
    for (;;) {
        switch (parser_->feed(in_)) {
        case RequestParser::Progress::need_more: return;
        case RequestParser::Progress::refused: return refuse(parser_->refusal());
        case RequestParser::Progress::done: return handle_request();
        case RequestParser::Progress::head_done:
            if (host_->choose && !choose_body()) return;
            enter(Phase::body);
            if (parser_->expects_continue() && in_.empty()) enqueue(continue_bytes());
            break;
        }
        if (phase_ == Phase::closed) return;
    }
}

void Connection::handle_request()
{
    keep_alive_ = parser_->keep_alive();
    HttpRequest request = parser_->take();
    parser_.reset();
    request.connection = id_;
    head_only_ = request.method == "HEAD";
    answered_ = false;
    body_left_.reset();
    ++request_number_;
    enter(Phase::handling);
    host_->handle(std::move(request), reply_for(request_number_));
}

std::shared_ptr<HttpReply> Connection::reply_for(std::uint64_t number) { return std::make_shared<Reply>(weak_from_this(), number); }

// Says why, and ends: after a breach nothing on this connection can be trusted to be framed.
void Connection::refuse(HttpRefusal refusal)
{
    keep_alive_ = false;
    HttpResponse const response = host_->refuse(refusal);
    enter(Phase::handling);
    answer(response_bytes(response, Body::sent, KeepAlive::no));
}

void Connection::answer(std::string bytes)
{
    answered_ = true;
    disconnected_ = nullptr;
    writable_wanted_ = nullptr;
    bool const unread = std::exchange(body_open_, false);
    if (unread) {  // answered before the body was read: what is left of it cannot be told from a next request
        keep_alive_ = false;
        piece_wanted_ = nullptr;
        parser_.reset();
    }
    if (!keep_alive_) enter(Phase::finishing);
    enqueue(std::move(bytes));
    if (unread) read();  // and let go of, so that who still sends it gets to see the answer
}

void Connection::send(std::uint64_t number, HttpResponse response)
{
    if (number != request_number_ || phase_ != Phase::handling || answered_) return;
    auto const keep = keep_alive_ && !body_open_ ? KeepAlive::yes : KeepAlive::no;
    answer(response_bytes(response, head_only_ ? Body::omitted : Body::sent, keep));
}

void Connection::begin_stream(std::uint64_t number, unsigned status, std::vector<HttpHeader> headers)
{
    if (number != request_number_ || phase_ != Phase::handling || answered_) return;
    std::string head = stream_head_bytes(status, headers, keep_alive_ ? KeepAlive::yes : KeepAlive::no);
    if (head_only_) return answer(std::move(head));
    enter(Phase::streaming);
    enqueue(std::move(head));
}

void Connection::write(std::uint64_t number, std::string chunk)
{
    if (number != request_number_ || phase_ != Phase::streaming || answered_ || chunk.empty()) return;
    // A reader that has let this much pile up is cut off rather than remembered for (T-06, T-02).
    if (unwritten_bytes_ > host_->limits.unwritten_bytes_max) return lose();
    if (!body_left_) return enqueue(chunk_bytes(chunk));
    if (chunk.size() > *body_left_) return lose();
    *body_left_ -= chunk.size();
    enqueue(std::move(chunk));
}

void Connection::end(std::uint64_t number)
{
    if (number != request_number_ || phase_ != Phase::streaming || answered_) return;
    if (!body_left_) return answer(last_chunk_bytes());
    if (*body_left_ != 0) return lose();
    answer({});
}

void Connection::on_disconnect(std::uint64_t number, std::function<void()> handler)
{
    if (number != request_number_ || answered_) return;
    if (phase_ == Phase::closed) return loop_.post(std::move(handler));
    disconnected_ = std::move(handler);
}

void Connection::abandoned(std::uint64_t number)
{
    if (number != request_number_ || answered_ || phase_ == Phase::closed) return;
    if (phase_ == Phase::handling) return refuse({500, kInternal});
    if (phase_ == Phase::streaming) lose();  // without the last chunk: the client sees that it was cut
}

void Connection::enqueue(std::string bytes)
{
    if (phase_ == Phase::closed) return;
    unwritten_bytes_ += bytes.size();
    if (!bytes.empty()) out_.push_back(std::move(bytes));
    if (!out_.empty()) return pump();
    // Nothing left to write: the end of a body whose bytes have all gone. Its turn comes from the loop, as after any other write.
    loop_.post([weak = weak_from_this()] {
        auto const self = weak.lock();
        if (self && self->phase_ != Phase::closed && self->out_.empty() && !self->writing_) self->drained();
    });
}

void Connection::pump()
{
    if (writing_ || out_.empty() || phase_ == Phase::closed) return;
    writing_ = true;
    write_deadline_ = loop_.after(host_->limits.write_timeout, [weak = weak_from_this()] {
        if (auto const self = weak.lock()) self->lose();
    });
    transport_->write_some(std::string_view(out_.front()).substr(out_offset_), [self = shared_from_this()](Moved moved, std::size_t size) {
        self->writing_ = false;
        self->on_written(moved, size);
    });
}

void Connection::on_written(Moved moved, std::size_t size)
{
    if (phase_ == Phase::closed) return;
    if (moved == Moved::end) return lose();
    unwritten_bytes_ -= size;
    out_offset_ += size;
    if (out_offset_ == out_.front().size()) {
        out_.pop_front();
        out_offset_ = 0;
    }
    tell_writable();
    if (!out_.empty()) return pump();
    write_deadline_.reset();
    drained();
}

void Connection::drained()
{
    if (phase_ == Phase::finishing) {
        transport_->end_writing();
        enter(Phase::lingering);
        if (!reading_) lose();  // the peer has closed its side already
        return;
    }
    if (!answered_ || (phase_ != Phase::handling && phase_ != Phase::streaming)) return;
    answered_ = false;
    enter(Phase::idle);
    parse();  // what came ahead
    read();
}

void Connection::lose()
{
    if (phase_ == Phase::closed) return;
    auto const self = shared_from_this();  // the server lets go of us below
    phase_ = Phase::closed;
    deadline_.reset();
    write_deadline_.reset();
    transport_->close();
    writable_wanted_ = nullptr;
    tell_piece({HttpPiece::Kind::failed});
    if (auto handler = std::exchange(disconnected_, nullptr)) loop_.post(std::move(handler));
    host_->closed(id_);
}

}  // namespace ocu::wire
