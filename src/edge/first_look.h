// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What a guest's first bytes on a connection are, and which name they give: enough to ask for a route, and to refuse in the way that the
// program understands. Pure.

#include <string>
#include <string_view>

#include "proto/edge_helper_to_edge.h"

namespace ocu::edge {

struct FirstLook {
    bool complete = false;         // false: more bytes could change the answer
    bool malformed = false;        // begins as TLS does and is no hello that is understood
    proto::EgressProtocol protocol = proto::EgressProtocol::tcp;
    std::string name;              // of the hello, or of the Host field without its port: lower case, printable; empty if there is none
    bool encrypted_hello = false;
    std::string method;            // http
    std::string target;
    std::size_t head_bytes = 0;    // http: up to and with the empty line
};

// Never takes more than limits.h: kHeadBytesMax bytes for incomplete.
FirstLook look_at(std::string_view bytes);

// Printable ASCII without spaces, at most `bytes_max`; anything else becomes '?'. For text that goes into events (T-02, T-09).
std::string printable(std::string_view text, std::size_t bytes_max);

struct HostPort {
    std::string host;        // a name in lower case without its last dot, or an address as RFC 5952 writes it
    bool is_name = false;
    std::uint16_t port = 0;
};

// "host:port", "[address]:port"; without a port, `port_if_none` (0: then it is malformed). Errors: malformed.
Result<HostPort> read_host_port(std::string_view text, std::uint16_t port_if_none);
// The authority of "http://authority/..."; port 80 if it says none. Errors: malformed (another scheme, user information).
Result<HostPort> read_absolute_form(std::string_view target);

}  // namespace ocu::edge
