// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http_message.h"

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>

#include <algorithm>

#include "base/assert.h"

namespace ocu::wire {

namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
// A chunk's size line and its extensions: nothing of ours needs more, and Beast buffers nothing for it.
constexpr std::size_t kUnparsedBodyBytesMax = 64u << 10;

bool same_name(std::string_view left, std::string_view right)
{
    return std::ranges::equal(left, right, [](char a, char b) {
        auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
        return lower(a) == lower(b);
    });
}

// What Beast would accept and we do not, seen on the raw bytes of a head that ends in an empty line.
bool is_strict_head(std::string_view head)
{
    for (std::size_t i = 0; i < head.size(); ++i) {
        char const c = head[i];
        if (c == '\0') return false;
        if (c == '\r' && (i + 1 >= head.size() || head[i + 1] != '\n')) return false;
        if (c == '\n') {
            if (i == 0 || head[i - 1] != '\r') return false;
            // obs-fold: a header line continued by white space
            if (i + 1 < head.size() && (head[i + 1] == ' ' || head[i + 1] == '\t')) return false;
        }
    }
    return true;
}

bool has_bare_line_end(std::string_view partial)
{
    for (std::size_t i = 0; i < partial.size(); ++i) {
        if (partial[i] == '\n' && (i == 0 || partial[i - 1] != '\r')) return true;
        if (partial[i] == '\r' && i + 1 < partial.size() && partial[i + 1] != '\n') return true;
    }
    return false;
}

bool is_origin_form(std::string_view target)
{
    return target.starts_with('/') && std::ranges::none_of(target, [](char c) {
        auto const byte = static_cast<unsigned char>(c);
        return byte <= 0x20 || byte >= 0x7f || c == '#';
    });
}

void add_headers(http::fields& fields, std::vector<HttpHeader> const& headers)
{
    for (auto const& header : headers) {
        // Ours, never a peer's: a line break here would let one answer become two.
        OCU_ASSERT(header.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
        fields.insert(header.name, header.value);
    }
}

// As Beast's string_body, but it takes memory for what has come and not for what a head says will come, and what has come can be taken out.
struct ArrivedBody {
    using value_type = std::string;
    static std::uint64_t size(value_type const& body) { return body.size(); }
    class reader {
    public:
        template <bool request, class Fields>
        reader(http::header<request, Fields>&, value_type& body) : body_(body)
        {}
        void init(boost::optional<std::uint64_t> const&, boost::system::error_code& error) { error = {}; }
        template <class Buffers>
        std::size_t put(Buffers const& buffers, boost::system::error_code& error)
        {
            error = {};
            std::size_t size = 0;
            for (auto at = boost::asio::buffer_sequence_begin(buffers); at != boost::asio::buffer_sequence_end(buffers); ++at) {
                boost::asio::const_buffer const part(*at);
                body_.append(static_cast<char const*>(part.data()), part.size());
                size += part.size();
            }
            return size;
        }
        void finish(boost::system::error_code& error) { error = {}; }

    private:
        value_type& body_;
    };
};

template <class Message>
std::string head_bytes(Message const& message)
{
    http::serializer<false, typename Message::body_type> serializer(message);
    serializer.split(true);
    std::string out;
    boost::system::error_code error;
    while (!serializer.is_header_done()) {
        serializer.next(error, [&](boost::system::error_code& why, auto const& buffers) {
            why = {};
            out += beast::buffers_to_string(buffers);
            serializer.consume(beast::buffer_bytes(buffers));
        });
        if (error) break;
    }
    return out;
}

bool has_no_body(unsigned status) { return status / 100 == 1 || status == 204 || status == 304; }

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const
{
    auto const found = std::ranges::find_if(headers, [&](HttpHeader const& each) { return same_name(each.name, name); });
    return found == headers.end() ? std::string_view{} : std::string_view(found->value);
}

std::size_t HttpRequest::count(std::string_view name) const
{
    return static_cast<std::size_t>(std::ranges::count_if(headers, [&](HttpHeader const& each) { return same_name(each.name, name); }));
}

std::string_view HttpRequest::path() const { return std::string_view(target).substr(0, target.find('?')); }

std::string_view HttpRequest::query() const
{
    auto const at = target.find('?');
    return at == std::string::npos ? std::string_view{} : std::string_view(target).substr(at + 1);
}

struct RequestParser::State {
    explicit State(HttpLimits const& from) : limits(from)
    {
        parser.header_limit(static_cast<std::uint32_t>(limits.header_bytes_max));
        parser.body_limit(limits.body_bytes_max);
    }

    Progress refuse(unsigned status, std::string_view code)
    {
        refusal = {status, code};
        return Progress::refused;
    }
    Progress refuse(boost::system::error_code error)
    {
        if (error == http::error::body_limit || error == http::error::buffer_overflow) return refuse(413, kBodyTooLarge);
        if (error == http::error::header_limit) return refuse(431, kHeaderTooLarge);
        return refuse(400, kBadRequest);
    }
    Progress feed_head(std::string& buffer);
    Progress judge_head();
    Progress feed_body(std::string& buffer);

    HttpLimits limits;
    http::request_parser<ArrivedBody> parser;
    HttpRequest request;
    HttpRefusal refusal{400, kBadRequest};
    std::size_t searched = 0;
    bool expects_continue = false;
};

RequestParser::RequestParser(HttpLimits const& limits) : state_(std::make_unique<State>(limits)) {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

// Beast sees the head only when all of it is here, so that the strict look comes first.
RequestParser::Progress RequestParser::State::feed_head(std::string& buffer)
{
    auto const end = buffer.find(kHeadEnd, searched < kHeadEnd.size() ? 0 : searched - kHeadEnd.size());
    if (end == std::string::npos) {
        if (has_bare_line_end(buffer)) return refuse(400, kBadRequest);
        if (buffer.size() > limits.header_bytes_max) return refuse(431, kHeaderTooLarge);
        searched = buffer.size();
        return Progress::need_more;
    }
    std::string_view const head = std::string_view(buffer).substr(0, end + kHeadEnd.size());
    if (head.size() > limits.header_bytes_max) return refuse(431, kHeaderTooLarge);
    if (!is_strict_head(head)) return refuse(400, kBadRequest);
    boost::system::error_code error;
    std::size_t const used = parser.put(boost::asio::buffer(head.data(), head.size()), error);
    if (error) return refuse(error);
    if (used != head.size() || !parser.is_header_done()) return refuse(400, kBadRequest);
    buffer.erase(0, used);
    return judge_head();
}

RequestParser::Progress RequestParser::State::judge_head()
{
    auto const& message = parser.get();
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    for (auto const& field : message) {
        if (request.headers.size() == limits.header_count_max) return refuse(431, kHeaderTooLarge);
        request.headers.push_back({std::string(field.name_string()), std::string(field.value())});
    }
    if (message.version() != 11 || !is_origin_form(request.target)) return refuse(400, kBadRequest);
    bool const has_length = request.count("content-length") != 0;
    bool const has_coding = request.count("transfer-encoding") != 0;
    // Two parties that disagree on where a body ends read different requests: one way to say it, said once.
    if (request.count("host") != 1 || request.count("content-length") > 1 || request.count("transfer-encoding") > 1) {
        return refuse(400, kBadRequest);
    }
    if (has_length && has_coding) return refuse(400, kBadRequest);
    if (request.header("content-length").find_first_not_of("0123456789") != std::string_view::npos) return refuse(400, kBadRequest);
    if (has_coding && !same_name(request.header("transfer-encoding"), "chunked")) return refuse(400, kBadRequest);
    if (request.count("expect") != 0) {
        if (!same_name(request.header("expect"), "100-continue")) return refuse(400, kBadRequest);
        expects_continue = !parser.is_done();
    }
    parser.eager(true);
    return parser.is_done() ? Progress::done : Progress::head_done;
}

RequestParser::Progress RequestParser::State::feed_body(std::string& buffer)
{
    while (!parser.is_done() && !buffer.empty()) {
        boost::system::error_code error;
        std::size_t const used = parser.put(boost::asio::buffer(buffer), error);
        buffer.erase(0, used);
        if (error && error != http::error::need_more) return refuse(error);
        if (error || used == 0) break;
    }
    if (!parser.is_done()) return buffer.size() > kUnparsedBodyBytesMax ? refuse(400, kBadRequest) : Progress::need_more;
    return Progress::done;
}

RequestParser::Progress RequestParser::feed(std::string& buffer)
{
    if (state_->parser.is_header_done()) return state_->feed_body(buffer);
    return state_->feed_head(buffer);
}

HttpRefusal RequestParser::refusal() const { return state_->refusal; }
bool RequestParser::expects_continue() const { return state_->expects_continue; }
bool RequestParser::keep_alive() const { return state_->parser.keep_alive(); }

HttpRequest RequestParser::take()
{
    state_->request.body = std::move(state_->parser.get().body());
    return std::move(state_->request);
}

HttpRequest const& RequestParser::head() const { return state_->request; }
HttpRequest RequestParser::take_head() { return std::move(state_->request); }
std::string RequestParser::take_piece() { return std::exchange(state_->parser.get().body(), {}); }

bool RequestParser::limit_body(std::uint64_t bytes_max)
{
    auto const length = state_->parser.content_length();
    if (length && *length > bytes_max) return false;
    if (!length) state_->parser.body_limit(bytes_max);
    return true;
}

std::string response_bytes(HttpResponse const& response, Body body, KeepAlive keep_alive)
{
    http::response<http::empty_body> head;
    head.version(11);
    head.result(response.status);
    add_headers(head, response.headers);
    if (!has_no_body(response.status)) head.content_length(response.body.size());
    head.keep_alive(keep_alive == KeepAlive::yes);
    std::string out = head_bytes(head);
    if (body == Body::sent && !has_no_body(response.status)) out += response.body;
    return out;
}

std::string stream_head_bytes(unsigned status, std::vector<HttpHeader> const& headers, KeepAlive keep_alive)
{
    http::response<http::empty_body> head;
    head.version(11);
    head.result(status);
    add_headers(head, headers);
    head.chunked(true);
    head.keep_alive(keep_alive == KeepAlive::yes);
    return head_bytes(head);
}

std::string body_head_bytes(unsigned status, std::vector<HttpHeader> const& headers, std::uint64_t length, KeepAlive keep_alive)
{
    http::response<http::empty_body> head;
    head.version(11);
    head.result(status);
    add_headers(head, headers);
    head.content_length(length);
    head.keep_alive(keep_alive == KeepAlive::yes);
    return head_bytes(head);
}

std::string chunk_bytes(std::string_view chunk)
{
    OCU_ASSERT(!chunk.empty());
    return beast::buffers_to_string(http::make_chunk(boost::asio::buffer(chunk.data(), chunk.size())));
}

std::string last_chunk_bytes() { return beast::buffers_to_string(http::make_chunk_last()); }

std::string continue_bytes()
{
    http::response<http::empty_body> head;
    head.version(11);
    head.result(http::status::continue_);
    return head_bytes(head);
}

}  // namespace ocu::wire
