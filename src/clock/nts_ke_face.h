// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a Network Time Security server says after its TLS handshake (RFC 8915 section 4), and what it is asked. Pure functions.
//
//      0                   1                   2                   3
//     |C|    type (15 bits)         |   length of body (16 bits)    |   C: whoever does not know the type must give up
//     |   body ...                                                  |   big-endian; the last record is "end of message"

#include <span>
#include <string_view>
#include <vector>

#include "wire/codec.h"

namespace ocu::clock {

struct KeAnswer {
    std::vector<wire::Bytes> cookies;  // 1..kCookiesMax, each 4..kCookieBytesMax bytes and a multiple of four
    std::uint16_t port = 123;          // where its NTP answers
};

// We speak NTPv4 with AEAD_AES_SIV_CMAC_256 and nothing else.
wire::Bytes compose_ke_request();

// `bytes`: what has arrived so far. `address`: the server's, numeric; it may name that as its NTP server and no other.
// Errors: unavailable (not complete: wait for more), over_limit, malformed, not_found (it does not speak what we do), denied (it says an
// error), conflict (it sends us to another machine).
Result<KeAnswer> parse_ke_answer(std::span<std::byte const> bytes, std::string_view address);

}  // namespace ocu::clock
