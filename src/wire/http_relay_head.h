// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// Request and response heads as an HTTP/1.1 intermediary reads them: parsed once into values, and printed anew from those values, so that no
// byte passes because nobody understood it (EG-5, T-02). Head grammar is Beast's; what Beast tolerates is refused here first:
// obs-fold, bare CR or LF, control bytes, HTTP/1.0 requests, two ways to frame a body or one said twice, a transfer coding other than chunked.
// What ends at each hop is left out of the values: Connection and what it lists, Keep-Alive, Proxy-*, TE, Trailer, Upgrade, Transfer-Encoding,
// Content-Length, Host, Expect, Alt-Svc. Host and framing are printed from what was decided. Pure; threading: any.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "wire/http.h"

namespace ocu::wire {

inline constexpr std::size_t kRelayHeadBytesMax = 32u << 10;
inline constexpr std::size_t kRelayFieldsMax = 128;
inline constexpr std::size_t kRelayMethodBytesMax = 32;

// Why a message goes no further. Its name is for the record.
enum class RelayFault : std::uint8_t {
    none,
    grammar,  // not HTTP/1.1 as it is written
    version,  // HTTP/1.0 from a guest, HTTP/2, or something else
    too_large,  // head or number of fields
    framing,  // where the body ends is said twice, badly, or not at all
    host,  // Host is missing, repeated, not a name, or not what the target says
    target,  // a form, scheme or byte that is not taken
    path,  // a path that two readers could read differently
    method,  // CONNECT and TRACE
    expectation,  // other than 100-continue
    chunk,  // the coding of a body
    timeout,  // a head or a handshake that does not come, a side that does not read
    gone,  // a side went away in the middle
    upstream,  // the upstream's answer is not understood
    flood,  // HTTP/2: too many frames that carry nothing
    adapter,  // who looks at messages did not finish with this one
    kLast = adapter
};

constexpr std::string_view name_of(RelayFault fault)
{
    constexpr std::string_view kNames[] = {"none", "grammar", "version", "too_large", "framing", "host", "target", "path", "method",
        "expectation", "chunk", "timeout", "gone", "upstream", "flood", "adapter"};
    static_assert(std::size(kNames) == static_cast<std::size_t>(RelayFault::kLast) + 1);
    return kNames[static_cast<std::size_t>(fault)];
}

enum class Framing : std::uint8_t { none, length, chunked, until_close };

struct BodyFraming {
    Framing kind = Framing::none;
    std::uint64_t length = 0;
    bool operator==(BodyFraming const&) const = default;
};

struct RelayRequest {
    std::string method;
    std::string host;  // lower case, without port, last dot and brackets
    std::uint16_t port = 0;  // 0: not said
    bool absolute = false;  // the target had http://
    std::string path;  // normalised: this is judged, and this is sent
    std::string query;  // with its '?', or empty
    std::vector<HttpHeader> headers;
    BodyFraming body;
    bool expects_continue = false;
    bool keep_alive = true;
    bool websocket = false;  // asks for that upgrade, in the one form that it has
};

struct RelayResponse {
    unsigned status = 0;
    std::vector<HttpHeader> headers;
    BodyFraming body;
    std::string stated_length;  // Content-Length of an answer that has no body of its own (HEAD, 304)
    bool keep_alive = true;
    bool says_close = false;  // as a field, whatever its framing means
    bool websocket = false;  // 101 to that upgrade
};

// What the answer is read with: it decides whether there is a body.
struct Asked {
    bool head = false;
    bool websocket = false;
};

// Where the head ends (after its empty line), 0 if it is not whole, too_large if it cannot become so.
std::expected<std::size_t, RelayFault> find_head_end(std::string_view bytes);

enum class Scheme { http, https };

constexpr std::string_view prefix_of(Scheme scheme) { return scheme == Scheme::https ? "https://" : "http://"; }

// `head` ends with its empty line. `scheme`: what a target in absolute form must have; its default port is what an absent one means there.
std::expected<RelayRequest, RelayFault> read_request_head(std::string_view head, Scheme scheme = Scheme::http);
std::expected<RelayResponse, RelayFault> read_response_head(std::string_view head, Asked asked);

// What the peer is sent. `authority` is the Host: the name that the route stands for, with a port if it is not the scheme's own.
std::string print_request_head(RelayRequest const& request, std::string_view authority);
enum class Goes { on, away };  // whether the connection is used again
std::string print_response_head(RelayResponse const& response, Goes goes);

// The path as it is judged and sent: unreserved characters as themselves, all else that is not a path's own as %XX in upper case, dot segments
// removed, empty segments kept. An encoded slash stays encoded: whether it may pass is for the rules to say. Refused: an encoded backslash,
// control byte or NUL, a backslash, a bad escape, a dot segment with parameters ("..;x"): what some servers take for a way upwards.
// Errors: path, target.
std::expected<std::string, RelayFault> normalise_path(std::string_view path);

// host[:port]: lower case, without last dot and brackets; `port` stays as it is if none is said. False: not one.
bool read_authority(std::string_view text, std::string& host, std::uint16_t& port);

// ASCII, without case.
bool same_name(std::string_view left, std::string_view right);
std::string lower_case(std::string_view text);

}  // namespace ocu::wire
