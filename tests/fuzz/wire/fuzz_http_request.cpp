// SPDX-License-Identifier: GPL-3.0-or-later
// Face: the bytes of an HTTP connection. The first byte says in which pieces the rest arrives; whatever comes, reading ends, stays
// within its limits, and says the same however the bytes are cut.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "wire/http_message.h"

namespace {

using namespace ocu::wire;

struct Outcome {
    RequestParser::Progress progress = RequestParser::Progress::need_more;
    unsigned status = 0;
    std::string body;
};

Outcome feed(std::string_view text, std::size_t step)
{
    HttpLimits limits;
    limits.header_bytes_max = 2048;
    limits.body_bytes_max = 4096;
    RequestParser parser(limits);
    std::string buffer;
    Outcome out;
    for (std::size_t at = 0; at < text.size(); at += step) {
        buffer.append(text.substr(at, step));
        do out.progress = parser.feed(buffer);
        while (out.progress == RequestParser::Progress::head_done);
        if (out.progress == RequestParser::Progress::need_more) continue;
        if (out.progress == RequestParser::Progress::refused) {
            out.status = parser.refusal().status;
            return out;
        }
        HttpRequest const request = parser.take();
        if (request.headers.size() > limits.header_count_max || request.body.size() > limits.body_bytes_max) std::abort();
        if (request.count("host") != 1 || request.target.empty() || request.target[0] != '/') std::abort();
        out.body = request.body;
        return out;
    }
    return out;
}

// The same with its body taken out piece by piece, under a ceiling of its own.
Outcome feed_streamed(std::string_view text, std::size_t step)
{
    HttpLimits limits;
    limits.header_bytes_max = 2048;
    limits.body_bytes_max = 4096;
    RequestParser parser(limits);
    std::string buffer;
    Outcome out;
    for (std::size_t at = 0; at < text.size(); at += step) {
        buffer.append(text.substr(at, step));
        out.progress = parser.feed(buffer);
        if (out.progress == RequestParser::Progress::head_done) {
            if (parser.head().target.empty()) std::abort();
            if (!parser.limit_body(limits.body_bytes_max / 2)) return {RequestParser::Progress::refused, 413, {}};
            (void)parser.take_head();
            out.progress = parser.feed(buffer);
        }
        out.body += parser.take_piece();
        if (out.body.size() > limits.body_bytes_max / 2) std::abort();
        if (out.progress != RequestParser::Progress::need_more) return out;
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0) return 0;
    std::string_view const text(reinterpret_cast<char const*>(data) + 1, size - 1);
    auto const whole = feed(text, 1'000'000);
    auto const cut = feed(text, 1 + data[0] % 64);
    if (whole.progress == RequestParser::Progress::done && (cut.progress != whole.progress || cut.body != whole.body)) std::abort();
    auto const streamed = feed_streamed(text, 1 + data[0] % 64);
    if (whole.progress == RequestParser::Progress::done && streamed.progress == whole.progress && streamed.body != whole.body) std::abort();
    return 0;
}
