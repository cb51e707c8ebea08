// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An HTTP/2 intermediary between two connected transports (EG-5, EG-7): as http_relay.h, for many requests at once. Each stream of the guest
// is judged by the owner by its head, and becomes one stream of the upstream, printed anew from values. Bodies go both ways as the other side
// takes them: what waits is bounded by the windows of http2_session.h, which open only when bytes have gone on. Trailers go on, as the owner
// leaves them; informational answers too.
//
//     guest stream   head ── request() ── asking ── forward() ── body, trailers ── done()
//                                            └───── refuse() ──────────────────┘
//
// What breaks in one stream ends that stream: RST_STREAM is carried through with its code, and 502 or 504 is said where no answer had begun.
// What the guest may not send at all (grammar, another authority, more than is bounded) is answered where it can be, and nothing new is taken
// after it: GOAWAY, the streams that run go on, `ended` carries the fault. The upstream's GOAWAY becomes one to the guest.
// A frame that the protocol does not allow, or too many that carry nothing, end the connection at once.
// Threading: the loop's thread. Owner's callbacks run from the loop, never from within a call into the relay.

#include <memory>
#include <optional>

#include "wire/http2_session.h"
#include "wire/http_relay.h"

namespace ocu::wire {

class Http2Owner {
public:
    virtual ~Http2Owner() = default;
    // Answered later, once, by forward() or refuse(), even if the guest has reset the stream meanwhile.
    virtual void request(Http2StreamId stream, RelayRequest const& request) = 0;
    // As RelayOwner has them.
    virtual std::optional<HttpResponse> response(Http2StreamId stream, RelayResponse& response) = 0;
    virtual std::unique_ptr<BodyFilter> filter(Http2StreamId stream, RelayResponse const& response) = 0;
    virtual HttpResponse explain(Http2StreamId stream, RelayFault fault) = 0;
    // A request's trailers: false resets the stream. An answer's: they may be changed.
    virtual bool request_trailers(Http2StreamId stream, Http2Fields const& trailers) = 0;
    virtual void response_trailers(Http2StreamId stream, Http2Fields& trailers) = 0;
    // For each request for which there was a request(), and forward() or refuse(): the last word about that stream.
    virtual void done(Http2StreamId stream, RelayDone const& done) = 0;
    virtual void ended(RelayFault fault, RelayTotals totals) = 0;
};

class Http2Relay {
public:
    using Secret = HttpRelay::Secret;

    // As HttpRelay's. Of the limits, `buffer_bytes_max` is what waits for a transport, above what waits in streams.
    Http2Relay(Loop& loop, std::unique_ptr<Transport> guest, std::unique_ptr<Transport> upstream, RelayLimits limits, Http2Owner& owner);
    ~Http2Relay();
    Http2Relay(Http2Relay const&) = delete;
    Http2Relay& operator=(Http2Relay const&) = delete;

    void forward(Http2StreamId stream, RelayRequest const& request, std::string_view authority, Secret secret);
    void refuse(Http2StreamId stream, HttpResponse const& response, HttpRelay::Then then = HttpRelay::Then::go_on);
    // As HttpRelay's: while it is asked about, its body goes to the adapter; forward() or refuse() come later. What the adapter breaks off
    // after it was forwarded is reset towards the upstream, and explained to the guest where that has had no answer yet; then the connection goes away.
    void adapt_request(Http2StreamId stream, std::unique_ptr<BodyAdapter> adapter);
    // Closes both sides at once, the guest's with a reset. The owner hears nothing more.
    void cut();
    RelayTotals totals() const;

private:
    class State;
    std::shared_ptr<State> state_;  // shared with the operations pending on its transports
};

}  // namespace ocu::wire
