// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/client/client.h"

#include "base/crypto/crypto.h"
#include "wire/http_client.h"

namespace ocu::client {

namespace {

Error error_of(wire::HttpFailure failure)
{
    using wire::HttpFailure;
    auto const make = [](Fault fault, Literal what) { return fail(fault, what).error(); };
    switch (failure) {
    case HttpFailure::too_large: return make(Fault::over_limit, "the answer is too large");
    case HttpFailure::unreachable: return make(Fault::unavailable, "nobody listens there, or this user may not connect");
    case HttpFailure::timed_out: return make(Fault::unavailable, "no answer in time");
    case HttpFailure::handshake:
    case HttpFailure::tls: return make(Fault::denied, "the server's certificate is not trusted");
    case HttpFailure::unusable_address: return make(Fault::malformed, "not an address that this client can use");
    case HttpFailure::broken:
    case HttpFailure::none: break;
    }
    return make(Fault::unavailable, "the connection was closed without an answer");
}

Result<Answer> perform(Endpoint const& endpoint, std::string const& url, std::string const* body, Limits const& limits)
{
    wire::HttpClientRules rules;
    rules.unix_socket = endpoint.unix_socket;
    rules.key_pin = endpoint.key_pin;
    rules.connect_time = limits.connect;
    rules.stall_time = {};  // an answer may take as long as `limits` says
    wire::HttpClient client(std::move(rules));
    wire::HttpAsk ask{.method = body == nullptr ? "GET" : "POST", .url = url, .fields = {"Accept: application/json"}};
    if (body != nullptr) {
        ask.fields.emplace_back("Content-Type: application/json");
        ask.body = crypto::as_bytes(*body);
    }
    ask.answer_bytes_max = limits.body_bytes_max;
    ask.time = limits.total;
    auto const got = client.ask(std::move(ask));
    if (got.failure != wire::HttpFailure::none) return std::unexpected(error_of(got.failure));
    return Answer{got.status, std::string(reinterpret_cast<char const*>(got.body.data()), got.body.size())};
}

}  // namespace

Result<void> begin() { return wire::http_begin(); }

Result<Answer> http_get(Endpoint const& endpoint, std::string const& url, Limits const& limits)
{
    return perform(endpoint, url, nullptr, limits);
}

Result<Answer> http_post(Endpoint const& endpoint, std::string const& url, std::string const& body, Limits const& limits)
{
    return perform(endpoint, url, &body, limits);
}

Result<void> probe(std::string const& url, Endpoint const& endpoint)
{
    constexpr std::chrono::milliseconds kProbe{2'000};
    constexpr long kOk = 200;
    auto const answer = OCU_TRY(http_get(endpoint, url, {.connect = kProbe, .total = kProbe, .body_bytes_max = 64u << 10}));
    if (answer.status != kOk) return fail(Fault::unavailable, "it answers, but it is not healthy");
    return {};
}

}  // namespace ocu::client
