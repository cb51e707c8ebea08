// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// The one HTTP/1.1 client that is libcurl's: requests that are signed by AWS Signature Version 4, over streams that somebody else made; an operator's
// questions over a local socket; the readiness probe. Several requests at once, connections kept. Every option is set here. Nothing is taken
// from the environment, no file is read, no redirect is followed, no proxy is used. With `connect` or `unix_socket` no name is ever resolved.
//
//   threading   one thread; only work() waits, on poll(2), and `connect`, as long as it takes
//   limits      an answer's body by its request; a head by libcurl (300 KiB); times by the rules
//   secrets     `credential` is copied into libcurl, which may keep it with a kept connection; all memory that libcurl frees is wiped (T-12), so none
//               is left after the client
//   system      http_begin() opens files (time zone, locale) and must come before a process is confined. Afterwards: eventfd2, poll, read, write,
//               recvfrom, sendto, fcntl, close, getrandom, memory; getsockopt, setsockopt and getpeername on the stream may be refused

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/unique_fd.h"

namespace ocu::wire {

struct HttpClientRules {
    // Where a new connection comes from: a connected stream, an invalid one if none is to be had. Without it: `unix_socket`, if there is
    // one; else the URL's own address.
    std::function<UniqueFd()> connect;
    std::string unix_socket;
    // https: whom to believe. These authorities for the URL's name; or exactly this public key, "sha256//BASE64" (RFC 7469). Neither: no https.
    std::string ca_pem;
    std::string key_pin;
    // "aws:amz:REGION:SERVICE", signed with "KEY_ID:SECRET"; empty: unsigned. The secret outlives the client.
    std::string signing;
    Secret const* credential = nullptr;
    std::chrono::milliseconds connect_time{5'000};  // TLS included
    std::chrono::seconds stall_time{5};  // with less than `stall_bytes_per_s`
    long stall_bytes_per_s = 1;
    long connections_max = 6;
};

struct HttpAsk {
    std::string method;  // GET, HEAD, PUT, POST, DELETE
    std::string url;
    std::vector<std::string> fields{};  // "Name: value", without line breaks
    std::span<std::byte const> body{};  // a loan until the answer is there, or the client is gone
    std::vector<std::string> wanted{};  // names of fields of the answer's head
    std::size_t answer_bytes_max = 64u << 10;
    std::chrono::milliseconds time{10'000};
};

// unreachable: no connection. tls: another certificate than wanted. handshake: TLS did not come about; perhaps for its sake. broken: it ended
// early, or is no HTTP.
enum class HttpFailure : std::uint8_t { none, unreachable, tls, handshake, timed_out, broken, too_large, unusable_address };

struct HttpGot {
    HttpFailure failure = HttpFailure::none;
    long status = 0;  // with none
    unsigned sendings = 0;  // libcurl asks once more by itself when a kept connection ends before anything was answered
    std::int64_t length = -1;  // of the body, as the head says; -1: it does not
    std::string etag{};
    std::vector<std::string> fields{};  // what is `wanted`, in that order; empty: not there, or there twice
    std::vector<std::byte> body{};
};

// Once, before any thread and before a process is confined. Errors: unavailable.
Result<void> http_begin();

class HttpClient {
public:
    using Ticket = std::uint64_t;

    explicit HttpClient(HttpClientRules rules);
    ~HttpClient();
    HttpClient(HttpClient const&) = delete;
    HttpClient& operator=(HttpClient const&) = delete;

    Ticket start(HttpAsk ask);
    // Lets all requests go on; waits until one has something to do, at most `patience`, also if there is none.
    void work(std::chrono::milliseconds patience);
    // Once it is there.
    std::optional<HttpGot> take(Ticket ticket);
    // Ends it, and forgets what came of it. Its connection is closed.
    void drop(Ticket ticket);

    // One request, waited for.
    HttpGot ask(HttpAsk ask);

private:
    struct Exchange;
    struct Multi;
    void begin(Exchange& exchange);
    void collect();

    HttpClientRules rules_;
    std::unique_ptr<Multi> multi_;
    std::map<Ticket, std::unique_ptr<Exchange>> exchanges_;
    Ticket next_ = 1;
};

}  // namespace ocu::wire
