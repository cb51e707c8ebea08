// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One POST on one connection, and the status that it is answered with: for telling somebody something. Nothing of the answer is used but its
// status; redirects are statuses like others; what follows the head is not read. A peer that is slow, large or wrong costs one deadline.
// Threading: the loop's thread.

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "wire/tls_stream.h"

namespace ocu::wire {

inline constexpr std::size_t kPostHeadBytesMax = 8u << 10;  // of the answer, with what comes before the final one
inline constexpr std::chrono::milliseconds kPostWait{10'000};  // from the connection to the answer

enum class PostFailure : std::uint8_t { none, tls, closed, grammar, too_large, timed_out };

struct PostOutcome {
    PostFailure failure = PostFailure::none;
    unsigned status = 0;  // with none
    TlsRefusal refusal = TlsRefusal::none;  // with tls
};

struct PostRequest {
    std::string authority;
    std::string target;
    std::vector<HttpHeader> headers;
    std::string body;
};

// HTTP/1.1, with Content-Length and `Connection: close`. The values are the caller's own: nothing in them is looked at.
std::string post_bytes(PostRequest const& request);

// The status of the final answer at the front of `bytes`, once its head is there; 1xx before it are passed over. Nothing: not yet.
// Errors: grammar (also 101), too_large. Pure.
std::expected<std::optional<unsigned>, PostFailure> read_post_answer(std::string_view bytes);

// Told once, on the loop; the connection is closed by then. Destroying it ends it untold.
class HttpPost {
public:
    using Told = std::function<void(PostOutcome)>;
    // `tls`: the same object as `transport`, if it is a TLS stream.
    HttpPost(Loop& loop, std::unique_ptr<Transport> transport, TlsStream const* tls, std::string request, Told told);
    ~HttpPost();

private:
    struct Machine;
    std::shared_ptr<Machine> machine_;  // shared with its pending operations
};

}  // namespace ocu::wire
