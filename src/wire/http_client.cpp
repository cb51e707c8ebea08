// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http_client.h"

#include <curl/curl.h>
#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <ctime>

namespace ocu::wire {

namespace {

constexpr long kReadBufferBytes = 256l << 10;
constexpr long kWriteBufferBytes = 1l << 20;

// libcurl keeps copies of the credential, of the keys derived from it and of what is signed on its heap. There is no saying which: each block is
// wiped as it goes back.
void free_wiped(void* memory)
{
    if (memory == nullptr) return;
    wipe({static_cast<std::byte*>(memory), ::malloc_usable_size(memory)});
    std::free(memory);
}

void* resize_wiped(void* memory, std::size_t bytes)
{
    if (memory == nullptr) return std::malloc(bytes);
    auto const had = ::malloc_usable_size(memory);
    if (bytes != 0 && bytes <= had) return memory;
    auto* const now = std::malloc(bytes);
    if (now == nullptr) return nullptr;
    std::memcpy(now, memory, std::min(had, bytes));
    free_wiped(memory);
    return now;
}

HttpFailure failure_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK: return HttpFailure::none;
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST: return HttpFailure::unreachable;
    case CURLE_OPERATION_TIMEDOUT: return HttpFailure::timed_out;
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR: return HttpFailure::tls;
    case CURLE_SSL_CONNECT_ERROR: return HttpFailure::handshake;
    case CURLE_WRITE_ERROR:
    case CURLE_TOO_LARGE: return HttpFailure::too_large;
    case CURLE_FAILED_INIT:
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL: return HttpFailure::unusable_address;
    default: return HttpFailure::broken;
    }
}

// Options whose types and values are fixed here fail for want of memory only; whatever a request then lacks, it must not be sent.
class Setter {
public:
    explicit Setter(CURL* easy) : easy_(easy) {}
    template <class Value>
    void operator()(CURLoption option, Value value)
    {
        ok_ = ok_ && ::curl_easy_setopt(easy_, option, value) == CURLE_OK;
    }
    bool ok() const { return ok_; }

private:
    CURL* easy_;
    bool ok_ = true;
};

curl_socket_t open_stream(void* rules, curlsocktype, curl_sockaddr*)
{
    auto fd = static_cast<HttpClientRules const*>(rules)->connect();
    return fd ? fd.release() : CURL_SOCKET_BAD;  // libcurl's from here on
}

int stream_is_open(void*, curl_socket_t, curlsocktype) { return CURL_SOCKOPT_ALREADY_CONNECTED; }

void set_address(Setter& set, HttpClientRules const& rules)
{
    set(CURLOPT_PROXY, "");
    set(CURLOPT_NOPROXY, "*");
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(rules.connect_time.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, rules.stall_bytes_per_s);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(rules.stall_time.count()));
    if (!rules.connect) {
        if (!rules.unix_socket.empty()) set(CURLOPT_UNIX_SOCKET_PATH, rules.unix_socket.c_str());
        return;
    }
    // A path that is never looked at: with it nothing is resolved.
    set(CURLOPT_UNIX_SOCKET_PATH, "given");
    set(CURLOPT_OPENSOCKETFUNCTION, &open_stream);
    set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(const_cast<HttpClientRules*>(&rules)));
    set(CURLOPT_SOCKOPTFUNCTION, &stream_is_open);
}

void set_trust(Setter& set, HttpClientRules const& rules)
{
    bool const tls = !rules.ca_pem.empty() || !rules.key_pin.empty();
    set(CURLOPT_PROTOCOLS_STR, tls ? "http,https" : "http");
    if (!tls) return;
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!rules.key_pin.empty()) {
        // Who holds the pinned key is the one that is meant, whatever name or authority its certificate shows.
        set(CURLOPT_PINNEDPUBLICKEY, rules.key_pin.c_str());
        set(CURLOPT_SSL_VERIFYPEER, 0L);
        set(CURLOPT_SSL_VERIFYHOST, 0L);
        return;
    }
    curl_blob const authorities{const_cast<char*>(rules.ca_pem.data()), rules.ca_pem.size(), CURL_BLOB_NOCOPY};
    set(CURLOPT_CAINFO_BLOB, &authorities);
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
}

