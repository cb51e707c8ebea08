// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

// What an exchange does for one request, whatever version of HTTP carries it (EG-3, EG-5, EG-7, invariant 4): looks at its head, asks the
// thread, redeems the lease, puts the credential in, and takes it out of the answer again.
//
//     none ── request() ──> asked ── allowed() ──> (showing, redeeming, certifying) ──> forwarded ── done()
//                             └───── refused() ──────────────────┴──────────────────────> answered ─┘
//
// Threading: the loop's thread. Held by a shared_ptr: what custody answers finds it gone, or does not.

#include <functional>
#include <memory>
#include <optional>

#include "edge/body_watch.h"
#include "edge/exchange.h"
#include "edge/icap_stage.h"
#include "edge/strip.h"
#include "wire/http_relay.h"

namespace ocu::edge {

class RequestFlow : public std::enable_shared_from_this<RequestFlow> {
public:
    // Made from within request(), allowed() and refused(), or later. They must not destroy the flow.
    struct Calls {
        std::function<void(proto::RequestAsked)> ask;
        std::function<void(wire::RelayRequest const&, wire::HttpRelay::Secret)> forward;
        std::function<void(wire::HttpResponse const&)> refuse;
        // Makes the upstream's TLS with what was lent for the lease and token; certified() follows. Empty: nothing is lent as a certificate.
        std::function<void(std::uint64_t lease, std::string const& token, std::string chain_pem)> certify;
        // As wire::HttpRelay has them; the last three empty where no message is shown to an ICAP server.
        std::function<void(std::unique_ptr<wire::BodyAdapter>)> adapt_request;
        std::function<void(std::unique_ptr<wire::BodyAdapter>)> adapt_response;
        std::function<void(wire::RelayResponse const&)> answer_with;
        std::function<void(wire::HttpResponse const&)> refuse_answer;
        std::function<void(std::function<void()>)> later;  // runs it from the loop
    };
    // The connection's, if requests and answers on it can be shown; and what the upstream is called there.
    struct Showing {
        IcapStage* icap = nullptr;
        std::string authority{};
    };
    struct Unasked {
        proto::Reason reason;
        std::string_view word;
    };

    // `route` must outlive the flow's last call; nothing of it is used from within custody's answer but by `calls`.
    RequestFlow(std::shared_ptr<ExchangeTools> tools, ExchangeRoute const& route, RequestId number, Calls calls, Showing showing);
    RequestFlow(RequestFlow const&) = delete;
    RequestFlow& operator=(RequestFlow const&) = delete;

    // Asks; or, if the request is not for this route at all, says why and does not ask: the connection is then to end.
    std::optional<Unasked> request(wire::RelayRequest const& head);
    // A word about a request that is not waiting is ignored.
    void allowed(proto::RequestAllowed const& message);
    void refused(proto::RequestRefused const& message);
    // The upstream has accepted the certificate; or why it goes no further, after which the caller answers.
    void certified(proto::Reason reason);
    // As wire::RelayOwner has them.
    std::optional<wire::HttpResponse> response(wire::RelayResponse& head);
    std::unique_ptr<wire::BodyFilter> filter(wire::RelayResponse const& head);
    bool holds(wire::RelayResponse const& head);
    // Who looks at messages did not finish with this one, or it may not leave: which of the two.
    proto::Reason adapter_failed();
    // Whether a request's trailers may go on: they are the guest's, and a token in them would go where no credential does.
    bool request_trailers(std::vector<wire::HttpHeader> const& trailers);
    void response_trailers(std::vector<wire::HttpHeader>& trailers) const;
    // What the thread is to hear; nothing for a request that was not allowed.
    std::optional<proto::RequestDone> done(wire::RelayDone const& told);

    RequestId number() const { return number_; }
    bool forwarded() const { return phase_ == Phase::forwarded; }
    // Nothing is said from here on, and what was secret is let go of.
    void stop();

private:
    enum class Phase : std::uint8_t { none, asked, showing, redeeming, certifying, forwarded, answered };

    bool shows_response() const { return showing_.icap != nullptr && showing_.icap->shows_response(); }
    bool lacks_token() const;
    bool is_withheld() const { return withheld_ && *withheld_; }
    std::unique_ptr<wire::BodyAdapter> watch(std::unique_ptr<wire::BodyAdapter> behind);
    void watched(BodyWatch::Word word);
    void show_request();
    void go_on();
    void redeemed(proto::Redeemed& message);
    void forward(wire::HttpRelay::Secret secret);
    void refuse_allowed(proto::Reason reason);
    std::vector<wire::HttpHeader> clean(std::vector<wire::HttpHeader> const& headers) const;

    std::shared_ptr<ExchangeTools> tools_;  // shared with all exchanges of the process
    ExchangeRoute const& route_;
    RequestId number_;
    Calls calls_;
    Showing showing_;
    Phase phase_ = Phase::none;
    wire::RelayRequest pending_;  // asked for, or waiting for its credential
    wire::RelayRequest shown_;    // as it is shown with its answer: without what is injected
    proto::RequestAllowed permit_;
    std::string token_;           // that the request presented
    bool told_allowed_ = false;
    std::optional<BodyForm> form_;    // of a body that could be one which may not leave
    std::shared_ptr<bool> withheld_;  // and is; shared with its watch
    proto::Reason done_reason_ = proto::Reason::none;
    std::shared_ptr<CredentialPatterns const> patterns_;  // shared with the filter of the answer's body
};

}  // namespace ocu::edge
