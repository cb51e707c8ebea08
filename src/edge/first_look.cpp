// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/first_look.h"

#include "wire/http_head.h"

namespace ocu::edge {

namespace {

constexpr char kTlsHandshake = 0x16;
constexpr std::size_t kHostBytesMax = 256;

}  // namespace

std::string printable(std::string_view text, std::size_t bytes_max)
{
    std::string out(text.substr(0, bytes_max));
    for (char& c : out)
        if (c <= ' ' || c >= 0x7f) c = '?';
    return out;
}

FirstLook look_at(std::string_view bytes)
{
    if (bytes.empty()) return {};
    if (bytes.front() == kTlsHandshake) return {true, proto::EgressProtocol::tls, {}};
    // Every method that programs send begins with a capital letter; all else is no request and need not wait for more bytes.
    if (bytes.front() < 'A' || bytes.front() > 'Z') return {true, proto::EgressProtocol::tcp, {}};
    auto const head = wire::parse_http_head(bytes);
    if (head) return {true, proto::EgressProtocol::http, printable(head->host, kHostBytesMax)};
    if (head.error().fault == Fault::unavailable) return {};
    return {true, proto::EgressProtocol::tcp, {}};
}

}  // namespace ocu::edge