void set_signature(Setter& set, HttpClientRules const& rules)
{
    if (rules.signing.empty()) return;
    // The last colon parts them: key ids of some servers have one, secrets have none.
    auto const secret = rules.credential->bytes();
    std::string text(reinterpret_cast<char const*>(secret.data()), secret.size());
    auto const colon = text.rfind(':');
    set(CURLOPT_AWS_SIGV4, rules.signing.c_str());
    if (colon != std::string::npos) {
        text[colon] = '\0';
        set(CURLOPT_USERNAME, text.c_str());
        set(CURLOPT_PASSWORD, text.c_str() + colon + 1);
    }
    wipe(std::as_writable_bytes(std::span(text.data(), text.size())));
}

}  // namespace

struct HttpClient::Exchange {
    Exchange() = default;
    Exchange(Exchange const&) = delete;
    Exchange& operator=(Exchange const&) = delete;
    ~Exchange()
    {
        if (easy != nullptr && multi != nullptr) ::curl_multi_remove_handle(multi, easy);
        ::curl_easy_cleanup(easy);
        ::curl_slist_free_all(fields);
    }
    static std::size_t take_body(char* data, std::size_t size, std::size_t count, void* where)
    {
        auto& body = static_cast<Exchange*>(where)->got.body;
        auto const bytes = std::as_bytes(std::span(data, size * count));
        if (body.size() + bytes.size() > static_cast<Exchange*>(where)->ask.answer_bytes_max) return CURL_WRITEFUNC_ERROR;
        curl_off_t length = -1;
        auto& exchange = *static_cast<Exchange*>(where);
        if (body.empty() && ::curl_easy_getinfo(exchange.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length) == CURLE_OK && length > 0)
            body.reserve(std::min(exchange.ask.answer_bytes_max, static_cast<std::size_t>(length)));
        body.insert(body.end(), bytes.begin(), bytes.end());
        return bytes.size();
    }
    static int count_sending(void* where, char*, char*, int, int)
    {
        ++static_cast<Exchange*>(where)->got.sendings;
        return CURL_PREREQFUNC_OK;
    }
    void end(CURLcode code)
    {
        done = true;
        got.failure = failure_of(code);
        if (got.failure != HttpFailure::none) {
            got.body.clear();
            return;
        }
        ::curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &got.status);
        ::curl_easy_getinfo(easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &got.length);
        curl_header* found = nullptr;
        if (::curl_easy_header(easy, "ETag", 0, CURLH_HEADER, -1, &found) == CURLHE_OK) got.etag = found->value;
        for (auto const& name : ask.wanted) {
            bool const once = ::curl_easy_header(easy, name.c_str(), 0, CURLH_HEADER, -1, &found) == CURLHE_OK && found->amount == 1;
            got.fields.emplace_back(once ? found->value : "");
        }
    }

    HttpAsk ask;
    HttpGot got;
    CURLM* multi = nullptr;
    CURL* easy = nullptr;
    curl_slist* fields = nullptr;
    bool done = false;
};

struct HttpClient::Multi {
    Multi() : handle(::curl_multi_init()) {}
    ~Multi() { ::curl_multi_cleanup(handle); }
    Multi(Multi const&) = delete;
    Multi& operator=(Multi const&) = delete;
    CURLM* handle;
};

Result<void> http_begin()
{
    ::tzset();  // libcurl asks gmtime(3), which would read the zone's file at its first call
    auto const duplicate = [](char const* text) { return ::strdup(text); };
    if (::curl_global_init_mem(CURL_GLOBAL_DEFAULT, &std::malloc, &free_wiped, &resize_wiped, duplicate, &std::calloc) != CURLE_OK)
        return fail(Fault::unavailable, "the HTTP client cannot be set up");
    return {};
}

