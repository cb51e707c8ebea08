// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// One open route whose handling is `http` or `bump` (EG-1, EG-5, EG-7, EG-9): an intermediary of HTTP/1.1, and of HTTP/2 with `bump`, between a guest's connection
// and the upstream's. With `bump`, TLS ends here on both sides: the guest sees a leaf that custody signed, and the upstream is verified before a byte
// of a request goes to it. Each request is asked for: HTTP/1.1's in order, one at a time, HTTP/2's as they come, several at once.
//
//     Exchange ── ask ──> thread ── allowed / refused ──> Exchange ── done ──> ... ── ended (once, the last word; may destroy the Exchange)
//
// What is refused here without asking (grammar, names, TLS) ends the connection, and `ended` carries the reason. What is refused after it was
// allowed (no scoped token, no credential) is `done` with a reason, and the connection stays usable where its framing allows.
// The caller has settled who answers CONNECT: after it, the first byte here is TLS (bump) or a request (http).
// A connection to the proxy port (`absolute`) carries one request and is closed, so that the next authority comes on a route of its own.
// Threading: the loop's thread. Callbacks are never made from within the constructor, allowed(), refused() or cut().

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "proto/edge_helper_to_custody_helper.h"
#include "proto/edge_helper_to_edge.h"
#include "edge/withheld_set.h"
#include "wire/loop.h"

namespace ocu::edge {

using LeafKey = std::array<std::uint8_t, 65>;  // P-256, uncompressed

// In production a wire::Link of proto/edge_helper_to_custody_helper.h. Each `then` is called once, later, on the loop's thread, also when the
// channel is lost (with nothing, and with credential_unavailable); it may be called after the asker has gone.
class Custody {
public:
    virtual ~Custody() = default;
    // A leaf certificate (DER) for the host and key, or an error.
    virtual void leaf(std::string_view host, LeafKey const& key, std::function<void(Result<std::string>)> then) = 0;
    // The credential, if the reason is none. `then` wipes the message's credential before it returns.
    virtual void redeem(std::uint64_t lease, std::string_view token, std::function<void(proto::Redeemed&)> then) = 0;
    // `wanted.request` is numbered here.
    virtual void prove(proto::ClientProofWanted wanted, std::function<void(proto::ClientProof const&)> then) = 0;
};

// What all exchanges of one process share: its own leaf key (made here, never leaves), the leaves that it has got, and the roots.
class ExchangeTools {
public:
    // `roots_pem`: what upstreams are verified against; at least one root must load. Empty: no upstream is accepted, and requests in the clear are served. `custody`, `clock` and `withheld` must outlive this.
    // Errors: malformed (no root loads), unavailable (the library refuses the rules), os.
    static Result<std::shared_ptr<ExchangeTools>> make(
        std::string_view roots_pem, Custody& custody, Clock const& clock, WithheldSet& withheld);
    ExchangeTools(ExchangeTools const&) = delete;
    ExchangeTools& operator=(ExchangeTools const&) = delete;
    ~ExchangeTools();

    struct Parts;
    Parts& parts() { return *parts_; }

private:
    explicit ExchangeTools(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

struct ExchangeRoute {
    ConnectionId connection;
    proto::Handling handling = proto::Handling::http;  // http or bump
    proto::RouteForm form = proto::RouteForm::direct;
    std::string name;  // what the route was opened for: DNS name, lower case, or numeric address
    std::uint16_t port = 0;
    std::string upstream_name;  // bump: whose certificate the upstream must show
    bool client_certificate = false;  // bump: the upstream's TLS waits for the first request that may have the certificate
    bool http1_only = false;  // bump: HTTP/2 is offered to neither side
    std::string contact = {};  // for refusals: edge/refusal.h
};

class Exchange {
public:
    struct Calls {
        std::function<void(proto::RequestAsked)> ask;
        std::function<void(proto::RequestDone)> done;  // once for each request that was allowed; not for one that a cut ended
        // The second is a word for the record: why an upstream was not accepted ("chain", "dates", ...), or what was wrong; else empty.
        std::function<void(proto::ConnectionEnded, std::string_view)> ended;
        std::function<void(proto::IcapAsked)> ask_icap = nullptr;  // only for a request that was allowed with an order
    };

    // `guest`: connected, non-blocking or not; `already`: what was read from it (all of a ClientHello, a request head, part of one, nothing).
    // `upstream`: connected. Both are owned from here on.
    Exchange(std::shared_ptr<ExchangeTools> tools, wire::Loop& loop, UniqueFd guest, std::string already, UniqueFd upstream,
        ExchangeRoute route, Calls calls);
    ~Exchange();  // as cut(), without `ended`
    Exchange(Exchange const&) = delete;
    Exchange& operator=(Exchange const&) = delete;

    // Answers to `ask`. A word about a request that is not waiting is ignored.
    void allowed(proto::RequestAllowed const& message);
    void refused(proto::RequestRefused const& message);
    void icap_opened(proto::IcapOpened const& message, UniqueFd socket);
    void icap_refused(proto::IcapRefused const& message);
    // Ends both connections at once, with a reset towards the guest. `ended` follows, on the loop, unless the Exchange goes first.
    void cut();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;  // shared with the pending operations of its two connections
};

}  // namespace ocu::edge
