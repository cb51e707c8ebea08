// SPDX-License-Identifier: GPL-3.0-or-later
#include "wire/http2_head.h"

#include <algorithm>
#include <charconv>

#include "wire/http_relay_fields.h"

namespace ocu::wire {

namespace {

constexpr std::string_view kTeTrailers = "trailers";

struct Split {
    Fields pseudo, fields;
};

Split split(Http2Fields const& from)
{
    Split out;
    for (auto const& each : from) (each.name.starts_with(':') ? out.pseudo : out.fields).all.push_back(each);
    return out;
}

std::expected<BodyFraming, RelayFault> framing_of(Fields const& fields, Http2End end)
{
    auto const lengths = fields.count("content-length");
    if (lengths > 1) return std::unexpected(RelayFault::framing);
    if (lengths == 1) {
        auto const length = length_in(fields.first("content-length"));
        if (!length || (end == Http2End::stream && *length != 0)) return std::unexpected(RelayFault::framing);
        return BodyFraming{Framing::length, *length};
    }
    return BodyFraming{end == Http2End::stream ? Framing::none : Framing::chunked, 0};
}

std::expected<void, RelayFault> read_host(Split const& from, RelayRequest& out)
{
    auto const& authority = from.pseudo.first(":authority");
    auto const hosts = from.fields.count("host");
    if (hosts > 1 || (authority.empty() && hosts == 0)) return std::unexpected(RelayFault::host);
    if (!read_authority(authority.empty() ? from.fields.first("host") : authority, out.host, out.port))
        return std::unexpected(RelayFault::host);
    if (authority.empty() || hosts == 0) return {};
    std::string host;
    std::uint16_t port = 0;
    // A client sends both alike; which of two different ones counts is not ours to guess. Port 443 is what an absent one means.
    if (!read_authority(from.fields.first("host"), host, port) || host != out.host ||
        (port == 0 ? 443 : port) != (out.port == 0 ? 443 : out.port))
        return std::unexpected(RelayFault::host);
    return {};
}

std::vector<HttpHeader> lower(std::vector<HttpHeader> const& headers, std::vector<HttpHeader> out)
{
    for (auto const& each : headers) out.push_back({lower_case(each.name), each.value});
    return out;
}

}  // namespace

std::expected<RelayRequest, RelayFault> read_http2_request(Http2Fields const& fields, Http2End end)
{
    auto const from = split(fields);
    if (fields.size() > kRelayFieldsMax) return std::unexpected(RelayFault::too_large);
    RelayRequest out;
    out.method = std::string(from.pseudo.first(":method"));
    if (out.method == "CONNECT" || out.method == "TRACE" || out.method.empty() || out.method.size() > kRelayMethodBytesMax)
        return std::unexpected(RelayFault::method);
    if (from.pseudo.count(":protocol") != 0 || from.pseudo.first(":scheme") != "https") return std::unexpected(RelayFault::target);
    auto const body = framing_of(from.fields, end);
    if (!body) return std::unexpected(body.error());
    out.body = *body;
    if (auto const good = read_host(from, out); !good) return std::unexpected(good.error());
    if (auto const good = read_path(from.pseudo.first(":path"), out); !good) return std::unexpected(good.error());
    if (from.fields.count("expect") != 0) {
        if (from.fields.count("expect") != 1 || !same_name(from.fields.first("expect"), "100-continue"))
            return std::unexpected(RelayFault::expectation);
        out.expects_continue = out.body.kind != Framing::none;
    }
    out.headers = from.fields.end_to_end();
    // The one value that is allowed; without it some servers send no trailers.
    if (from.fields.first("te") == kTeTrailers) out.headers.push_back({"te", std::string(kTeTrailers)});
    return out;
}

std::expected<RelayResponse, RelayFault> read_http2_response(Http2Fields const& fields, Http2End end, Asked asked)
{
    auto const from = split(fields);
    if (fields.size() > kRelayFieldsMax) return std::unexpected(RelayFault::upstream);
    RelayResponse out;
    auto const status = from.pseudo.first(":status");
    auto const [last, error] = std::from_chars(status.data(), status.data() + status.size(), out.status);
    if (error != std::errc{} || last != status.data() + status.size() || out.status < 100 || out.status > 599 || out.status == 101)
        return std::unexpected(RelayFault::upstream);
    bool const bodiless = asked.head || out.status / 100 == 1 || out.status == 204 || out.status == 304;
    if (bodiless) {
        if (asked.head || out.status == 304) {
            auto const length = from.fields.first("content-length");
            if (!length.empty() && !length_in(length)) return std::unexpected(RelayFault::upstream);
            out.stated_length = std::string(length);
        }
    } else {
        auto const body = framing_of(from.fields, end);
        if (!body) return std::unexpected(RelayFault::upstream);
        out.body = *body;
    }
    out.headers = from.fields.end_to_end();
    return out;
}

std::expected<Http2Fields, RelayFault> read_http2_trailers(Http2Fields const& fields)
{
    auto const from = split(fields);
    if (!from.pseudo.all.empty() || fields.size() > kRelayFieldsMax) return std::unexpected(RelayFault::grammar);
    return from.fields.end_to_end();
}

Http2Fields print_http2_request(RelayRequest const& request, std::string_view authority)
{
    Http2Fields out;
    // Once and for all: a list that grows leaves copies of short values behind, and a header here may be a credential.
    out.reserve(request.headers.size() + 6);
    out.push_back({":method", request.method});
    out.push_back({":scheme", "https"});
    out.push_back({":authority", std::string(authority)});
    out.push_back({":path", request.path + request.query});
    if (request.body.kind == Framing::length) out.push_back({"content-length", std::to_string(request.body.length)});
    if (request.expects_continue) out.push_back({"expect", "100-continue"});
    return lower(request.headers, std::move(out));
}

Http2Fields print_http2_response(RelayResponse const& response)
{
    Http2Fields out;
    out.push_back({":status", std::to_string(response.status)});
    if (response.body.kind == Framing::length) out.push_back({"content-length", std::to_string(response.body.length)});
    if (!response.stated_length.empty()) out.push_back({"content-length", response.stated_length});
    return lower(response.headers, std::move(out));
}

}  // namespace ocu::wire