HttpClient::HttpClient(HttpClientRules rules) : rules_(std::move(rules)), multi_(std::make_unique<Multi>())
{
    ::curl_multi_setopt(multi_->handle, CURLMOPT_MAX_TOTAL_CONNECTIONS, rules_.connections_max);
    ::curl_multi_setopt(multi_->handle, CURLMOPT_MAXCONNECTS, rules_.connections_max);
    ::curl_multi_setopt(multi_->handle, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
}

HttpClient::~HttpClient() { exchanges_.clear(); }

HttpClient::Ticket HttpClient::start(HttpAsk ask)
{
    auto exchange = std::make_unique<Exchange>();
    exchange->ask = std::move(ask);
    begin(*exchange);
    exchanges_.emplace(next_, std::move(exchange));
    return next_++;
}

void HttpClient::begin(Exchange& exchange)
{
    auto const& ask = exchange.ask;
    exchange.easy = multi_->handle == nullptr ? nullptr : ::curl_easy_init();
    if (exchange.easy == nullptr) return exchange.end(CURLE_FAILED_INIT);
    Setter set(exchange.easy);
    set(CURLOPT_URL, ask.url.c_str());
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_HTTP09_ALLOWED, 0L);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_BUFFERSIZE, kReadBufferBytes);
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(ask.time.count()));
    set(CURLOPT_CUSTOMREQUEST, ask.method.c_str());
    if (ask.method == "HEAD") set(CURLOPT_NOBODY, 1L);
    if (ask.method == "PUT" || ask.method == "POST") {
        set(CURLOPT_POST, 1L);
        set(CURLOPT_UPLOAD_BUFFERSIZE, kWriteBufferBytes);
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(ask.body.size()));
        set(CURLOPT_POSTFIELDS, ask.body.empty() ? "" : reinterpret_cast<char const*>(ask.body.data()));
    }
    auto const add = [&exchange](char const* field) { exchange.fields = ::curl_slist_append(exchange.fields, field); };
    for (auto const& each : ask.fields) add(each.c_str());
    add("Expect:");
    set(CURLOPT_HTTPHEADER, exchange.fields);
    set(CURLOPT_WRITEFUNCTION, &Exchange::take_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&exchange));
    set(CURLOPT_PREREQFUNCTION, &Exchange::count_sending);
    set(CURLOPT_PREREQDATA, static_cast<void*>(&exchange));
    set_address(set, rules_);
    set_trust(set, rules_);
    set_signature(set, rules_);
    if (!set.ok()) return exchange.end(CURLE_FAILED_INIT);
    if (::curl_multi_add_handle(multi_->handle, exchange.easy) != CURLM_OK) return exchange.end(CURLE_FAILED_INIT);
    exchange.multi = multi_->handle;
}

void HttpClient::collect()
{
    int left = 0;
    while (auto const* const message = ::curl_multi_info_read(multi_->handle, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        for (auto& [ticket, exchange] : exchanges_) {
            if (exchange->easy == message->easy_handle && !exchange->done) {
                exchange->end(message->data.result);
                break;
            }
        }
    }
}

void HttpClient::work(std::chrono::milliseconds patience)
{
    int running = 0;
    (void)::curl_multi_perform(multi_->handle, &running);
    collect();
    for (auto const& [ticket, exchange] : exchanges_) {
        if (exchange->done) return;
    }
    if (patience.count() <= 0) return;
    (void)::curl_multi_poll(multi_->handle, nullptr, 0, static_cast<int>(patience.count()), nullptr);
    (void)::curl_multi_perform(multi_->handle, &running);
    collect();
}

std::optional<HttpGot> HttpClient::take(Ticket ticket)
{
    auto const at = exchanges_.find(ticket);
    if (at == exchanges_.end() || !at->second->done) return std::nullopt;
    auto got = std::move(at->second->got);
    exchanges_.erase(at);
    return got;
}

void HttpClient::drop(Ticket ticket) { exchanges_.erase(ticket); }

HttpGot HttpClient::ask(HttpAsk ask)
{
    constexpr std::chrono::milliseconds kTurn{1'000};
    auto const ticket = start(std::move(ask));
    for (;;) {
        if (auto got = take(ticket)) return std::move(*got);
        work(kTurn);
    }
}

}  // namespace ocu::wire
