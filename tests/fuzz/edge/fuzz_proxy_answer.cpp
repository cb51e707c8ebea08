// SPDX-License-Identifier: GPL-3.0-or-later
// Face: what a customer's proxy answers to CONNECT, in pieces whose size the first byte says. However it is cut, the end of the head is the same
// place, and it lies within the bound.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "edge/proxy_answer_face.h"

namespace {

using ocu::edge::ProxyAnswer;

struct Read {
    ProxyAnswer::State state;
    unsigned status;
    std::size_t bytes;
};

Read read(std::string_view bytes, std::size_t step)
{
    ProxyAnswer answer;
    std::size_t at = 0;
    while (at < bytes.size() && answer.state() == ProxyAnswer::State::wants_more) {
        auto const piece = bytes.substr(at, step);
        auto const taken = answer.take(piece);
        if (taken == 0 || taken > piece.size()) std::abort();
        if (taken != piece.size() && answer.state() == ProxyAnswer::State::wants_more) std::abort();
        at += taken;
    }
    Read const out{answer.state(), answer.status(), at};
    if (out.state != ProxyAnswer::State::wants_more && answer.take("HTTP/1.1 200 OK\r\n\r\n") != 0) std::abort();
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    if (size == 0) return 0;
    std::string_view const bytes(reinterpret_cast<char const*>(data) + 1, size - 1);
    auto const whole = read(bytes, std::max<std::size_t>(bytes.size(), 1));
    auto const cut = read(bytes, std::max<std::size_t>(data[0], 1));
    if (whole.bytes > ocu::edge::kProxyAnswerBytesMax) std::abort();
    if (whole.state != cut.state || whole.status != cut.status) std::abort();
    if (whole.state != ProxyAnswer::State::malformed && whole.bytes != cut.bytes) std::abort();
    if (whole.state == ProxyAnswer::State::tunnel && whole.status / 100 != 2) std::abort();
    if (whole.state == ProxyAnswer::State::tunnel && !bytes.substr(0, whole.bytes).ends_with("\r\n\r\n")) std::abort();
    if (whole.state == ProxyAnswer::State::refused && (whole.status < 200 || whole.status / 100 == 2)) std::abort();
    return 0;
}
