// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One side of an HTTP/2 connection, over bytes in and bytes out: nghttp2 with every default that counts here said by name (T-06).
//
//   bounds    100 streams of a guest, no pushes; 128 KiB unread in a stream, 512 KiB in the connection; 32 KiB and 128 fields in a header list,
//             8 CONTINUATIONs; 500 resets at once and 50 a second; 64 answers to PING or SETTINGS that the peer does not fetch
//   never     extended CONNECT (RFC 8441), push, priorities, an index entry for a credential
//
// Windows open only with consume(). Memory that the library gives back is wiped in a client's session: a request's header may be a credential.
// Threading: the loop's thread. Events come from within feed() and next(); every call but these two may be made from within an event.

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/result.h"
#include "wire/http2_head.h"

namespace ocu::wire {

using Http2StreamId = std::int32_t;

inline constexpr std::size_t kHttp2StreamsMax = 100;
inline constexpr std::size_t kHttp2StreamWindowBytes = 128u << 10;
inline constexpr std::size_t kHttp2WindowBytes = 512u << 10;
static_assert(kHttp2StreamWindowBytes < kHttp2WindowBytes, "one stream that is not read does not stop the others");

// RFC 9113, 7.
enum class Http2Error : std::uint32_t {
    none = 0,
    protocol = 1,
    internal = 2,
    refused_stream = 7,
    cancel = 8,
    enhance_your_calm = 11,
};

struct Http2Pull {
    enum class More : std::uint8_t { some, later, over };
    std::size_t size = 0;
    More more = More::later;
    Http2Fields trailers{};  // with over; empty: none
};

class Http2Events {
public:
    virtual ~Http2Events() = default;
    enum class Head : std::uint8_t { first, trailers };  // first: a request, or an answer's head, informational ones too
    enum class Fits : std::uint8_t { yes, no };  // no: more than a header list may be, and not all of it is there
    virtual void head_begun() = 0;
    virtual void head(Http2StreamId stream, Head kind, Http2Fields fields, Http2End end, Fits fits) = 0;
    virtual void data(Http2StreamId stream, std::string_view bytes) = 0;
    virtual void data_over(Http2StreamId stream) = 0;
    virtual void closed(Http2StreamId stream, std::uint32_t error) = 0;
    virtual void end_sent(Http2StreamId stream) = 0;  // our side of it is over
    virtual void went_away() = 0;  // GOAWAY
    virtual void broken(Http2StreamId stream) = 0;  // a frame that the protocol does not allow; 0: of the connection
    virtual void control(unsigned cost) = 0;  // a frame that carries nothing of a message
    virtual Http2Pull pull(Http2StreamId stream, std::span<char> into) = 0;  // of a body that was announced
};

class Http2Session {
public:
    enum class Side { server, client };
    enum class Body { none, follows };
    enum class Secret { none, carried };

    // `events` must outlive this. Errors: unavailable.
    static Result<std::unique_ptr<Http2Session>> make(Side side, Http2Events& events);
    virtual ~Http2Session() = default;

    // False: the library has given the connection up (no preface, a flood of questions that are not fetched). A peer that breaks the protocol
    // otherwise is told so by next(), and then the session is over().
    virtual bool feed(std::string_view bytes) = 0;
    // What goes to the peer next, valid until the next call; empty: nothing now.
    virtual std::string_view next() = 0;
    virtual bool over() const = 0;  // neither side has anything to say any more

    // 0: it cannot be (the peer goes away).
    virtual Http2StreamId request(Http2Fields const& fields, Body body, Secret secret) = 0;
    virtual void respond(Http2StreamId stream, Http2Fields const& fields, Body body) = 0;
    virtual void inform(Http2StreamId stream, Http2Fields const& fields) = 0;  // 1xx
    virtual void resume(Http2StreamId stream) = 0;  // pull() has something again
    virtual void consume(Http2StreamId stream, std::size_t size) = 0;  // also of a stream that is closed; 0: of one that is forgotten
    virtual void reset(Http2StreamId stream, std::uint32_t error) = 0;
    virtual void go_away() = 0;  // nothing new; what runs goes on
    virtual void terminate(Http2Error error) = 0;
};

}  // namespace ocu::wire
