// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http2_session.h"

#include <nghttp2/nghttp2.h>

#include <cstdlib>
#include <cstring>

#include "base/secret.h"

namespace ocu::wire {

namespace {

constexpr std::size_t kAcksMax = 64;
constexpr std::size_t kSettingsMax = 32;  // entries of one frame
constexpr std::size_t kContinuationsMax = 8;
constexpr std::uint64_t kResetsAtOnce = 500, kResetsPerSecond = 50;
constexpr unsigned kWindowUpdateCost = 1, kControlCost = 40;
// In an index of the upstream's, a later request could be told from its size to carry the same value.
constexpr std::string_view kNeverIndexed[] = {"authorization", "cookie", "proxy-authorization", "set-cookie"};

// The size stands before each block, so that all of it can be wiped when it is given back.
constexpr std::size_t kPrefixBytes = 16;

void* wiping_malloc(std::size_t size, void*)
{
    auto* const block = static_cast<std::byte*>(std::malloc(size + kPrefixBytes));
    if (block == nullptr) return nullptr;
    std::memcpy(block, &size, sizeof size);
    return block + kPrefixBytes;
}

void wiping_free(void* given, void*)
{
    if (given == nullptr) return;
    auto* const block = static_cast<std::byte*>(given) - kPrefixBytes;
    std::size_t size = 0;
    std::memcpy(&size, block, sizeof size);
    wipe({block, size + kPrefixBytes});
    std::free(block);
}

void* wiping_calloc(std::size_t count, std::size_t size, void* user)
{
    if (size != 0 && count > (SIZE_MAX - kPrefixBytes) / size) return nullptr;
    void* const block = wiping_malloc(count * size, user);
    if (block != nullptr) std::memset(block, 0, count * size);
    return block;
}

void* wiping_realloc(void* given, std::size_t size, void* user)
{
    void* const block = wiping_malloc(size, user);
    if (block == nullptr || given == nullptr) return block;
    std::size_t before = 0;
    std::memcpy(&before, static_cast<std::byte*>(given) - kPrefixBytes, sizeof before);
    std::memcpy(block, given, std::min(before, size));
    wiping_free(given, user);
    return block;
}

struct FreeCallbacks {
    void operator()(nghttp2_session_callbacks* callbacks) const { nghttp2_session_callbacks_del(callbacks); }
};
struct FreeOption {
    void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};
struct FreeSession {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};

std::string_view text_of(std::uint8_t const* bytes, std::size_t size) { return {reinterpret_cast<char const*>(bytes), size}; }

Http2End end_of(nghttp2_frame const& frame)
{
    return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 ? Http2End::stream : Http2End::not_yet;
}

class Session final : public Http2Session {
public:
    Session(Side side, Http2Events& events) : side_(side), events_(events) {}

    bool open();
    bool feed(std::string_view bytes) override;
    std::string_view next() override;
    bool over() const override { return nghttp2_session_want_read(session()) == 0 && nghttp2_session_want_write(session()) == 0; }
    Http2StreamId request(Http2Fields const& fields, Body body, Secret secret) override;
    void respond(Http2StreamId stream, Http2Fields const& fields, Body body) override;
    void inform(Http2StreamId stream, Http2Fields const& fields) override;
    void resume(Http2StreamId stream) override { (void)nghttp2_session_resume_data(session(), stream); }
    void consume(Http2StreamId stream, std::size_t size) override
    {
        if (size == 0) return;
        if (stream == 0)
            (void)nghttp2_session_consume_connection(session(), size);
        else
            (void)nghttp2_session_consume(session(), stream, size);
    }
    void reset(Http2StreamId stream, std::uint32_t error) override
    {
        (void)nghttp2_submit_rst_stream(session(), NGHTTP2_FLAG_NONE, stream, error);
    }
    void go_away() override
    {
        (void)nghttp2_submit_goaway(
            session(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session()), NGHTTP2_NO_ERROR, nullptr, 0);
    }
    void terminate(Http2Error error) override { (void)nghttp2_session_terminate_session(session(), static_cast<std::uint32_t>(error)); }

private:
    struct Collected {
        Http2Fields fields;
        std::size_t bytes = 0;
        Http2Events::Fits fits = Http2Events::Fits::yes;
    };

