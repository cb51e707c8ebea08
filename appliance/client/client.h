// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An operator's questions over the local socket, and the readiness probe, by wire/http_client.h. Blocking; one request for each call.

#include <chrono>
#include <string>

#include "base/result.h"

namespace ocu::client {

struct Endpoint {
    std::string unix_socket;  // path; empty: TCP to the URL's own address
    std::string key_pin;      // https: trust exactly this public key, "sha256//BASE64" (RFC 7469); empty: no https
};

struct Answer {
    long status = 0;
    std::string body;
};

struct Limits {
    std::chrono::milliseconds connect{2'000};
    std::chrono::milliseconds total{10'000};
    std::size_t body_bytes_max = 4u << 20;
};

// Once, before any thread.
Result<void> begin();

// Errors: unavailable (nobody answers there, or not in time), denied (may not connect; certificate), over_limit, malformed.
Result<Answer> http_get(Endpoint const& endpoint, std::string const& url, Limits const& limits = {});
Result<Answer> http_post(Endpoint const& endpoint, std::string const& url, std::string const& body, Limits const& limits = {});

// Is `url` answering 200? For the readiness probe: GET URL, bounded to two seconds.
Result<void> probe(std::string const& url, Endpoint const& endpoint = {});

}  // namespace ocu::client
