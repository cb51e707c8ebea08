// SPDX-License-Identifier: GPL-3.0-or-later
// Face: what a guest sends to an intermediary. Whatever it is, what is printed for the upstream reads back as the very same request, and
// nothing that ends at this hop is in it; a body's pieces do not depend on how they were cut (EG-5, T-02).

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

struct BodyRead {
    std::string body;
    bool done = false;
    bool broken = false;
    std::size_t used = 0;
};

BodyRead read_body(BodyFraming framing, std::string_view bytes, std::size_t step)
{
    BodyReader reader(framing, BodyReader::Extensions::refused);
    BodyRead out;
    while (out.used < bytes.size() && !reader.done() && !reader.broken()) {
        auto const used = reader.feed(bytes.substr(out.used, step), 7 + step, out.body);
        check(used != 0);
        out.used += used;
    }
    out.done = reader.done();
    out.broken = reader.broken();
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0) return 0;
    std::string_view const bytes(reinterpret_cast<char const*>(data) + 1, size - 1);
    auto const end = find_head_end(bytes);
    if (!end || *end == 0) return 0;
    auto const request = read_request_head(bytes.substr(0, *end));
    if (!request || request->headers.size() + 3 > kRelayFieldsMax) return 0;  // with ours besides, one too many for our own reader
    check(request->path.starts_with('/') && !request->path.contains("/../") && !request->path.contains('\\'));
    check(normalise_path(request->path) == request->path);
    auto const authority = request->host.contains(':') ? '[' + request->host + ']' : request->host;
    auto const printed = print_request_head(*request, authority);
    auto const again = read_request_head(printed);
    check(again.has_value());
    check(again->method == request->method && again->path == request->path && again->query == request->query);
    check(again->host == request->host && again->body == request->body && again->websocket == request->websocket);
    check(again->headers.size() == request->headers.size() && again->expects_continue == request->expects_continue);
    for (auto const& each : request->headers) {
        auto const name = lower_case(each.name);
        check(name != "connection" && name != "transfer-encoding" && name != "content-length" && name != "host" &&
              !name.starts_with("proxy-"));
    }
    auto const rest = bytes.substr(*end);
    auto const whole = read_body(request->body, rest, 1'000'000), cut = read_body(request->body, rest, 1 + data[0] % 16);
    check(whole.done == cut.done && whole.broken == cut.broken && whole.body == cut.body && (whole.broken || whole.used == cut.used));
    return 0;
}
