// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One POST on one connection, and the status that it is answered with: for telling somebody something. Nothing of the answer is used but its
// status and, for who asks for it, a bounded body; redirects are statuses like others; else what follows the head is not read. A peer that is slow,
// large or wrong costs one deadline.
// Threading: the loop's thread.

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "wire/http_relay_head.h"
#include "wire/tls_stream.h"

namespace ocu::wire {

inline constexpr std::size_t kPostHeadBytesMax = 8u << 10;  // of the answer, with what comes before the final one
inline constexpr std::chrono::milliseconds kPostWait{10'000};  // from the connection to the answer

enum class PostFailure : std::uint8_t { none, tls, closed, grammar, too_large, timed_out };

struct PostOutcome {
    PostFailure failure = PostFailure::none;
    unsigned status = 0;  // with none
    TlsRefusal refusal = TlsRefusal::none;  // with tls
    std::string body{};  // with none, for who asked for it
};

struct PostRequest {
    std::string authority;
    std::string target;
    std::vector<HttpHeader> headers;
    std::string body;
};

// HTTP/1.1, with Content-Length and `Connection: close`. The values are the caller's own: nothing in them is looked at.
std::string post_bytes(PostRequest const& request);

struct PostHead {
    unsigned status = 0;
    std::size_t bytes = 0;  // up to where its body begins
    BodyFraming body;
};

// The head of the final answer, as below. Errors: as below.
std::expected<std::optional<PostHead>, PostFailure> read_post_head(std::string_view bytes);

// The status of the final answer at the front of `bytes`, once its head is there; 1xx before it are passed over. Nothing: not yet.
// Errors: grammar (also 101), too_large. Pure.
std::expected<std::optional<unsigned>, PostFailure> read_post_answer(std::string_view bytes);

// Told once, on the loop; the connection is closed by then. Destroying it ends it untold.
class HttpPost {
public:
    using Told = std::function<void(PostOutcome)>;
    // `tls`: the same object as `transport`, if it is a TLS stream. `body_bytes_max`: of the answer; without it none is read.
    HttpPost(Loop& loop, std::unique_ptr<Transport> transport, TlsStream const* tls, std::string request, Told told,
        std::optional<std::size_t> body_bytes_max = {});
    ~HttpPost();

private:
    struct Machine;
    std::shared_ptr<Machine> machine_;  // shared with its pending operations
};

}  // namespace ocu::wire
