// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// ICAP's own frame around HTTP messages (RFC 3507; EG-11): what a server is asked, and the head of what it answers. HTTP heads inside are
// printed and read by http_relay_head; the fields of an ICAP head have HTTP's grammar and are read by the same code.
//
//     REQMOD icap://10.0.0.5:1344/avscan ICAP/1.0          ICAP/1.0 200 OK
//     Host, Allow, Preview, Encapsulated: ─┐               Encapsulated: req-hdr=0, req-body=41
//     (empty line)                         │               (empty line)
//     head(s) of HTTP, each whole    <─────┘ offsets        head of HTTP
//     body in chunks, if there is one                       body in chunks, if there is one
//
// Pure; threading: any.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "wire/http_relay_head.h"

namespace ocu::wire {

enum class IcapMethod : std::uint8_t { reqmod, respmod };

struct IcapService {
    std::string uri;   // icap://10.0.0.5:1344/avscan
    std::string host;  // 10.0.0.5:1344
};

struct IcapQuestion {
    IcapMethod method{};
    IcapService service;
    std::string request_head;   // of HTTP, whole, with its empty line
    std::string response_head;  // respmod
    bool has_body = false;
    Scheme scheme = Scheme::http;  // of what the answer may call the request's target
};

// `preview_bytes` of the body will follow before the server says whether it wants more; not looked at without a body.
std::string print_icap_head(IcapQuestion const& question, std::size_t preview_bytes);

struct IcapAnswer {
    enum class Carries : std::uint8_t { nothing, request, response };
    unsigned status = 0;
    bool keep_alive = true;
    bool found = false;  // it says that it found something: X-Infection-Found, X-Violations-Found
    Carries carries = Carries::nothing;
    std::size_t head_bytes = 0;  // of the HTTP head that follows
    bool has_body = false;       // chunks follow that
};

// `head` ends with its empty line. An answer of 200 carries exactly one HTTP head; no other carries anything. Errors: grammar, version,
// too_large, framing (offsets that do not fit).
std::expected<IcapAnswer, RelayFault> read_icap_head(std::string_view head, IcapMethod asked);

}  // namespace ocu::wire
