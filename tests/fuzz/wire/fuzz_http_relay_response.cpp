// SPDX-License-Identifier: GPL-3.0-or-later
// Face: what an upstream answers to an intermediary. What is printed for the guest reads back as the same answer, framed once (EG-5, EG-7).

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "wire/http_relay_body.h"

namespace {

using namespace ocu::wire;

void check(bool good)
{
    if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0) return 0;
    std::string_view const bytes(reinterpret_cast<char const*>(data) + 1, size - 1);
    Asked const asked{(data[0] & 1) != 0, (data[0] & 2) != 0};
    auto const end = find_head_end(bytes);
    if (!end || *end == 0) return 0;
    auto response = read_response_head(bytes.substr(0, *end), asked);
    if (!response) return 0;
    // What is printed has fields of ours besides, and goes to the guest: that it may be one too many for our own reader says nothing.
    if (response->headers.size() + 3 > kRelayFieldsMax) return 0;
    if (response->body.kind == Framing::until_close) response->body = {Framing::chunked, 0};
    auto const again = read_response_head(print_response_head(*response, response->keep_alive ? Goes::on : Goes::away), asked);
    check(again.has_value());
    check(again->status == response->status && again->body == response->body && again->headers.size() == response->headers.size());
    check(again->keep_alive == response->keep_alive || response->websocket);

    // A chunked body, taken apart and put together, is the same body.
    BodyReader reader(response->body, BodyReader::Extensions::dropped);
    std::string body, framed;
    (void)reader.feed(bytes.substr(*end), 1'000'000, body);
    if (!reader.done() || response->body.kind != Framing::chunked) return 0;
    put_body(framed, Framing::chunked, body);
    put_body_end(framed, Framing::chunked);
    BodyReader second(response->body, BodyReader::Extensions::refused);
    std::string same;
    check(second.feed(framed, 1'000'000, same) == framed.size() && second.done() && same == body);
    return 0;
}
