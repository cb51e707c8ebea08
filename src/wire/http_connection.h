// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One HTTP connection: reads one request at a time, hands it over, writes what is answered, and notices at any moment that the client
// has gone or stopped reading. A table of phases; every phase has its own deadline.
//
//     handshake -> idle -> head -> body -> handling -> streaming -> (idle again, or finishing -> lingering) -> closed
//
// A read is pending in every phase, which is how a hang-up is seen while an answer is under way; bytes that arrive then are the next
// request, kept up to a bound and parsed in their turn. Where the handler takes the body in pieces, bytes are read when it asks for one.

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "wire/http.h"
#include "wire/http_message.h"
#include "wire/http_transport.h"

namespace ocu::wire {

class Connection : public std::enable_shared_from_this<Connection> {
public:
    struct Host {  // the server, as a connection sees it; outlives none of the calls
        HttpLimits limits;
        std::function<HttpResponse(HttpRefusal)> refuse;
        std::function<HttpBodyChoice(HttpRequest const&)> choose;  // may be empty
        std::function<void(HttpRequest, std::shared_ptr<HttpReply>)> handle;
        std::function<void(ConnectionId)> closed;
    };

    Connection(Loop& loop, std::shared_ptr<Host> host, std::unique_ptr<Transport> transport, ConnectionId id);

    void start();
    // Answers without reading a request, then closes: for a connection too many.
    void start_refused(HttpRefusal refusal);
    // Nobody waits for anything on it yet: in its handshake, between requests, or still reading a head.
    bool carries_nothing() const { return phase_ == Phase::handshake || phase_ == Phase::idle || phase_ == Phase::head; }
    // Ends at once. The server has forgotten this connection already.
    void shut();

    // From a reply. `number` says which request is meant; a late word about an earlier one is ignored.
    void send(std::uint64_t number, HttpResponse response);
    void begin_stream(std::uint64_t number, unsigned status, std::vector<HttpHeader> headers);
    void begin_body(std::uint64_t number, unsigned status, std::vector<HttpHeader> headers, std::uint64_t length);
    void write(std::uint64_t number, std::string chunk);
    void on_writable(std::uint64_t number, std::function<void()> handler);
    void read_body(std::uint64_t number, std::function<void(HttpPiece)> handler);
    void end(std::uint64_t number);
    void on_disconnect(std::uint64_t number, std::function<void()> handler);
    void abandoned(std::uint64_t number);

private:
    enum class Phase { handshake, idle, head, body, handling, streaming, finishing, lingering, closed };

    void enter(Phase phase);
    void read();
    void on_read(Moved moved, std::size_t size);
    void parse();
    void handle_request();
    std::shared_ptr<HttpReply> reply_for(std::uint64_t number);
    bool choose_body();
    void take_body();
    void body_failed();
    void tell_piece(HttpPiece piece);
    void tell_writable();
    void refuse(HttpRefusal refusal);
    void answer(std::string bytes);
    void enqueue(std::string bytes);
    void pump();
    void on_written(Moved moved, std::size_t size);
    void drained();
    void lose();

    Loop& loop_;
    std::shared_ptr<Host> host_;  // shared with the server and its other connections
    std::unique_ptr<Transport> transport_;
    ConnectionId id_;
    Phase phase_ = Phase::handshake;
    std::optional<RequestParser> parser_;
    std::vector<char> chunk_;
    std::string in_;
    std::deque<std::string> out_;
    std::size_t out_offset_ = 0;
    std::size_t unwritten_bytes_ = 0;
    std::size_t lingered_bytes_ = 0;
    std::uint64_t request_number_ = 0;
    bool reading_ = false;
    bool writing_ = false;
    bool answered_ = false;  // the answer to the current request is queued whole
    bool keep_alive_ = true;
    bool head_only_ = false;
    bool continued_ = false;
    bool body_open_ = false;   // a streamed body of the current request has not been read to its end
    std::optional<std::uint64_t> body_left_;  // of an answer whose length was told
    std::function<void(HttpPiece)> piece_wanted_;
    std::function<void()> writable_wanted_;
    std::function<void()> disconnected_;
    Watch deadline_;
    Watch write_deadline_;
};

}  // namespace ocu::wire