    nghttp2_session* session() const { return session_.get(); }
    static Session& self(void* user) { return *static_cast<Session*>(user); }
    static void set_callbacks(nghttp2_session_callbacks* callbacks);
    static void set_options(nghttp2_option* option);
    std::vector<nghttp2_nv> pairs_of(Http2Fields const& fields, Secret secret) const;
    nghttp2_data_provider2 provider();

    static int begin_frame(nghttp2_session*, nghttp2_frame_hd const* head, void* user);
    static int begin_headers(nghttp2_session*, nghttp2_frame const*, void* user);
    static int header(nghttp2_session*, nghttp2_frame const* frame, std::uint8_t const* name, std::size_t name_size,
        std::uint8_t const* value, std::size_t value_size, std::uint8_t flags, void* user);
    static int invalid_header(
        nghttp2_session*, nghttp2_frame const*, std::uint8_t const*, std::size_t, std::uint8_t const*, std::size_t, std::uint8_t, void*);
    static int frame_received(nghttp2_session*, nghttp2_frame const* frame, void* user);
    static int invalid_frame(nghttp2_session*, nghttp2_frame const* frame, int error, void* user);
    static int data_chunk(nghttp2_session*, std::uint8_t, std::int32_t stream, std::uint8_t const* bytes, std::size_t size, void* user);
    static int stream_closed(nghttp2_session*, std::int32_t stream, std::uint32_t error, void* user);
    static int frame_sent(nghttp2_session*, nghttp2_frame const* frame, void* user);
    static nghttp2_ssize read_data(nghttp2_session*, std::int32_t stream, std::uint8_t* into, std::size_t room, std::uint32_t* flags,
        nghttp2_data_source*, void* user);

    Side side_;
    Http2Events& events_;
    std::unique_ptr<nghttp2_session, FreeSession> session_;
    Collected collected_;  // one list at a time: nothing may come between its frames
};

void Session::set_callbacks(nghttp2_session_callbacks* callbacks)
{
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, &Session::begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, &Session::begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, &Session::header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, &Session::invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, &Session::frame_received);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, &Session::invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, &Session::data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, &Session::stream_closed);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, &Session::frame_sent);
}

void Session::set_options(nghttp2_option* option)
{
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_no_http_messaging(option, 0);
    nghttp2_option_set_no_recv_client_magic(option, 0);
    nghttp2_option_set_no_auto_ping_ack(option, 0);
    nghttp2_option_set_no_rfc9113_leading_and_trailing_ws_validation(option, 0);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_option_set_max_reserved_remote_streams(option, 0);
    nghttp2_option_set_peer_max_concurrent_streams(option, kHttp2StreamsMax);  // until it says itself
    nghttp2_option_set_max_outbound_ack(option, kAcksMax);
    nghttp2_option_set_max_settings(option, kSettingsMax);
    nghttp2_option_set_max_continuations(option, kContinuationsMax);
    nghttp2_option_set_stream_reset_rate_limit(option, kResetsAtOnce, kResetsPerSecond);
}

