// SPDX-License-Identifier: GPL-3.0-or-later
// Face: what a guest sends as HTTP/2. Whatever it is, what is asked of the owner has one host, a path that is normal, and no field of one hop;
// it prints to a header list that reads back as the same request; and what is kept of bodies stays within the windows (EG-5, T-02, T-06).

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>

#include "wire/http2_session.h"

namespace {

using namespace ocu::wire;

void check(bool good)
{
    if (!good) std::abort();
}

struct Guest final : Http2Events {
    void head_begun() override {}
    void head(Http2StreamId stream, Head kind, Http2Fields fields, Http2End end, Fits fits) override
    {
        if (fits == Fits::no) return;
        if (kind == Head::trailers) {
            (void)read_http2_trailers(fields);
            return;
        }
        auto const request = read_http2_request(fields, end);
        if (!request) return session->respond(stream, {{":status", "403"}}, Http2Session::Body::none);
        check(request->path.starts_with('/') && !request->path.contains("/../") && !request->path.contains('\\'));
        check(!request->host.empty() && request->method != "CONNECT" && request->method != "TRACE");
        for (auto const& each : request->headers)
            check(each.name != "connection" && each.name != "transfer-encoding" && each.name != "host" &&
                  !each.name.starts_with("proxy-") && !each.name.starts_with(':') && !each.value.contains('\n') &&
                  !each.value.contains('\r'));
        auto const authority = request->host.contains(':') ? '[' + request->host + ']' : request->host;
        auto const again = read_http2_request(print_http2_request(*request, authority), end);
        check(again.has_value() && again->method == request->method && again->path == request->path && again->query == request->query);
        check(again->host == request->host && again->body == request->body && again->headers.size() == request->headers.size());
        session->respond(stream, {{":status", "200"}}, Http2Session::Body::follows);
    }
    void data(Http2StreamId stream, std::string_view bytes) override
    {
        kept += bytes.size();
        waiting[stream] += bytes.size();
        check(waiting[stream] <= kHttp2StreamWindowBytes && kept <= kHttp2WindowBytes);
    }
    void data_over(Http2StreamId) override {}
    void closed(Http2StreamId stream, std::uint32_t) override
    {
        session->consume(stream, waiting[stream]);
        kept -= waiting[stream];
        waiting.erase(stream);
    }
    void end_sent(Http2StreamId) override {}
    void went_away() override {}
    void broken(Http2StreamId) override {}
    void control(unsigned) override {}
    Http2Pull pull(Http2StreamId, std::span<char>) override { return {0, Http2Pull::More::over, {{"x-trailer", "1"}}}; }

    Http2Session* session = nullptr;
    std::map<Http2StreamId, std::size_t> waiting;
    std::size_t kept = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0) return 0;
    Guest guest;
    auto session = Http2Session::make(Http2Session::Side::server, guest);
    check(session.has_value());
    guest.session = session->get();
    std::string bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    bytes.append(reinterpret_cast<char const*>(data) + 1, size - 1);
    std::size_t const step = 1 + data[0] * 16u;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
        if (!(*session)->feed(std::string_view(bytes).substr(at, step))) return 0;
        for (int i = 0; i < 64 && !(*session)->next().empty(); ++i) {
        }
    }
    return 0;
}
