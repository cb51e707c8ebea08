// SPDX-License-Identifier: GPL-3.0-or-later
#include "appliance/client/client.h"

#include <curl/curl.h>

#include <memory>

namespace ocu::client {

namespace {

struct Easy {
    Easy() : handle(::curl_easy_init()) {}
    ~Easy() { ::curl_easy_cleanup(handle); }
    Easy(Easy const&) = delete;
    Easy& operator=(Easy const&) = delete;
    CURL* handle;
};

struct Headers {
    ~Headers() { ::curl_slist_free_all(list); }
    curl_slist* list = nullptr;
};

struct Sink {
    std::string body;
    std::size_t bytes_max;
};

std::size_t take_body(char* data, std::size_t size, std::size_t count, void* where)
{
    auto& sink = *static_cast<Sink*>(where);
    std::size_t const bytes = size * count;
    if (sink.body.size() + bytes > sink.bytes_max) return 0;  // curl ends the transfer
    sink.body.append(data, bytes);
    return bytes;
}

Error error_of(CURLcode code, bool too_large)
{
    auto const make = [](Fault fault, Literal what) { return fail(fault, what).error(); };
    if (too_large) return make(Fault::over_limit, "the answer is too large");
    switch (code) {
    case CURLE_COULDNT_CONNECT: return make(Fault::unavailable, "nobody listens there, or this user may not connect");
    case CURLE_OPERATION_TIMEDOUT: return make(Fault::unavailable, "no answer in time");
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR: return make(Fault::unavailable, "the connection was closed without an answer");
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CONNECT_ERROR: return make(Fault::denied, "the server's certificate is not trusted");
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return make(Fault::malformed, "not an address that this client can use");
    default: return make(Fault::unavailable, "the request failed");
    }
}

Result<void> set_common(CURL* curl, Endpoint const& endpoint, Limits const& limits)
{
    ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, endpoint.key_pin.empty() ? "http" : "http,https");
    ::curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    ::curl_easy_setopt(curl, CURLOPT_PROXY, "");  // whatever the environment says
    ::curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    ::curl_easy_setopt(curl, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    ::curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits.connect.count()));
    ::curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(limits.total.count()));
    if (!endpoint.unix_socket.empty()) ::curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, endpoint.unix_socket.c_str());
    if (endpoint.key_pin.empty()) return {};
    // Who holds the pinned key is the one that is meant, whatever name or authority its certificate shows: nothing else is asked of it.
    if (::curl_easy_setopt(curl, CURLOPT_PINNEDPUBLICKEY, endpoint.key_pin.c_str()) != CURLE_OK ||
        ::curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L) != CURLE_OK ||
        ::curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L) != CURLE_OK)
        return fail(Fault::unavailable, "the HTTP client cannot pin a key");
    return {};
}

Result<Answer> perform(Endpoint const& endpoint, std::string const& url, std::string const* body, Limits const& limits)
{
    Easy const easy;
    if (easy.handle == nullptr) return fail(Fault::unavailable, "the HTTP client cannot be set up");
    OCU_CHECK(set_common(easy.handle, endpoint, limits));
    ::curl_easy_setopt(easy.handle, CURLOPT_URL, url.c_str());
    Headers headers;
    headers.list = ::curl_slist_append(headers.list, "Accept: application/json");
    if (body != nullptr) {
        headers.list = ::curl_slist_append(headers.list, "Content-Type: application/json");
        headers.list = ::curl_slist_append(headers.list, "Expect:");
        ::curl_easy_setopt(easy.handle, CURLOPT_POST, 1L);
        ::curl_easy_setopt(easy.handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
        ::curl_easy_setopt(easy.handle, CURLOPT_POSTFIELDS, body->data());
    }
    ::curl_easy_setopt(easy.handle, CURLOPT_HTTPHEADER, headers.list);
    Sink sink{{}, limits.body_bytes_max};
    ::curl_easy_setopt(easy.handle, CURLOPT_WRITEFUNCTION, &take_body);
    ::curl_easy_setopt(easy.handle, CURLOPT_WRITEDATA, &sink);
    CURLcode const code = ::curl_easy_perform(easy.handle);
    if (code != CURLE_OK) return std::unexpected(error_of(code, code == CURLE_WRITE_ERROR));
    Answer answer;
    ::curl_easy_getinfo(easy.handle, CURLINFO_RESPONSE_CODE, &answer.status);
    answer.body = std::move(sink.body);
    return answer;
}

}  // namespace

Result<void> begin()
{
    if (::curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return fail(Fault::unavailable, "the HTTP client cannot be set up");
    return {};
}

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