bool Session::open()
{
    nghttp2_session_callbacks* made_callbacks = nullptr;
    nghttp2_option* made_option = nullptr;
    bool const good = nghttp2_session_callbacks_new(&made_callbacks) == 0 && nghttp2_option_new(&made_option) == 0;
    std::unique_ptr<nghttp2_session_callbacks, FreeCallbacks> const callbacks(made_callbacks);
    std::unique_ptr<nghttp2_option, FreeOption> const option(made_option);
    if (!good) return false;
    set_callbacks(callbacks.get());
    set_options(option.get());
    nghttp2_mem memory{nullptr, wiping_malloc, wiping_free, wiping_calloc, wiping_realloc};
    nghttp2_session* made = nullptr;
    int const failed = side_ == Side::server ? nghttp2_session_server_new3(&made, callbacks.get(), this, option.get(), nullptr)
                                             : nghttp2_session_client_new3(&made, callbacks.get(), this, option.get(), &memory);
    session_.reset(made);
    if (failed != 0) return false;
    std::vector<nghttp2_settings_entry> settings{
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kHttp2StreamWindowBytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kRelayHeadBytesMax},
    };
    if (side_ == Side::server) {
        settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kHttp2StreamsMax});
        settings.push_back({NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1});
    } else {
        settings.push_back({NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
        settings.push_back({NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0});
    }
    return nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0 &&
           nghttp2_session_set_local_window_size(made, NGHTTP2_FLAG_NONE, 0, kHttp2WindowBytes) == 0;
}

bool Session::feed(std::string_view bytes)
{
    auto const used = nghttp2_session_mem_recv2(session(), reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size());
    return used == static_cast<nghttp2_ssize>(bytes.size());
}

std::string_view Session::next()
{
    std::uint8_t const* bytes = nullptr;
    auto const size = nghttp2_session_mem_send2(session(), &bytes);
    return size <= 0 ? std::string_view{} : text_of(bytes, static_cast<std::size_t>(size));
}

std::vector<nghttp2_nv> Session::pairs_of(Http2Fields const& fields, Secret secret) const
{
    std::vector<nghttp2_nv> out;
    out.reserve(fields.size());
    auto const bytes = [](std::string const& text) {
        return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
    };  // it only reads
    for (auto const& each : fields) {
        bool const quiet = secret == Secret::carried || std::ranges::find(kNeverIndexed, each.name) != std::end(kNeverIndexed);
        auto const flags = static_cast<std::uint8_t>(quiet ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE);
        out.push_back({bytes(each.name), bytes(each.value), each.name.size(), each.value.size(), flags});
    }
    return out;
}

nghttp2_data_provider2 Session::provider()
{
    nghttp2_data_provider2 out{};
    out.read_callback = &Session::read_data;
    return out;
}

Http2StreamId Session::request(Http2Fields const& fields, Body body, Secret secret)
{
    auto const pairs = pairs_of(fields, secret);
    auto const data = provider();
    auto const stream =
        nghttp2_submit_request2(session(), nullptr, pairs.data(), pairs.size(), body == Body::follows ? &data : nullptr, nullptr);
    return stream > 0 ? stream : 0;
}

void Session::respond(Http2StreamId stream, Http2Fields const& fields, Body body)
{
    auto const pairs = pairs_of(fields, Secret::none);
    auto const data = provider();
    if (nghttp2_submit_response2(session(), stream, pairs.data(), pairs.size(), body == Body::follows ? &data : nullptr) != 0)
        reset(stream, NGHTTP2_INTERNAL_ERROR);
}

void Session::inform(Http2StreamId stream, Http2Fields const& fields)
{
    auto const pairs = pairs_of(fields, Secret::none);
    (void)nghttp2_submit_headers(session(), NGHTTP2_FLAG_NONE, stream, nullptr, pairs.data(), pairs.size(), nullptr);
}

int Session::begin_frame(nghttp2_session*, nghttp2_frame_hd const* head, void* user)
{
    bool const message =
        head->type == NGHTTP2_HEADERS || head->type == NGHTTP2_CONTINUATION || (head->type == NGHTTP2_DATA && head->length != 0);
    if (!message) self(user).events_.control(head->type == NGHTTP2_WINDOW_UPDATE ? kWindowUpdateCost : kControlCost);
    return 0;
}

int Session::begin_headers(nghttp2_session*, nghttp2_frame const*, void* user)
{
    self(user).collected_ = {};
    self(user).events_.head_begun();
    return 0;
}

int Session::header(nghttp2_session*, nghttp2_frame const*, std::uint8_t const* name, std::size_t name_size, std::uint8_t const* value,
    std::size_t value_size, std::uint8_t, void* user)
{
    auto& collected = self(user).collected_;
    constexpr std::size_t kFieldOverhead = 32;  // RFC 9113, 6.5.2
    collected.bytes += name_size + value_size + kFieldOverhead;
    if (collected.bytes > kRelayHeadBytesMax || collected.fields.size() == kRelayFieldsMax) collected.fits = Http2Events::Fits::no;
    if (collected.fits == Http2Events::Fits::yes)
        collected.fields.push_back({std::string(text_of(name, name_size)), std::string(text_of(value, value_size))});
    return 0;
}

// The library would leave such a field out in silence: two readers could then see two requests.
int Session::invalid_header(nghttp2_session*, nghttp2_frame const* frame, std::uint8_t const*, std::size_t, std::uint8_t const*,
    std::size_t, std::uint8_t, void* user)
{
    self(user).events_.broken(frame->hd.stream_id);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int Session::frame_received(nghttp2_session*, nghttp2_frame const* frame, void* user)
{
    auto& session = self(user);
    auto const stream = frame->hd.stream_id;
    switch (frame->hd.type) {
    case NGHTTP2_HEADERS: {
        auto collected = std::exchange(session.collected_, {});
        bool const status = !collected.fields.empty() && collected.fields.front().name == ":status";
        bool const first = session.side_ == Side::server ? frame->headers.cat == NGHTTP2_HCAT_REQUEST : status;
        session.events_.head(stream, first ? Http2Events::Head::first : Http2Events::Head::trailers, std::move(collected.fields),
            end_of(*frame), collected.fits);
        break;
    }
    case NGHTTP2_DATA:
        if (end_of(*frame) == Http2End::stream) session.events_.data_over(stream);
        break;
    case NGHTTP2_GOAWAY: session.events_.went_away(); break;
    default: break;
    }
    return 0;
}

int Session::invalid_frame(nghttp2_session*, nghttp2_frame const* frame, int error, void* user)
{
    // These two are what a peer that does nothing wrong can run into: it had not heard yet.
    if (error != NGHTTP2_ERR_REFUSED_STREAM && error != NGHTTP2_ERR_STREAM_CLOSED) self(user).events_.broken(frame->hd.stream_id);
    return 0;
}

int Session::data_chunk(nghttp2_session*, std::uint8_t, std::int32_t stream, std::uint8_t const* bytes, std::size_t size, void* user)
{
    self(user).events_.data(stream, text_of(bytes, size));
    return 0;
}

int Session::stream_closed(nghttp2_session*, std::int32_t stream, std::uint32_t error, void* user)
{
    self(user).events_.closed(stream, error);
    return 0;
}

int Session::frame_sent(nghttp2_session*, nghttp2_frame const* frame, void* user)
{
    bool const message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (message && end_of(*frame) == Http2End::stream) self(user).events_.end_sent(frame->hd.stream_id);
    return 0;
}

nghttp2_ssize Session::read_data(
    nghttp2_session*, std::int32_t stream, std::uint8_t* into, std::size_t room, std::uint32_t* flags, nghttp2_data_source*, void* user)
{
    auto& session = self(user);
    auto const pulled = session.events_.pull(stream, {reinterpret_cast<char*>(into), room});
    if (pulled.more == Http2Pull::More::later)
        return pulled.size == 0 ? nghttp2_ssize{NGHTTP2_ERR_DEFERRED} : static_cast<nghttp2_ssize>(pulled.size);
    if (pulled.more == Http2Pull::More::over) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (!pulled.trailers.empty()) {
            auto const pairs = session.pairs_of(pulled.trailers, Secret::none);
            if (nghttp2_submit_trailer(session.session(), stream, pairs.data(), pairs.size()) == 0)
                *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        }
    }
    return static_cast<nghttp2_ssize>(pulled.size);
}

}  // namespace

Result<std::unique_ptr<Http2Session>> Http2Session::make(Side side, Http2Events& events)
{
    auto made = std::make_unique<Session>(side, events);
    if (!made->open()) return fail(Fault::unavailable, "HTTP/2 session");
    return made;
}

}  // namespace ocu::wire
