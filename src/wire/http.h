// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The one HTTP/1.1 server of the house: Boost.Beast over TCP or a unix socket, with or without TLS 1.3 (wolfSSL). Runs in front
// helpers only. Everything is bounded before it is buffered; a breach is answered here with a typed error and never reaches the handler.
// Threading: the loop's thread.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/id.h"
#include "base/secret.h"
#include "base/unique_fd.h"
#include "wire/loop.h"

namespace ocu::wire {

struct HttpHeader {
    std::string name;
    std::string value;
};

struct HttpRequest {
    ConnectionId connection;  // numbered by this server
    std::string method;
    std::string target;  // origin-form, as received
    std::vector<HttpHeader> headers;
    std::string body;

    // First value of that name, case-insensitive; empty if absent.
    std::string_view header(std::string_view name) const;
    std::size_t count(std::string_view name) const;
    std::string_view path() const;   // target up to '?'
    std::string_view query() const;  // after '?', or empty
};

struct HttpResponse {
    unsigned status = 200;
    std::vector<HttpHeader> headers{};
    std::string body{};
    std::string refused_as{};  // the stable code, where this answer refuses: for the record, never sent
};

// A piece of a streamed request body. `failed`: the client has gone, was too slow, or broke the rules; it has been answered where it could be.
struct HttpPiece {
    enum class Kind { more, last, failed };
    Kind kind = Kind::more;
    std::string bytes{};  // at most kHttpPieceBytesMax; may be empty with `last`
};
inline constexpr std::size_t kHttpPieceBytesMax = 128u << 10;

// One request's way to answer, once, now or later, on the loop's thread. Dropping it unanswered answers 500.
class HttpReply {
public:
    virtual ~HttpReply() = default;
    virtual void send(HttpResponse response) = 0;
    // Opens a streamed body (chunked): for server-sent events. Then write() any number of times and end().
    virtual void begin_stream(unsigned status, std::vector<HttpHeader> headers) = 0;
    // Opens a streamed body of exactly `length` bytes. Writing more, or ending before, cuts the connection: the client sees that it is not whole.
    virtual void begin_body(unsigned status, std::vector<HttpHeader> headers, std::uint64_t length) = 0;
    virtual void write(std::string chunk) = 0;
    virtual void end() = 0;
    // Calls `handler` once, later, when so little of what was written waits for the client that more is welcome: kHttpAheadBytes.
    virtual void on_writable(std::function<void()> handler) = 0;
    // Of a request whose body is streamed: asks for the next piece, once, later. Nothing is read from the client while nobody asks.
    virtual void read_body(std::function<void(HttpPiece)> handler) = 0;
    // Called once if the client goes away before the answer is complete. Also while no byte is expected from it.
    virtual void on_disconnect(std::function<void()> handler) = 0;
};

inline constexpr std::size_t kHttpAheadBytes = 128u << 10;

using HttpHandler = std::function<void(HttpRequest, std::shared_ptr<HttpReply>)>;

struct HttpLimits {
    std::size_t connections_max = 2048;
    std::size_t header_bytes_max = 16u << 10;
    std::size_t header_count_max = 64;
    std::size_t body_bytes_max = 1u << 20;
    std::chrono::milliseconds header_timeout{10'000};  // whole request head, from its first byte or the connection
    std::chrono::milliseconds body_timeout{30'000};
    std::chrono::milliseconds idle_timeout{120'000};  // between requests
    std::chrono::milliseconds write_timeout{30'000};  // a client that stops reading is cut off
    std::size_t unwritten_bytes_max = 4u << 20;  // per connection; over it the connection is cut off
};

// Status and JSON body for refusals that the server itself makes: malformed 400, too large 413, header fields 431, timeout 408, 503.
struct HttpRefusal {
    unsigned status;
    std::string_view code;  // stable: bad_request, body_too_large, header_too_large, timeout, too_many_connections
};

struct TlsIdentity {
    std::string certificate_pem;
    Secret key_pem;
};

// How the body of a request is taken, decided from its head, before a byte of it is read or asked for (`Expect: 100-continue`).
struct HttpBodyChoice {
    enum class How { whole, streamed };
    How how = How::whole;
    std::uint64_t bytes_max = 0;  // at most HttpLimits::body_bytes_max
    std::optional<HttpResponse> refusal{};  // sent instead; the connection ends
};

class HttpServer {
public:
    struct Options {
        HttpLimits limits;
        // Asked for each request that has a body. Without it every body is whole. A streamed one's handler is called at its head, its body is
        // then taken by HttpReply::read_body(); HttpLimits::body_timeout is the time without a byte, not that of the whole.
        std::function<HttpBodyChoice(HttpRequest const& head)> choose{};
        std::optional<TlsIdentity> tls;
        std::function<HttpResponse(HttpRefusal)> refuse;  // shapes the server's own refusals
    };

    // `listener` is bound and listening. `handler` is called for each whole request, one at a time per connection.
    HttpServer(Loop& loop, UniqueFd listener, Options options, HttpHandler handler);
    // Without a listener of its own: connections are given to it by adopt().
    HttpServer(Loop& loop, Options options, HttpHandler handler);
    ~HttpServer();

    void adopt(UniqueFd connection, ConnectionId id);
    std::size_t connections() const;
    void close_all();

private:
    struct State;
    std::shared_ptr<State> state_;  // shared with the connections in flight
};

}  // namespace ocu::wire
