// SPDX-License-Identifier: GPL-3.0-or-later
#include "edge/exchange.h"

#include <charconv>
#include <optional>

#include "base/crypto/certificate.h"
#include "edge/bump.h"
#include "edge/certified_upstream.h"
#include "edge/exchange_http2.h"
#include "edge/icap_stage.h"
#include "edge/relay_refusal.h"
#include "edge/request_flow.h"
#include "wire/http_relay.h"

namespace ocu::edge {

using proto::Reason;

ExchangeTools::ExchangeTools(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ExchangeTools::~ExchangeTools() = default;

Result<std::shared_ptr<ExchangeTools>> ExchangeTools::make(
    std::string_view roots_pem, Custody& custody, Clock const& clock, WithheldSet& withheld)
{
    auto const key = OCU_TRY(crypto::make_p256_key());
    auto const pem = OCU_TRY(crypto::p256_key_pem(key));
    auto const public_key = OCU_TRY(crypto::p256_public(key));
    std::shared_ptr<wire::TlsToUpstream> upstream;
    if (!roots_pem.empty()) upstream = OCU_TRY(wire::TlsToUpstream::make(roots_pem));
    auto guest = OCU_TRY(wire::TlsToGuest::make(pem));
    return std::shared_ptr<ExchangeTools>(
        new ExchangeTools(std::make_unique<Parts>(Parts{custody, clock, withheld, public_key, std::move(upstream), std::move(guest), {}})));
}

struct Exchange::Impl final : wire::RelayOwner, std::enable_shared_from_this<Exchange::Impl> {
    Impl(std::shared_ptr<ExchangeTools> from, wire::Loop& on, ExchangeRoute to, Calls tell)
        : tools(std::move(from)), loop(on), route(std::move(to)), calls(std::move(tell)),
          icap(on, route.connection, route.handling == proto::Handling::bump ? wire::Scheme::https : wire::Scheme::http, calls.ask_icap)
    {}

    void begin(UniqueFd guest, std::string already, UniqueFd upstream);
    void start_relay(std::unique_ptr<wire::Transport> guest, std::unique_ptr<wire::Transport> upstream, std::string already);
    void start_http2(std::unique_ptr<wire::Transport> guest, std::unique_ptr<wire::Transport> upstream);
    void allowed(proto::RequestAllowed const& message);
    void refused(proto::RequestRefused const& message);
    RequestFlow::Calls calls_of_flow();
    void use_certificate(std::uint64_t lease, std::string const& token, std::string chain_pem);
    void certified(std::unique_ptr<wire::Transport> upstream, Reason reason, std::string_view word);
    void refuse_and_end(Reason reason, std::string_view word);
    void cut();
    void stop();
    void tell_ended(Reason reason, std::string_view word, wire::RelayTotals totals);
    std::string authority() const;
    wire::HttpRelay::Then then() const
    {
        return route.form == proto::RouteForm::absolute ? wire::HttpRelay::Then::close : wire::HttpRelay::Then::go_on;
    }

    void request(wire::RelayRequest const& head) override;
    std::optional<wire::HttpResponse> response(wire::RelayResponse& response) override;
    std::unique_ptr<wire::BodyFilter> filter(wire::RelayResponse const& response) override;
    bool holds(wire::RelayResponse const& response) override;
    wire::HttpResponse explain(wire::RelayFault fault) override;
    void done(wire::RelayDone const& told) override;
    void ended(wire::RelayFault fault, wire::RelayTotals totals) override;

    std::shared_ptr<ExchangeTools> tools;  // shared with all exchanges of the process
    wire::Loop& loop;
    ExchangeRoute route;
    Calls calls;
    IcapStage icap;
    std::optional<Bump> bump;
    std::unique_ptr<wire::Transport> bare;  // the upstream's connection, until a request may have the certificate
    std::optional<CertifiedUpstream> certifying;
    std::optional<wire::HttpRelay> relay;
    std::shared_ptr<Http2Exchange> many;  // instead of `relay`, where HTTP/2 was agreed on
    RequestFlow::Unasked unverified{Reason::none, {}};

    std::uint64_t number = 0;
    std::shared_ptr<RequestFlow> flow;  // the request that is under way; shared, weakly, with what custody is asked
    Reason end_reason = Reason::none;
    std::string_view end_word;
    bool over = false;
};

void Exchange::Impl::begin(UniqueFd guest, std::string already, UniqueFd upstream)
{
    auto guest_side = wire::plain_transport(loop, std::move(guest));
    auto upstream_side = wire::plain_transport(loop, std::move(upstream));
    if (route.handling != proto::Handling::bump) return start_relay(std::move(guest_side), std::move(upstream_side), std::move(already));
    auto const opened = [weak = weak_from_this()](Bump::Opened sides) {
        auto const self = weak.lock();
        if (!self || self->over) return;
        if (sides.refusal != wire::TlsRefusal::none)
            self->unverified = {sides.no_common_protocol ? Reason::protocol_denied : Reason::upstream_unverified, name_of(sides.refusal)};
        self->bare = std::move(sides.bare);
        if (sides.protocol == wire::Alpn::h2) return self->start_http2(std::move(sides.guest), std::move(sides.upstream));
        self->start_relay(std::move(sides.guest), std::move(sides.upstream), {});
    };
    auto const failed = [weak = weak_from_this()](Reason reason, std::string_view word) {
        if (auto const self = weak.lock(); self && !self->over) self->tell_ended(reason, word, {});
    };
    bump.emplace(tools, loop, std::move(guest_side), std::move(already), std::move(upstream_side), route, Bump::Calls{opened, failed});
}

void Exchange::Impl::start_relay(std::unique_ptr<wire::Transport> guest, std::unique_ptr<wire::Transport> upstream, std::string already)
{
    relay.emplace(loop, std::move(guest), std::move(upstream), std::move(already), wire::RelayLimits{}, *this);
}

void Exchange::Impl::start_http2(std::unique_ptr<wire::Transport> guest, std::unique_ptr<wire::Transport> upstream)
{
    Http2Exchange::Calls tell;
    tell.ask = calls.ask;
    tell.done = calls.done;
    tell.later = [&on = loop](std::function<void()> task) { on.post(std::move(task)); };
    tell.ended = [weak = weak_from_this()](Reason reason, std::string_view word, wire::RelayTotals totals) {
        if (auto const self = weak.lock()) self->tell_ended(reason, word, totals);
    };
    many = std::make_shared<Http2Exchange>(tools, route, authority(), unverified, std::move(tell));
    many->start(loop, std::move(guest), std::move(upstream));
}

RequestFlow::Calls Exchange::Impl::calls_of_flow()
{
    RequestFlow::Calls tell;
    tell.ask = calls.ask;
    tell.forward = [this](wire::RelayRequest const& request, wire::HttpRelay::Secret secret) {
        relay->forward(request, authority(), secret, then());
    };
    tell.refuse = [this](wire::HttpResponse const& response) { relay->refuse(response, then()); };
    tell.certify = [this](std::uint64_t lease, std::string const& token, std::string chain) { use_certificate(lease, token, std::move(chain)); };
    tell.later = [this](std::function<void()> task) { loop.post(std::move(task)); };
    tell.adapt_request = [this](std::unique_ptr<wire::BodyAdapter> adapter) { relay->adapt_request(std::move(adapter)); };
    tell.adapt_response = [this](std::unique_ptr<wire::BodyAdapter> adapter) { relay->adapt_response(std::move(adapter)); };
    tell.answer_with = [this](wire::RelayResponse const& head) { relay->answer_with(head); };
    tell.refuse_answer = [this](wire::HttpResponse const& response) { relay->refuse_answer(response); };
    return tell;
}

void Exchange::Impl::request(wire::RelayRequest const& head)
{
    auto const keep = shared_from_this();
    if (unverified.reason != Reason::none) return refuse_and_end(unverified.reason, unverified.word);
    flow = std::make_shared<RequestFlow>(tools, route, RequestId{++number}, calls_of_flow(), RequestFlow::Showing{&icap, authority()});
    if (auto const why = flow->request(head)) refuse_and_end(why->reason, why->word);
}

void Exchange::Impl::allowed(proto::RequestAllowed const& message)
{
    if (over) return;
    if (many) many->allowed(message);
    if (flow) flow->allowed(message);
}

void Exchange::Impl::refused(proto::RequestRefused const& message)
{
    if (over) return;
    if (many) many->refused(message);
    if (flow) flow->refused(message);
}

// Once for a connection; what comes on it later has shown its token, and the certificate is there.
void Exchange::Impl::use_certificate(std::uint64_t lease, std::string const& token, std::string chain_pem)
{
    if (!bare) return flow->certified(Reason::none);
    certifying.emplace(tools, loop, std::move(bare), CertifiedUpstream::Terms{lease, token, route.name, route.upstream_name, std::move(chain_pem)},
        [weak = weak_from_this(), asked = std::weak_ptr(flow)](std::unique_ptr<wire::Transport> upstream, Reason reason, std::string_view word) {
            auto const self = weak.lock();
            if (self && !self->over && self->flow && self->flow == asked.lock()) self->certified(std::move(upstream), reason, word);
        });
}

void Exchange::Impl::certified(std::unique_ptr<wire::Transport> upstream, Reason reason, std::string_view word)
{
    if (reason == Reason::none) relay->set_upstream(std::move(upstream));
    flow->certified(reason);
    if (reason == Reason::none) return;
    if (reason == Reason::upstream_unverified) return refuse_and_end(reason, word);
    relay->refuse(denied(reason, route, word), wire::HttpRelay::Then::close);
}

void Exchange::Impl::refuse_and_end(Reason reason, std::string_view word)
{
    end_reason = reason;
    end_word = word;
    relay->refuse(denied(reason, route, word), wire::HttpRelay::Then::close);
}

std::string Exchange::Impl::authority() const
{
    std::uint16_t const own = route.handling == proto::Handling::bump ? 443 : 80;
    std::string out = route.name.contains(':') ? '[' + route.name + ']' : route.name;
    if (route.port != own) (out += ':') += std::to_string(route.port);
    return out;
}

std::optional<wire::HttpResponse> Exchange::Impl::response(wire::RelayResponse& head) { return flow ? flow->response(head) : std::nullopt; }

std::unique_ptr<wire::BodyFilter> Exchange::Impl::filter(wire::RelayResponse const& head) { return flow ? flow->filter(head) : nullptr; }

bool Exchange::Impl::holds(wire::RelayResponse const& head) { return flow && flow->holds(head); }

wire::HttpResponse Exchange::Impl::explain(wire::RelayFault fault)
{
    if (unverified.reason != Reason::none) {
        end_reason = unverified.reason;
        end_word = unverified.word;
        return denied(end_reason, route, end_word);
    }
    if (fault == wire::RelayFault::adapter && flow) {
        end_reason = flow->adapter_failed();
        return denied(end_reason, route, end_word);
    }
    if (auto const reason = reason_of(fault); reason != Reason::none) return denied(reason, route, name_of(fault));
    if (fault != wire::RelayFault::timeout) return broken(Broke::upstream_gone, route);
    return broken(flow && flow->forwarded() ? Broke::upstream_late : Broke::request_late, route);
}

void Exchange::Impl::done(wire::RelayDone const& told)
{
    auto const keep = shared_from_this();
    if (!flow) return;
    if (auto const message = flow->done(told)) calls.done(*message);
}

void Exchange::Impl::ended(wire::RelayFault fault, wire::RelayTotals totals)
{
    if (fault == wire::RelayFault::adapter && end_reason == Reason::none && flow) end_reason = flow->adapter_failed();
    auto const reason = end_reason != Reason::none ? end_reason : reason_of(fault);
    auto const word = !end_word.empty() || fault == wire::RelayFault::none ? end_word : name_of(fault);
    tell_ended(reason, word, totals);
}

void Exchange::Impl::tell_ended(Reason reason, std::string_view word, wire::RelayTotals totals)
{
    if (std::exchange(over, true)) return;
    auto const keep = shared_from_this();
    flow.reset();
    calls.ended({route.connection, reason, totals.bytes_up, totals.bytes_down, {}}, word);
}

// Nothing is told from here on but the end, if anybody still listens.
void Exchange::Impl::stop()
{
    over = true;
    flow.reset();
    bump.reset();
    certifying.reset();
    bare.reset();
    if (relay) relay->cut();
    if (many) many->cut();
}

void Exchange::Impl::cut()
{
    if (over) return;
    auto const totals = relay ? relay->totals() : many ? many->totals() : wire::RelayTotals{};
    stop();
    loop.post([weak = weak_from_this(), totals] {
        auto const self = weak.lock();
        if (!self) return;
        self->over = false;
        self->tell_ended(Reason::none, "cut", totals);
    });
}

Exchange::Exchange(std::shared_ptr<ExchangeTools> tools, wire::Loop& loop, UniqueFd guest, std::string already, UniqueFd upstream,
    ExchangeRoute route, Calls calls)
    : impl_(std::make_shared<Impl>(std::move(tools), loop, std::move(route), std::move(calls)))
{
    impl_->begin(std::move(guest), std::move(already), std::move(upstream));
}

Exchange::~Exchange() { impl_->stop(); }
void Exchange::allowed(proto::RequestAllowed const& message) { impl_->allowed(message); }
void Exchange::refused(proto::RequestRefused const& message) { impl_->refused(message); }
void Exchange::icap_opened(proto::IcapOpened const& message, UniqueFd socket)
{
    if (!impl_->over) impl_->icap.opened(message, std::move(socket));
}
void Exchange::icap_refused(proto::IcapRefused const& message)
{
    if (!impl_->over) impl_->icap.refused(message);
}
void Exchange::cut() { impl_->cut(); }

}  // namespace ocu::edge
