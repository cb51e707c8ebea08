// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// HTTP/1.1 messages as values: bytes in to a request, a response out to bytes. No sockets, no clock: http_connection drives it, and a
// fuzz target feeds it directly (T-02). The grammar is Beast's; what Beast tolerates and we do not is refused here:
// obs-fold, bare CR or LF, HTTP/1.0, a target that is not origin-form, two ways to frame a body, repeated Host or framing fields.
// What a trailer says is read and dropped: it can add nothing to the headers that were judged.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "wire/http.h"

namespace ocu::wire {

inline constexpr std::string_view kBadRequest = "bad_request";
inline constexpr std::string_view kBodyTooLarge = "body_too_large";
inline constexpr std::string_view kHeaderTooLarge = "header_too_large";
inline constexpr std::string_view kTimeout = "timeout";
inline constexpr std::string_view kTooManyConnections = "too_many_connections";

// Reads one request. Feed it again and again with what has arrived; it takes from the front what it has understood.
class RequestParser {
public:
    enum class Progress {
        need_more,   // the head or the body is not whole yet
        head_done,   // the head is good and says that a body follows; said once
        done,        // take() it
        refused,     // refusal() says why; the connection can carry nothing further
    };

    explicit RequestParser(HttpLimits const& limits);
    ~RequestParser();
    RequestParser(RequestParser&&) noexcept;
    RequestParser& operator=(RequestParser&&) noexcept;

    Progress feed(std::string& buffer);
    HttpRefusal refusal() const;
    bool expects_continue() const;
    bool keep_alive() const;
    HttpRequest take();

    // For a body that is streamed: after head_done the head alone, a ceiling below the one of the limits (false: the head says that the body is
    // longer), and after each feed() what has come of the body since.
    HttpRequest const& head() const;
    HttpRequest take_head();
    bool limit_body(std::uint64_t bytes_max);
    std::string take_piece();

private:
    struct State;
    std::unique_ptr<State> state_;
};

enum class Body { sent, omitted };  // omitted: the answer to HEAD
enum class KeepAlive { yes, no };

std::string response_bytes(HttpResponse const& response, Body body, KeepAlive keep_alive);
std::string stream_head_bytes(unsigned status, std::vector<HttpHeader> const& headers, KeepAlive keep_alive);
std::string body_head_bytes(unsigned status, std::vector<HttpHeader> const& headers, std::uint64_t length, KeepAlive keep_alive);
std::string chunk_bytes(std::string_view chunk);  // chunk must not be empty
std::string last_chunk_bytes();
std::string continue_bytes();

}  // namespace ocu::wire
