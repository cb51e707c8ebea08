// SPDX-License-Identifier: GPL-3.0-or-later
// Face: what a time server says after its TLS handshake. Whatever it is, what comes out of it keeps the bounds.

#include <cstdlib>

#include "clock/limits.h"
#include "clock/nts_ke_face.h"

using namespace ocu;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    auto const answer = clock::parse_ke_answer({reinterpret_cast<std::byte const*>(data), size}, "192.0.2.7");
    if (!answer) return 0;
    if (size > clock::kKeAnswerBytesMax || answer->port == 0) std::abort();
    if (answer->cookies.empty() || answer->cookies.size() > clock::kCookiesMax) std::abort();
    for (auto const& each : answer->cookies)
        if (each.empty() || each.size() > clock::kCookieBytesMax || each.size() % 4 != 0) std::abort();
    return 0;
}
