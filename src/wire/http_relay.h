// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// An HTTP/1.1 intermediary between two connected transports (EG-5, EG-7): reads a request from the guest, has its owner judge the head, prints
// it anew for the upstream, streams the body, reads the answer's head, prints it anew, streams its body; then the next request. Framing is
// decided once, at the head. Nothing is read from one side while the other does not take it: at most about 64 KiB wait in each direction.
//
//     guest    head ── request() ── asking ── forward() ── body ── done ┐
//                                        └─── refuse()                  ├─ the next one, or the end
//     upstream                 head (1xx passed on) ── response() ── body ┘
//
// A request that is asked about, or an answer that its owner holds, may be shown to an adapter first: it then goes on as the adapter gives it.
// A body that ends with the upstream's connection is sent to the guest in chunks: it sees whether the end was an end. Trailers are dropped.
// After an answer that came before its request was whole, and after a refusal of a request with a body, the connection is closed.
// An upstream that ends without an answer: 502 for the first request, a bare close for a later one (the client then knows to try again).
// Threading: the loop's thread. Owner's callbacks run from the loop, never from within a call into the relay.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "wire/http_adapter.h"
#include "wire/http_relay_body.h"
#include "wire/http_relay_head.h"
#include "wire/http_transport.h"
#include "wire/loop.h"

namespace ocu::wire {

struct RelayLimits {
    std::size_t buffer_bytes_max = 64u << 10;  // waiting in one direction; a head may take it to kRelayHeadBytesMax more
    std::chrono::milliseconds head{10'000};  // a request head, from its first byte
    std::chrono::milliseconds idle{120'000};  // between requests
    std::chrono::milliseconds quiet{600'000};  // within a request or a WebSocket: no byte either way
    std::chrono::milliseconds stalled{60'000};  // a side that does not read
    std::chrono::milliseconds linger{1'000};  // after the last byte to the guest, reading what it still sends
    std::chrono::milliseconds held{50};  // a body filter's tail that could be the beginning of something
    std::size_t linger_bytes_max = 1u << 20;
    unsigned informational_max = 16;  // 1xx before an answer
};

// Looks at every byte of an answer's body and may change it.
class BodyFilter {
public:
    virtual ~BodyFilter() = default;
    // Appends to `out` what may go on; keeps back what could be the beginning of something. `last`: nothing is kept.
    virtual void feed(std::string_view in, bool last, std::string& out) = 0;
    // After a pause: a little of what is kept may go, so that a message is not held up by its last bytes.
    virtual void release(std::string& out) = 0;
    // Whether every byte that comes in goes out as one byte.
    virtual bool keeps_length() const = 0;
};

struct RelayDone {
    unsigned status = 0;  // what the guest got; 0: broken off
    std::uint64_t bytes_up = 0;  // of the body
    std::uint64_t bytes_down = 0;
};

struct RelayTotals {
    std::uint64_t bytes_up = 0;  // all that was read from the guest, under its TLS
    std::uint64_t bytes_down = 0;  // all that was written to it
};

class RelayOwner {
public:
    virtual ~RelayOwner() = default;
    // Answered later, once, by forward() or refuse().
    virtual void request(RelayRequest const& request) = 0;
    // An answer's head, informational ones too; its headers may be changed. Returning a response refuses the answer: it is sent instead.
    virtual std::optional<HttpResponse> response(RelayResponse& response) = 0;
    // Asked after response() for an answer with a body, and for a WebSocket; may be null. Lives until the body is over.
    virtual std::unique_ptr<BodyFilter> filter(RelayResponse const& response) = 0;
    // Asked last, for a final answer that is no WebSocket: true keeps it back until adapt_response() and answer_with(), or refuse_answer().
    virtual bool holds(RelayResponse const&) { return false; }
    // What a guest is told whose request is not taken, or whose upstream gave no answer (gone, upstream).
    virtual HttpResponse explain(RelayFault fault) = 0;
    // For each request that was forwarded or refused by refuse().
    virtual void done(RelayDone const& done) = 0;
    // The last word. `fault` none: it ended as HTTP connections do.
    virtual void ended(RelayFault fault, RelayTotals totals) = 0;
};

class HttpRelay {
public:
    enum class Secret { none, carried };  // carried: the buffers that held the head are wiped as they are written
    enum class Then { go_on, close };

    // `upstream` may be null: every request must then be refused, until there is one. `already`: what was read from the guest. `owner` must outlive this.
    HttpRelay(Loop& loop, std::unique_ptr<Transport> guest, std::unique_ptr<Transport> upstream, std::string already, RelayLimits limits,
        RelayOwner& owner);
    ~HttpRelay();
    HttpRelay(HttpRelay const&) = delete;
    HttpRelay& operator=(HttpRelay const&) = delete;

    // For a relay that began with none, before it forwards anything.
    void set_upstream(std::unique_ptr<Transport> upstream);
    void forward(RelayRequest const& request, std::string_view authority, Secret secret, Then then = Then::go_on);
    void refuse(HttpResponse const& response, Then then = Then::go_on);
    // While a request is asked about: its body goes to the adapter, at once. What forward() is given later is the head that goes with what
    // the adapter gives; refuse() ends it. A guest that waits for leave to send its body gets it.
    void adapt_request(std::unique_ptr<BodyAdapter> adapter);
    // While an answer is held: the same for it. `head` says the framing.
    void adapt_response(std::unique_ptr<BodyAdapter> adapter);
    void answer_with(RelayResponse const& head);
    void refuse_answer(HttpResponse const& response);
    // Closes both sides at once, the guest's with a reset. The owner hears nothing more.
    void cut();
    RelayTotals totals() const;

private:
    class State;
    std::shared_ptr<State> state_;  // shared with the operations pending on its transports
};

}  // namespace ocu::wire
