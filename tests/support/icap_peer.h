// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An ICAP server in the test's hands: answers are given as HTTP text, and framed here.

#include "support/relay_stand.h"
#include "wire/icap_adapter.h"

namespace test_support {

inline std::string icap_chunks(std::string_view body)
{
    std::string out;
    put_body(out, Framing::chunked, body);
    put_body_end(out, Framing::chunked);
    return out;
}

// `kind`: "req" or "res". No body: null-body.
inline std::string icap_200(std::string const& kind, std::string const& head, std::optional<std::string> const& body = {}, std::string const& fields = {})
{
    return "ICAP/1.0 200 OK\r\n" + fields + "Encapsulated: " + kind + "-hdr=0, " + (body ? kind + "-body=" : "null-body=") + std::to_string(head.size()) + "\r\n\r\n" + head +
           (body ? icap_chunks(*body) : "");
}

inline std::string const kIcap204 = "ICAP/1.0 204 No Content\r\n\r\n";
inline std::string const kIcap100 = "ICAP/1.0 100 Continue\r\n\r\n";

}  // namespace test_support
