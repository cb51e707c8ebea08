// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http_relay_head.h"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "wire/http_relay_fields.h"

namespace ocu::wire {

namespace http = boost::beast::http;

namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

// What Beast would accept and we do not, seen on the raw bytes of a head that ends in an empty line.
bool is_strict(std::string_view head)
{
    for (std::size_t i = 0; i < head.size(); ++i) {
        auto const c = static_cast<unsigned char>(head[i]);
        if (c == '\r') {
            if (i + 1 >= head.size() || head[i + 1] != '\n') return false;
        } else if (c == '\n') {
            if (i == 0 || head[i - 1] != '\r') return false;
            // obs-fold: a header line continued by white space
            if (i + 1 < head.size() && (head[i + 1] == ' ' || head[i + 1] == '\t')) return false;
        } else if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

template <class Parser>
std::expected<void, RelayFault> parse(Parser& parser, std::string_view head)
{
    if (head.size() > kRelayHeadBytesMax) return std::unexpected(RelayFault::too_large);
    if (!is_strict(head)) return std::unexpected(RelayFault::grammar);
    parser.header_limit(static_cast<std::uint32_t>(kRelayHeadBytesMax));
    parser.body_limit(boost::none);
    parser.eager(false);
    std::size_t used = 0;
    while (!parser.is_header_done()) {
        boost::system::error_code error;
        auto const now = parser.put(boost::asio::buffer(head.data() + used, head.size() - used), error);
        used += now;
        if (error == http::error::bad_version) return std::unexpected(RelayFault::version);
        if (error == http::error::bad_content_length || error == http::error::multiple_content_length ||
            error == http::error::bad_transfer_encoding)
            return std::unexpected(RelayFault::framing);
        if (error || now == 0) return std::unexpected(RelayFault::grammar);
    }
    if (used != head.size()) return std::unexpected(RelayFault::grammar);
    return {};
}

template <class Message>
std::expected<Fields, RelayFault> fields_of(Message const& message)
{
    Fields out;
    for (auto const& field : message) {
        if (out.all.size() == kRelayFieldsMax) return std::unexpected(RelayFault::too_large);
        out.all.push_back({std::string(field.name_string()), std::string(field.value())});
    }
    return out;
}

// Said once, in one way. `otherwise`: what it is if nothing is said.
std::expected<BodyFraming, RelayFault> framing_of(Fields const& fields, Framing otherwise)
{
    auto const lengths = fields.count("content-length"), codings = fields.count("transfer-encoding");
    if (lengths + codings > 1) return std::unexpected(RelayFault::framing);
    if (codings == 1) {
        if (!same_name(fields.first("transfer-encoding"), "chunked")) return std::unexpected(RelayFault::framing);
        return BodyFraming{Framing::chunked, 0};
    }
    if (lengths == 0) return BodyFraming{otherwise, 0};
    auto const length = length_in(fields.first("content-length"));
    if (!length) return std::unexpected(RelayFault::framing);
    return BodyFraming{Framing::length, *length};
}

std::expected<void, RelayFault> read_target(std::string_view target, Fields const& fields, Scheme scheme, RelayRequest& out)
{
    if (fields.count("host") != 1 || !read_authority(fields.first("host"), out.host, out.port)) return std::unexpected(RelayFault::host);
    if (auto const prefix = prefix_of(scheme); same_name(target.substr(0, prefix.size()), prefix)) {
        out.absolute = true;
        target.remove_prefix(prefix.size());
        auto const authority = target.substr(0, target.find_first_of("/?#"));
        target.remove_prefix(authority.size());
        std::string host;
        std::uint16_t port = 0;
        if (!read_authority(authority, host, port)) return std::unexpected(RelayFault::target);
        // A client sends both alike; which of two different ones counts is not ours to guess.
        std::uint16_t const own = scheme == Scheme::https ? 443 : 80;
        if (host != out.host || (port == 0 ? own : port) != (out.port == 0 ? own : out.port)) return std::unexpected(RelayFault::host);
    }
    return read_path(target, out);
}

bool asks_for_websocket(RelayRequest const& request, Fields const& fields)
{
    return request.method == "GET" && request.body.kind == Framing::none && fields.count("upgrade") == 1 &&
           same_name(fields.first("upgrade"), "websocket") && fields.lists("connection", "upgrade") &&
           fields.count("sec-websocket-key") == 1;
}

bool has_no_body(unsigned status) { return status / 100 == 1 || status == 204 || status == 304; }

void put_fields(std::string& out, std::vector<HttpHeader> const& headers)
{
    for (auto const& each : headers) ((((out += each.name) += ": ") += each.value) += "\r\n");
}

void put_framing(std::string& out, BodyFraming const& body)
{
    if (body.kind == Framing::length) (out += "Content-Length: ").append(std::to_string(body.length)) += "\r\n";
    if (body.kind == Framing::chunked) out += "Transfer-Encoding: chunked\r\n";
}

}  // namespace

bool same_name(std::string_view left, std::string_view right)
{
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return std::ranges::equal(left, right, {}, lower, lower);
}

std::string lower_case(std::string_view text)
{
    std::string out(text);
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
}

std::expected<std::size_t, RelayFault> find_head_end(std::string_view bytes)
{
    auto const end = bytes.substr(0, kRelayHeadBytesMax).find(kHeadEnd);
    if (end != std::string_view::npos) return end + kHeadEnd.size();
    if (bytes.size() >= kRelayHeadBytesMax) return std::unexpected(RelayFault::too_large);
    return 0;
}

std::expected<RelayRequest, RelayFault> read_request_head(std::string_view head, Scheme scheme)
{
    http::request_parser<http::empty_body> parser;
    if (auto const good = parse(parser, head); !good) return std::unexpected(good.error());
    auto const& message = parser.get();
    if (message.version() != 11) return std::unexpected(RelayFault::version);
    auto const fields = fields_of(message);
    if (!fields) return std::unexpected(fields.error());
    RelayRequest out;
    out.method = std::string(message.method_string());
    if (out.method == "CONNECT" || out.method == "TRACE" || out.method.size() > kRelayMethodBytesMax)
        return std::unexpected(RelayFault::method);
    auto const body = framing_of(*fields, Framing::none);
    if (!body) return std::unexpected(body.error());
    out.body = *body;
    if (auto const good = read_target(message.target(), *fields, scheme, out); !good) return std::unexpected(good.error());
    if (fields->count("expect") != 0) {
        if (fields->count("expect") != 1 || !same_name(fields->first("expect"), "100-continue"))
            return std::unexpected(RelayFault::expectation);
        out.expects_continue = out.body.kind != Framing::none;
    }
    out.keep_alive = !fields->lists("connection", "close");
    out.websocket = asks_for_websocket(out, *fields);
    out.headers = fields->end_to_end();
    return out;
}

std::expected<RelayResponse, RelayFault> read_response_head(std::string_view head, Asked asked)
{
    http::response_parser<http::empty_body> parser;
    parser.skip(true);
    if (auto const good = parse(parser, head); !good) return std::unexpected(good.error());
    auto const& message = parser.get();
    if (message.version() != 11 && message.version() != 10) return std::unexpected(RelayFault::version);
    auto const fields = fields_of(message);
    if (!fields) return std::unexpected(fields.error());
    RelayResponse out;
    out.status = message.result_int();
    if (out.status < 100 || out.status > 599) return std::unexpected(RelayFault::grammar);
    if (message.version() == 10 && fields->count("transfer-encoding") != 0) return std::unexpected(RelayFault::framing);
    auto const body = framing_of(*fields, Framing::until_close);
    if (!body) return std::unexpected(body.error());
    out.websocket = out.status == 101 && asked.websocket && same_name(fields->first("upgrade"), "websocket");
    if (out.status == 101 && !out.websocket) return std::unexpected(RelayFault::grammar);
    if (asked.head || out.status == 304) out.stated_length = std::string(fields->first("content-length"));
    out.body = asked.head || has_no_body(out.status) ? BodyFraming{} : *body;
    out.says_close = fields->lists("connection", "close");
    out.keep_alive = message.version() == 11 && !out.says_close && out.body.kind != Framing::until_close;
    out.headers = fields->end_to_end();
    return out;
}

std::string print_request_head(RelayRequest const& request, std::string_view authority)
{
    // Once and for all: a string that grows leaves a copy behind, and a header here may be a credential.
    std::size_t size = 256 + request.method.size() + request.path.size() + request.query.size() + authority.size();
    for (auto const& each : request.headers) size += each.name.size() + each.value.size() + 4;
    std::string out;
    out.reserve(size);
    (((out += request.method) += ' ') += request.path) += request.query;
    (out += " HTTP/1.1\r\nHost: ").append(authority) += "\r\n";
    put_fields(out, request.headers);
    put_framing(out, request.body);
    if (request.expects_continue) out += "Expect: 100-continue\r\n";
    if (request.websocket) out += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    return out += "\r\n";
}

std::string print_response_head(RelayResponse const& response, Goes goes)
{
    // The upstream's own words for a status could carry anything.
    auto const reason = http::obsolete_reason(http::int_to_status(response.status));
    std::string out = "HTTP/1.1 " + std::to_string(response.status) + ' ';
    out.append(reason) += "\r\n";
    put_fields(out, response.headers);
    put_framing(out, response.body);
    if (!response.stated_length.empty()) (out += "Content-Length: ").append(response.stated_length) += "\r\n";
    if (response.websocket)
        out += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    else if (goes == Goes::away)
        out += "Connection: close\r\n";
    return out += "\r\n";
}

}  // namespace ocu::wire
